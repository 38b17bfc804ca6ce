//! The real verifier must take generated modules, and the real kernel must run them as the evaluator does.

use std::collections::BTreeMap;

use quadrant_bpf::btf::{Function, Linkage};
use quadrant_bpf::map::{Map, MapSpec};
use quadrant_bpf::prog::{LogLevel, Program, ProgramKind, ProgramSpec};
use quadrant_codegen::ssa::{Code, Module, Options, compile};

use crate::eval::{Trace, World, evaluate};
use crate::generate::{AREA, Style, module};
use crate::machine::{map_specs, relocate};

/// The maps, or `None` with a printed reason where programs cannot be loaded.
pub fn maps() -> Option<Vec<Map>> {
    let maps: Result<Vec<Map>, _> = map_specs().iter().map(|spec: &MapSpec| Map::create(spec)).collect();
    match maps {
        Ok(maps) => Some(maps),
        Err(error) => {
            eprintln!("skipped: no access to bpf(2): {error}");
            None
        }
    }
}

/// Loads code as a raw tracepoint program; the verifier's log if it refuses.
pub fn load(code: &mut Code, maps: &[Map]) -> Result<Program, String> {
    let descriptors: Vec<i32> = maps.iter().map(Map::raw_fd).collect();
    relocate(code, &descriptors);
    let functions: Vec<Function> = code.funcs.iter().map(function).collect();
    let functions = if functions.len() > 1 { functions } else { Vec::new() };
    let spec = ProgramSpec { functions: &functions, ..ProgramSpec::new(ProgramKind::RawTracepoint, &code.insns) };
    Program::load(&spec).or_else(|_| {
        let (result, log) = Program::load_logged(&spec, LogLevel::Failure);
        result.map_err(|error| format!("{error}\n{log}"))
    })
}

fn function(info: &quadrant_codegen::ssa::FuncInfo) -> Function {
    let linkage = if info.is_static { Linkage::Static } else { Linkage::Global };
    Function { start: info.at, name: info.name.clone(), linkage, arguments: info.params.into() }
}

fn run(module: &Module, maps: &[Map], world: &World) -> Result<Trace, String> {
    let mut code = compile(module, &Options::default()).map_err(|error| error.to_string())?;
    let program = load(&mut code, maps)?;
    let array = vec![0; AREA as usize];
    maps[0].update(&0u32.to_ne_bytes(), &array, quadrant_bpf::map::Update::Any).map_err(|error| error.to_string())?;
    for key in 0..4u64 {
        maps[1].delete(&key.to_ne_bytes()).map_err(|error| error.to_string())?;
    }
    let words: Vec<u64> =
        world.ctx.chunks(8).map(|word| u64::from_ne_bytes(word.try_into().expect("8 bytes"))).collect();
    let result = program.test_run_raw_tp(&words).map_err(|error| error.to_string())?;
    Ok(Trace { result: result.into(), array: array_of(&maps[0]), hash: hash_of(&maps[1]) })
}

fn array_of(map: &Map) -> Vec<u8> {
    let mut value = vec![0; AREA as usize];
    let _ = map.lookup(&0u32.to_ne_bytes(), &mut value);
    value
}

fn hash_of(map: &Map) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for key in 0..4u64 {
        let mut value = [0; 8];
        if let Ok(true) = map.lookup(&key.to_ne_bytes(), &mut value) {
            found.insert(key, u64::from_ne_bytes(value));
        }
    }
    found
}

/// Numbers that look random and are the same in every run.
fn tape(seed: u64, len: usize) -> Vec<u32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn accepts_and_agrees() {
    let Some(maps) = maps() else { return };
    let mut loaded = 0;
    for seed in 0..250 {
        let pressure = [0, 6, 14][seed as usize % 3];
        let module = module(&tape(seed, 60 + seed as usize), Style { pressure, clock: false }).expect("valid");
        let pid_tgid = u64::from(std::process::id()) << 32 | u64::from(thread_id());
        let ctx = std::array::from_fn(|at| (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (at % 8 * 8)) as u8);
        let world = World { pid_tgid, now: 0, ctx };
        let expected = evaluate(&module, &world);
        let expected = Trace { result: u64::from(expected.result as u32), ..expected };
        match run(&module, &maps, &world) {
            Ok(trace) => {
                assert_eq!(trace, expected, "seed {seed}\n{module}");
                loaded += 1;
            }
            Err(log) if log.contains("too large") || log.contains("too complex") => {}
            Err(log) => panic!("seed {seed}: {log}\n{module}"),
        }
    }
    assert!(loaded > 100, "only {loaded} programs were not too complex for the verifier");
}

/// The thread's id, as `/proc` says.
fn thread_id() -> u32 {
    let link = std::fs::read_link("/proc/thread-self").expect("procfs");
    link.file_name().and_then(|name| name.to_str()?.parse().ok()).expect("a number")
}
