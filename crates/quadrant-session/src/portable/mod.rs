//! A script as an object that libbpf and bpftool load: its programs with types, maps that are described, and a record for each
//! instruction that depends on the kernel's types.
//!
//! Only what runs in the kernel fits into an object; a script that needs the tracer while it runs is refused.

mod check;
mod functions;
mod kernel_types;
mod maps;
mod names;
mod sections;

use quadrant_codegen::object::Context;
use quadrant_codegen::object::Unit;
use quadrant_codegen::target::Target;
use quadrant_object::write;
use quadrant_object::write::Draft;
use quadrant_program::Program;
use quadrant_program::probe::PointId;
use quadrant_types::Types;

use crate::error::Error;
use crate::map_types::MapTypes;
use crate::source::Source;
use crate::trace;
use kernel_types::KernelTypes;
use names::Names;

/// The bytes of an object of a program whose parts that depend on the kernel's types are
/// [`quadrant_program::expr::ExprKind::Core`].
///
/// # Errors
/// What an object cannot do, with the place in the script.
pub fn object(program: &Program, types: &Types, source: Source) -> Result<Vec<u8>, Error> {
    check::check(program, types)?;
    let units = units(program)?;
    let object = trace::compile_units(program, &units, &target(program), &quadrant_codegen::ssa::Options::default())?;
    check::compiled(program, &object)?;
    let mut map_types = MapTypes::default();
    let mut names = Names::default();
    let mut draft = Draft::default();
    let places = maps::add(&mut draft, &mut map_types, &mut names, (program, &object, source));
    let adjusted = KernelTypes::of(types, &object.core).describe(&mut map_types, &object.core);
    let parts = functions::Parts { program, places: &places, adjusted: &adjusted, source };
    for (unit, code) in units.iter().zip(&object.programs) {
        parts.add(&mut draft, &mut map_types, &mut names, (unit, code))?;
    }
    // Functions that are no programs stand behind all programs.
    functions::sort(&mut draft);
    draft.types = map_types.btf;
    write::write(draft).map_err(|error| Error::Object { message: error.to_string(), help: Vec::new() })
}

/// One program for each point: an object cannot tell its programs which of several they serve.
fn units(program: &Program) -> Result<Vec<Unit>, Error> {
    let mut units: Vec<Unit> = Vec::new();
    for (index, clause) in program.clauses.iter().enumerate() {
        for point in &clause.points {
            match units.iter_mut().find(|unit| unit.points == [*point]) {
                Some(unit) => unit.clauses.push(index),
                None => units.push(unit(program, *point, index)),
            }
        }
    }
    Ok(units)
}

fn unit(program: &Program, point: PointId, clause: usize) -> Unit {
    Unit::new(Context::of(&program.points[point.0 as usize].site), vec![clause], vec![point])
}

/// Processors that scratch memory is there for. Programs on others do nothing that needs it, and count that.
const PROCESSORS: u32 = 256;
/// Keys of a map whose size the script leaves open.
const KEYS: u32 = 10_240;
/// Stacks of a kind: memory for them is taken when the object is loaded.
const STACKS: u32 = 4096;

/// What kernels from 5.17 on have: where an object is loaded is not known now.
fn target(program: &Program) -> Target {
    Target {
        // Programs of perf events may not use maps that grow before Linux 6.1.
        no_prealloc: false,
        ktime_tai: false,
        guarded: false,
        ring_bytes: 0,
        map_keys: program.config.max_map_keys.unwrap_or(KEYS),
        stack_keys: STACKS,
        fronts: false,
        ..Target::newest(PROCESSORS)
    }
}
