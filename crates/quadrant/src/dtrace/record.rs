//! `quadrant record` for programs in D.

use std::path::Path;
use std::rc::Rc;

use quadrant_bpf::features::Features;
use quadrant_probes::RecordedPoint;
use quadrant_program::Program;
use quadrant_program::probe::ProbeKind;
use quadrant_program::recording;
use quadrant_program::recording::Split;
use quadrant_program::span::Span;
use quadrant_session::Options;
use quadrant_session::Trace;
use serde_json::Value;

use super::getopt::Line;
use super::getopt::Target;
use super::recorded;
use super::recorded::Asked;
use super::report;
use super::sink::drops;
use super::sink::drops::Drops;
use super::sink::drops::OwnDrops;
use super::sources::Texts;
use super::targets;
use super::tool;
use super::trace;
use super::trace::Lowered;
use super::world::Machine;
use crate::args::Args;
use crate::commands::record;
use crate::failure::Failure;
use crate::output_file;
use crate::recording::Points;
use crate::run;

/// Records what a script's clauses would read; gives the exit status.
///
/// # Errors
/// What stands in the way: the script, the probes, the kernel, the output.
pub fn run(args: &Args, file: &str, params: &[String], output: &Path, events: u64) -> Result<i32, Failure> {
    let command = args.command.clone().map(Target::Command);
    let wanted = command.into_iter().chain(args.pid.map(Target::Process)).collect();
    let (line, texts) = tool::script_line(file, args.allow_unsafe, params, wanted)?;
    output_file::check_sources(Some(output))?;
    let targets = targets::open(&line)?;
    let machine = Machine::new(&line, &texts.options, &targets);
    quadrant_bpf::limits::bump_memlock();
    let (split, said) = compile(&line, &texts, &machine)?;
    let recorder = Rc::new(recording::recorder(&split));
    // In D a target leaves no other process out.
    let session = Options { pid: None, process: None, ..run::session(args, None)? };
    let failed = |error| trace::failed(&texts.programs, error);
    let compiled =
        quadrant_session::compile(Rc::clone(&recorder), &Features::new(), &machine.types, session).map_err(failed)?;
    let trace = Trace::load(compiled).map_err(failed)?;
    let points = Points { all: points(&recorder), child: None, d: Some(said), names: None };
    let mut writer = record::writer(&recorder, &split, &points, output, events)?;
    let outcome = trace.run(&mut writer, targets.focus).map_err(failed)?;
    let mut lost = Drops::default().news(&recorder, &writer.lost, OwnDrops::default(), texts.options.droptags);
    lost.extend_from_slice(drops::last(&writer.lost).as_bytes());
    record::say_recorded(&writer, &lost);
    Ok(outcome.status)
}

/// The program as what it learns, and what the file says of the world in which it was compiled.
fn compile(line: &Line, texts: &Texts, machine: &Machine) -> Result<(Split, Value), Failure> {
    let providers = machine.providers();
    let asked = Asked::new(&providers, &machine.symbols);
    let world = machine.world(&asked, &asked);
    let lowered = trace::lowered(line, texts, &world);
    machine.warn(&providers);
    let (program, lowered) = lowered?;
    let split = split(texts, &program, &lowered)?;
    Ok((split, asked.to_json(&machine.types, &machine.macros, world.wall_offset)))
}

/// Splits a program from the world; names of what it learns are the texts of the script and of the libraries.
///
/// # Errors
/// What cannot be recorded, and why.
pub fn split(texts: &Texts, program: &Program, lowered: &Lowered) -> Result<Split, Failure> {
    let text = |span: Span| {
        let part_end = lowered.texts.place(span).part.map_or(span.end, |part| part.span.end);
        let end = span.end.min(part_end);
        let text = lowered.texts.text.get(span.start as usize..end as usize).unwrap_or_default();
        if end < span.end { first_term(text).to_owned() } else { text.to_owned() }
    };
    recording::split(program, &text).map_err(|message| {
        Failure::rendered(report::placed(&texts.programs, lowered, &message, lowered.options.errtags))
    })
}

/// The term at the start of a text: what an inline or a translator means of it goes on in a library.
fn first_term(text: &str) -> &str {
    let mut depth = 0;
    let ends = |letter: char| {
        depth += match letter {
            '(' | '[' => 1,
            ')' | ']' | '}' => -1,
            _ => 0,
        };
        depth < 0 || depth == 0 && (letter.is_whitespace() || matches!(letter, ',' | ';'))
    };
    text.find(ends).map_or(text, |end| &text[..end])
}

fn points(program: &Program) -> Vec<RecordedPoint> {
    let point = |point: &quadrant_program::probe::Point| RecordedPoint {
        name: point.name.clone(),
        // Nothing is recorded of faults.
        kind: recorded::kind(&point.site).unwrap_or(ProbeKind::Own),
        file: None,
        format: None,
        arguments: Vec::new(),
        build_id: None,
        narrow: false,
    };
    program.points.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::first_term;

    #[test]
    fn a_term_ends_with_its_own_text() {
        for (text, term) in [
            ("fds[ arg0 ].fi_name, x] = count();", "fds[ arg0 ].fi_name"),
            ("args[0]->pr_fname) }", "args[0]->pr_fname"),
            ("curcpu->cpu_id == 1", "curcpu->cpu_id"),
            ("(string)a[1, 2]; b", "(string)a[1, 2]"),
            ("execname", "execname"),
        ] {
            assert_eq!(first_term(text), term);
        }
    }
}
