//! A program that the kernel has.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use quadrant_bpf::object;
use quadrant_bpf::object::ObjectKind;
use quadrant_bpf::object::ProgramCode;
use quadrant_bpf::object::ProgramObject;

use super::Answer;
use super::Part;
use super::facts::Facts;
use crate::commands;
use crate::commands::table;
use crate::failure::Failure;
use crate::failure::shown;

/// Shows a program, by its number or name.
///
/// # Errors
/// There is none, or there are several; or a part that only scripts have.
pub fn explain(wanted: &str, answer: &mut Answer) -> Result<(), Failure> {
    let of_scripts = |part: &&Part| matches!(part, Part::Probes | Part::Model | Part::Ssa | Part::Bpf);
    if let Some(part) = answer.parts.iter().find(of_scripts).filter(|_| answer.parts.len() == 1) {
        let failure = Failure::usage(format!("the kernel does not have that part of a program: {part:?}"));
        return Err(failure.hint("it has maps, xlated, jited, helpers, and cost"));
    }
    let (program, fd) = find(wanted)?;
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

fn find(wanted: &str) -> Result<(ProgramObject, OwnedFd), Failure> {
    let ids = match wanted.parse() {
        Ok(id) => vec![id],
        Err(_) => object::ids(ObjectKind::Program)?,
    };
    let mut found = Vec::new();
    for id in ids {
        let Some(fd) = object::open(ObjectKind::Program, id)? else { continue };
        let program = ProgramObject::of(fd.as_fd())?;
        if wanted.parse() == Ok(program.id) || program.name == wanted.as_bytes() {
            found.push((program, fd));
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some((last, _)), false) => {
            let ids: Vec<String> =
                found.iter().map(|(program, _)| program.id).chain([last.id]).map(|id| id.to_string()).collect();
            Err(Failure::usage(format!("several programs have the name {}", shown(wanted)))
                .hint(format!("choose by number: {}", ids.join(", "))))
        }
        (None, _) => {
            Err(Failure::usage(format!("the kernel has no program {}", shown(wanted)))
                .hint("`quadrant progs` lists them"))
        }
    }
}
