//! A program that the kernel has.

use std::os::fd::AsFd;

use quadrant_bpf::object;
use quadrant_bpf::object::ProgramCode;
use quadrant_inspect::objects;

use super::Answer;
use super::Part;
use super::facts::Facts;
use crate::commands;
use crate::commands::table;
use crate::failure::Failure;

/// Shows a program, by its number, name or tag.
///
/// # Errors
/// There is none, or there are several; or a part that only scripts have.
pub fn explain(wanted: &str, answer: &mut Answer) -> Result<(), Failure> {
    let of_scripts = [Part::Probes, Part::Model, Part::Ssa, Part::Bpf, Part::Helpers];
    answer.refuse(&of_scripts, "the kernel does not have", "it has maps, xlated, jited, and cost")?;
    let found = objects::find_programs(wanted)?;
    let (program, fd) =
        commands::only(found, "program", wanted, "`quadrant progs` lists them", |(program, _)| program.id)?;
    let code = ProgramCode::of(fd.as_fd())?;
    let kind = object::program_kind_name(program.kind).unwrap_or("unknown");
    let title = format!("{} (program {} of the kernel, {kind})", commands::escaped(&program.name), program.id);
    let maps: Vec<String> = program.maps.iter().map(u32::to_string).collect();
    answer.add(Part::Maps, "Maps", &format!("numbers: {}", maps.join(", ")));
    Facts::default().add(answer, &title, &code)?;
    let sizes = format!(
        "{} instructions verified, {} translated, {} of machine code",
        code.verified,
        code.xlated.len(),
        table::bytes(program.jited_len.into())
    );
    answer.add(Part::Cost, "Cost", &sizes);
    Ok(())
}
