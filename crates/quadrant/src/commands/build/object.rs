//! `quadrant build -o NAME.bpf.o`: an object that libbpf and bpftool load.

use std::path::Path;
use std::rc::Rc;

use quadrant_bpf::Error;
use quadrant_bpftrace::Script;
use quadrant_object::Object;
use quadrant_program::Program;
use quadrant_session::Source;
use quadrant_session::object::LoadOptions;

use crate::args::Args;
use crate::diag;
use crate::failure;
use crate::failure::Failure;
use crate::failure::shown;
use crate::front;
use crate::list;
use crate::output_file;
use crate::world;

/// Makes an object's file of a script.
///
/// # Errors
/// The script's mistakes, what an object cannot do, a kernel that refuses it, a file that cannot be written.
pub fn build(path: &Path, script: &Script, args: &Args, no_check: bool) -> Result<(), Failure> {
    let types = Rc::new(world::types());
    let program = program(script, args, &types)?;
    let bytes = quadrant_session::portable::object(&program, &types, Source(&script.sources))
        .map_err(|error| Failure::session(&script.sources, error))?;
    if !no_check {
        check(&bytes).map_err(super::unchecked)?;
    }
    let failed = |error| Error::io(format!("cannot write {}", shown(&path.to_string_lossy())), &error);
    Ok(output_file::write(path, &bytes).map_err(failed)?)
}

fn program(script: &Script, args: &Args, types: &Rc<quadrant_types::Types>) -> Result<Program, Failure> {
    let source = list::source(args, types, None);
    let (program, diagnostics) = front::compile_portable(script, args, &source, types);
    let program = program.ok_or_else(|| Failure::script(&script.sources, &diagnostics))?;
    if !args.quiet {
        eprint!("{}", diag::render(&script.sources, &diagnostics, failure::color()));
        list::print_warnings(&source);
    }
    Ok(program)
}

/// Whether this kernel takes the object's programs.
fn check(bytes: &[u8]) -> Result<(), Failure> {
    let object = Object::parse(bytes).map_err(|error| Failure::new(error.to_string()))?;
    let loaded = quadrant_session::object::load(object, LoadOptions::default());
    loaded.map(drop).map_err(crate::commands::load::failure)
}
