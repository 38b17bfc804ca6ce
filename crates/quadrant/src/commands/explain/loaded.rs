//! A program that the kernel has.

use std::os::fd::AsFd;

use clap::ValueEnum;
use quadrant_bpf::object;
use quadrant_bpf::object::ProgramCode;
use quadrant_inspect::objects;

use super::Answer;
use super::Part;
use super::facts::Facts;
use crate::commands;
use crate::commands::table;
use crate::failure::Failure;

/// Shows a program, by its number or name.
///
/// # Errors
/// There is none, or there are several; or a part that only scripts have.
pub fn explain(wanted: &str, answer: &mut Answer) -> Result<(), Failure> {
    refuse_parts_of_scripts(answer)?;
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

/// # Errors
/// The kernel has nothing of what is wanted. What it lacks beside other parts is told, unless simply everything is wanted.
fn refuse_parts_of_scripts(answer: &Answer) -> Result<(), Failure> {
    let of_scripts = |part: &&Part| matches!(part, Part::Probes | Part::Model | Part::Ssa | Part::Bpf | Part::Helpers);
    let lacking: Vec<String> = answer.parts.iter().filter(of_scripts).map(Part::to_string).collect();
    let text = format!("the kernel does not have these parts of a program: {}", lacking.join(", "));
    if lacking.len() == answer.parts.len() {
        return Err(Failure::usage(text).hint("it has maps, xlated, jited, and cost"));
    }
    if !lacking.is_empty() && answer.parts.len() < Part::value_variants().len() {
        commands::print_notes(&[text]);
    }
    Ok(())
}
