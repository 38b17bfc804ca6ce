//! From the typed program to SSA: what each construct of a script becomes for this kernel.
//!
//! * `unit`: one eBPF program, its entry and its clauses; `globals`: maps and the data section that all share.
//! * `expr`, `stmt` and what they use, one topic a file.
//! * `memory`, `scratch`, `variable`: where values are that do not fit a register.

mod aggregate;
mod alone;
mod append;
mod arena;
mod arith;
mod bucket;
mod builtin;
mod bursts;
mod call;
mod cells;
mod change;
mod clear;
mod comm;
mod compare;
mod condition;
mod contains;
mod context;
mod convert;
mod error;
mod expr;
mod fault;
mod file;
mod front;
mod function;
mod globals;
mod groups;
mod iter;
mod keys;
mod loops;
mod maps;
mod memory;
mod packet;
mod point;
mod process;
mod read;
mod record;
mod reuse;
mod sample;
mod scratch;
mod series;
mod session;
mod shared;
mod slots;
mod speculation;
mod stack;
mod stays;
mod stmt;
mod syscall;
mod task;
mod text;
mod texts;
mod unit;
mod update;
mod user;
mod variable;
mod walk;
mod whole;

use quadrant_program::Program;

pub use error::CompileError;
pub(crate) use globals::value_size;

use crate::object::Object;
use crate::object::Unit;
use crate::ssa;
use crate::target::Target;
use globals::Globals;

/// Compiles a typed program: one eBPF program for each unit, and the maps that they share. The same input gives the same bytes.
///
/// # Errors
/// Something that this kernel cannot do, or that no kernel can.
pub fn compile(program: &Program, units: &[Unit], target: &Target) -> Result<Object, CompileError> {
    compile_with(program, units, target, &ssa::Options::default())
}

/// As [`compile`], with settings of the back end.
///
/// # Errors
/// Those of [`compile`].
pub fn compile_with(
    program: &Program,
    units: &[Unit],
    target: &Target,
    options: &ssa::Options,
) -> Result<Object, CompileError> {
    let compile = |mut globals: Globals<'_>| {
        let compile = |(index, unit)| unit::compile(&mut globals, index, unit, options);
        let programs = units.iter().enumerate().map(compile).collect::<Result<Vec<_>, _>>()?;
        Ok(globals.finish(programs))
    };
    let object = compile(Globals::new(program, units, target))?;
    match object.programs.iter().any(groups::names_too_many) {
        true => compile(Globals::grouped(program, units, target)),
        false => Ok(object),
    }
}
