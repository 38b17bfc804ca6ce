//! Runs compiled modules in the user-space machine.

use quadrant_bpf::map::{MapKind, MapSpec};
use quadrant_codegen::ssa::{Code, RelocKind};
use quadrant_vm::{FakeEnv, Vm, VmError};

use crate::eval::{Trace, World};
use crate::generate::AREA;

/// The maps of generated modules, by number.
pub fn map_specs() -> [MapSpec; 2] {
    [MapSpec::new(MapKind::Array, 4, AREA, 1), MapSpec::new(MapKind::Hash, 8, 8, 64)]
}

/// Puts descriptors in the places that the loader fills in.
pub fn relocate(code: &mut Code, descriptors: &[i32]) {
    for reloc in &code.relocs {
        if let RelocKind::Map(map) | RelocKind::MapValue(map) = reloc.kind {
            code.insns[reloc.at as usize].imm = descriptors[map.index()];
        }
    }
}

/// Runs the main program.
pub fn run(mut code: Code, world: &World) -> Result<Trace, VmError> {
    let env = FakeEnv {
        pid: (world.pid_tgid >> 32) as u32,
        tid: world.pid_tgid as u32,
        now: world.now,
        tick: 0,
        ..FakeEnv::default()
    };
    let mut vm = Vm::new(env, 1);
    let maps = map_specs().map(|spec| vm.add_map(spec));
    relocate(&mut code, &maps);
    let outcome = vm.run(&code.insns, &world.ctx)?;
    let number = |bytes: Vec<u8>| u64::from_ne_bytes(bytes.try_into().expect("8 bytes"));
    let value = |key: &Vec<u8>| number(vm.lookup(maps[1], key, 0).expect("listed"));
    let hash = vm.keys(maps[1]).into_iter().map(|key| (number(key.clone()), value(&key))).collect();
    let array = vm.lookup(maps[0], &0u32.to_ne_bytes(), 0).expect("arrays are full");
    Ok(Trace { result: outcome.r0, array, hash })
}
