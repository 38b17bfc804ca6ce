//! A script from its probes to machine code.

use std::fmt::Write;
use std::rc::Rc;

use quadrant_bpf::features::Features;
use quadrant_bpf::process::Child;
use quadrant_codegen::MapDef;
use quadrant_codegen::MapRole;
use quadrant_codegen::ssa::Code;
use quadrant_explain::cost::Cost;
use quadrant_explain::cost::costs;
use quadrant_explain::listing;
use quadrant_program::Program;
use quadrant_program::sources::Sources;
use quadrant_program::span::Span;
use quadrant_session::Compiled;
use quadrant_session::Inside;
use quadrant_session::Options;
use quadrant_session::Source;
use quadrant_session::Trace;

use super::Answer;
use super::Part;
use super::facts;
use super::facts::Facts;
use crate::args::Args;
use crate::commands::table;
use crate::commands::table::Column;
use crate::dtrace;
use crate::dtrace::getopt::Target;
use crate::failure;
use crate::failure::Failure;
use crate::front;
use crate::run;
use crate::world;

/// Shows what a script becomes.
///
/// # Errors
/// The script's mistakes, and what the kernel refuses.
pub fn explain(args: &Args, answer: &mut Answer) -> Result<(), Failure> {
    if let Some((file, params)) =
        args.rest.split_first().filter(|(file, _)| args.execute.is_none() && crate::script::is_d(file))
    {
        // A program in D asks for its processes itself.
        let options =
            Options { keep_ssa: answer.wants(Part::Ssa), pid: None, process: None, ..run::session(args, None)? };
        let command = args.command.clone().map(Target::Command);
        let targets = command.into_iter().chain(args.pid.map(Target::Process)).collect();
        let (compiled, sources) = dtrace::tool::compile(file, params, targets, options)?;
        return show(compiled, &sources, answer);
    }
    let (script, params) = front::script(args)?;
    front::check_parameters(args, &script, params)?;
    let child = run::start(args)?;
    let child_pid = child.as_ref().map(Child::pid);
    let (types, features) = (Rc::new(world::types()), Features::new());
    quadrant_bpf::limits::bump_memlock();
    let program = Rc::new(run::program(args, &script, params, &types, child_pid, &features, None)?);
    let options = Options { keep_ssa: answer.wants(Part::Ssa), ..run::session(args, child_pid)? };
    let compiled = run::compiled(&script, &program, &features, &types, options)?;
    show(compiled, &script.sources, answer)
}

fn show(compiled: Compiled, script: &Sources, answer: &mut Answer) -> Result<(), Failure> {
    let program = Rc::clone(&compiled.program);
    let names = unit_names(&compiled);
    answer.add(Part::Probes, "Probes", &probes(&compiled));
    let maps = compiled.object.maps.clone();
    let generated = Generated::of(&compiled, script, &names);
    if !answer.parts.iter().any(|part| matches!(part, Part::Maps | Part::Xlated | Part::Jited | Part::Cost)) {
        generated.add(answer, &program);
        return Ok(());
    }
    let source = Source(script);
    let trace = Trace::load_described(compiled, source).map_err(|error| Failure::session(script, error))?;
    let insides = trace.insides().map_err(|error| Failure::session(script, error))?;
    answer.add(Part::Maps, "Maps", &map_table(&program, &maps, &trace.map_memory()));
    generated.add(answer, &program);
    let mut facts = Facts::default();
    insides.iter().try_for_each(|inside| facts.add(answer, &title(inside, &names), &inside.code))?;
    let rows: Vec<Vec<String>> = insides.iter().map(|inside| row(inside, &generated, &names)).collect();
    let columns = [&facts::COST[..], &WAYS].concat();
    answer.add(Part::Cost, "Cost", &format!("{}{}", table::render(&columns, &rows, None), facts::COST_NOTE));
    Ok(())
}

/// The stages before the kernel, as text.
struct Generated {
    ssa: String,
    bpf: String,
    helpers: String,
    costs: Vec<Vec<Cost>>,
    insns: Vec<usize>,
}

impl Generated {
    fn of(compiled: &Compiled, script: &Sources, names: &[String]) -> Generated {
        let codes = &compiled.object.programs;
        let maps: Vec<String> = compiled.object.maps.iter().map(|map| map_name(&compiled.program, map)).collect();
        let listed = |code: &Code| listing::generated(code, &|span| quoted(script, span), &maps);
        Generated {
            ssa: each(names, codes.iter().map(|code| code.ssa.clone())),
            bpf: each(names, codes.iter().map(listed)),
            helpers: facts::helper_table(codes.iter().flat_map(|code| &code.insns)),
            costs: codes.iter().map(costs).collect(),
            insns: codes.iter().map(|code| code.insns.len()).collect(),
        }
    }

    fn add(&self, answer: &mut Answer, program: &Program) {
        if answer.wants(Part::Model) {
            answer.add(Part::Model, "Typed program", &format!("{program:#?}"));
        }
        answer.add(Part::Ssa, "SSA", &self.ssa);
        answer.add(Part::Bpf, "eBPF", &self.bpf);
        answer.add(Part::Helpers, "Helper functions", &self.helpers);
    }
}

