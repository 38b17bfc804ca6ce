//! An object that clang made: what becomes of its programs.

use std::os::fd::AsFd;
use std::path::Path;
use std::path::PathBuf;

use quadrant_bpf::map::Map;
use quadrant_bpf::object::ProgramCode;
use quadrant_object::MapDef;
use quadrant_object::Object;
use quadrant_session::object;
use quadrant_session::object::LoadOptions;
use quadrant_session::object::Loaded;
use quadrant_session::object::LoadedProgram;

use super::Answer;
use super::Part;
use super::facts;
use super::facts::Facts;
use crate::commands;
use crate::commands::load;
use crate::commands::table;
use crate::failure::Failure;
use crate::failure::shown;

/// Whether a file is an object, or C of which clang makes one.
pub fn is_object(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "o" || extension == "c")
}

/// Shows what becomes of an object's programs.
///
/// # Errors
/// No object, what the kernel refuses, or a part that only scripts have.
pub fn explain(file: &str, include: &[PathBuf], answer: &mut Answer) -> Result<(), Failure> {
    let of_scripts = [Part::Model, Part::Ssa, Part::Bpf];
    answer.refuse(&of_scripts, "an object does not have", "it has probes, maps, helpers, xlated, jited, and cost")?;
    let bytes = load::bytes(Path::new(file), include, &[])?;
    let object = Object::parse(&bytes).map_err(|error| Failure::new(format!("{}: {error}", shown(file))))?;
    let loaded = object::load(object, LoadOptions::default()).map_err(load::failure)?;
    commands::print_notes(&loaded.notes);
    answer.add(Part::Probes, "Probes", &places(&loaded));
    answer.add(Part::Maps, "Maps", &maps(&loaded));
    let insns = loaded.programs.iter().flat_map(|one| &one.insns);
    answer.add(Part::Helpers, "Helper functions", &facts::helper_table(insns));
    let (mut facts, mut rows) = (Facts::default(), Vec::new());
    for one in &loaded.programs {
        let code = ProgramCode::of(one.program.as_fd())?;
        facts.add(answer, &title(&loaded, one)?, &code)?;
        rows.push(row(&loaded, one, &code)?);
    }
    let cost = if rows.is_empty() { String::new() } else { table::render(&facts::COST, &rows, None) };
    answer.add(Part::Cost, "Cost", &cost);
    Ok(())
}

fn name(loaded: &Loaded, one: &LoadedProgram) -> String {
    shown(&loaded.object.programs[one.index].name)
}

fn title(loaded: &Loaded, one: &LoadedProgram) -> Result<String, Failure> {
    Ok(format!("{} (program {} of the kernel)", name(loaded, one), one.program.info()?.id))
}

/// Each program with its section, and where that says it goes.
fn places(loaded: &Loaded) -> String {
    let place = |one: &LoadedProgram| {
        let section = shown(&loaded.object.programs[one.index].section);
        let where_to = match one.targets.is_empty() {
            true => "wherever its loader says".to_owned(),
            false => shown(&one.targets.join(", ")),
        };
        format!("{}\n  SEC(\"{section}\"): {where_to}\n", name(loaded, one))
    };
    let skipped = loaded.object.skipped.iter();
    let skipped = skipped.map(|one| {
        format!("{}\n  SEC(\"{}\"): not loaded, as no tracing program has it\n", shown(&one.name), shown(&one.section))
    });
    loaded.programs.iter().map(place).chain(skipped).collect()
}

fn maps(loaded: &Loaded) -> String {
    let of_map = |(def, map): (&MapDef, &Map)| map_row(&def.name, map);
    let sections = loaded.object.data.iter().zip(&loaded.data).map(|(data, map)| map_row(&data.name, map));
    let rows: Vec<Vec<String>> = loaded.object.maps.iter().zip(&loaded.maps).map(of_map).chain(sections).collect();
    if rows.is_empty() { String::new() } else { table::render(&facts::MAPS, &rows, None) }
}

fn map_row(name: &str, map: &Map) -> Vec<String> {
    let spec = map.spec();
    let sizes = [spec.key_size, spec.value_size, spec.max_entries];
    facts::map_row(shown(name), spec.kind as u32, sizes, map.memory())
}

fn row(loaded: &Loaded, one: &LoadedProgram, code: &ProgramCode) -> Result<Vec<String>, Failure> {
    Ok(facts::cost_row(name(loaded, one), one.insns.len(), code, &one.program.info()?))
}