/// The texts of all programs, each under its name if there are several.
fn each(names: &[String], texts: impl Iterator<Item = String>) -> String {
    let several = names.len() > 1;
    let one = |(name, text): (&String, String)| if several { format!("{name}\n{text}") } else { text };
    names.iter().zip(texts).map(one).collect()
}

/// `file:line:column: text`, of a span's first line.
fn quoted(script: &Sources, span: Span) -> String {
    let text = script.slice(span).lines().next().unwrap_or_default();
    let line = format!("{}: {text}", script.place(span.start));
    failure::shown(&table::cut(&line, 110))
}

/// A program's first probe, and how many more there are.
fn unit_names(compiled: &Compiled) -> Vec<String> {
    let name = |planned: &quadrant_session::plan::Planned| {
        let points: Vec<_> = planned.unit.all_points().collect();
        let first = points.first().and_then(|point| compiled.program.points.get(point.0 as usize));
        let first = failure::shown(first.map_or("", |point| &point.name));
        if points.len() > 1 { format!("{first} and {} more", points.len() - 1) } else { first }
    };
    compiled.units.iter().map(name).collect()
}

fn title(inside: &Inside, names: &[String]) -> String {
    format!("{} (program {} of the kernel)", names[inside.unit], inside.info.id)
}

fn probes(compiled: &Compiled) -> String {
    let mut text = String::new();
    for mechanism in compiled.chosen() {
        let more = if mechanism.points > 1 { format!(" and {} more", mechanism.points - 1) } else { String::new() };
        let _ = writeln!(
            text,
            "{}{more}\n  {}\n  because {}",
            failure::shown(&mechanism.first),
            mechanism.how,
            mechanism.why
        );
    }
    text
}

/// What a map of a script is for, besides what is told of all maps.
const WHAT_FOR: Column = Column { name: "WHAT FOR", right: false, least: None };

fn map_table(program: &Program, maps: &[MapDef], memory: &[Option<u64>]) -> String {
    let rows: Vec<Vec<String>> = maps.iter().zip(memory).map(|(map, memory)| map_row(program, map, *memory)).collect();
    let columns = [&facts::MAPS[..], &[WHAT_FOR]].concat();
    if rows.is_empty() { String::new() } else { table::render(&columns, &rows, None) }
}

fn map_row(program: &Program, map: &MapDef, memory: Option<u64>) -> Vec<String> {
    let mut cells =
        facts::map_row(map_name(program, map), map.kind, [map.key_size, map.value_size, map.max_entries], memory);
    cells.push(purpose(map.role).to_owned());
    cells
}

fn map_name(program: &Program, map: &MapDef) -> String {
    match map.role {
        MapRole::Script(id) | MapRole::Short(id) | MapRole::Overflow(id) | MapRole::Front(id) | MapRole::Slots(id) => {
            failure::shown(&program.maps[id.0 as usize].name)
        }
        MapRole::Data => "data".to_owned(),
        MapRole::Scratch => "scratch".to_owned(),
        MapRole::Records => "records".to_owned(),
        MapRole::Packets => "packets".to_owned(),
        MapRole::Cells => "aggregations".to_owned(),
        MapRole::Group => "maps".to_owned(),
        MapRole::Stacks { .. } => "stacks".to_owned(),
        MapRole::ShortStacks { .. } => "short stacks".to_owned(),
        MapRole::Import(file, _) => failure::shown(&program.imports[file as usize].name),
    }
}

fn purpose(role: MapRole) -> &'static str {
    match role {
        MapRole::Script(_) => "the script's map",
        MapRole::Short(_) => "keys of the script's map whose texts are short",
        MapRole::Data => "maps without keys, counters of losses, constants: read and written without calls",
        MapRole::Scratch => "texts, keys and stacks while they are put together",
        MapRole::Records => "what is sent to user space",
        MapRole::Packets => "packets for files",
        MapRole::Overflow(_) => "the same while the kernel has no memory on each CPU",
        MapRole::Slots(_) => "keys that came first, with their values: found without a call",
        MapRole::Front(_) => "keys that came first, on each CPU: found without a call",
        MapRole::Cells => "many aggregations without keys",
        MapRole::Group => "many maps of the script",
        MapRole::Stacks { .. } => "stacks, by their numbers",
        MapRole::ShortStacks { .. } => "the first stacks of few frames, in memory that is taken at the start",
        MapRole::Import(..) => "a map or variables of a file in C",
    }
}

/// What the ways through a script's program cost, besides what is told of all programs.
const WAYS: [Column; 3] = [
    Column { name: "LEAST", right: true, least: None },
    Column { name: "MOST", right: true, least: None },
    Column { name: "LOOPS, A ROUND", right: false, least: None },
];

fn row(inside: &Inside, generated: &Generated, names: &[String]) -> Vec<String> {
    let costs = &generated.costs[inside.unit];
    let (entry, loops) = costs.split_first().map_or((Cost::default(), &[][..]), |(entry, loops)| (*entry, loops));
    let loops: Vec<String> = loops.iter().map(|cost| facts::way(cost.most)).collect();
    let name = names[inside.unit].clone();
    let mut cells = facts::cost_row(name, generated.insns[inside.unit], &inside.code, &inside.info);
    cells.extend([facts::way(entry.least), facts::way(entry.most), loops.join(", ")]);
    cells
}
