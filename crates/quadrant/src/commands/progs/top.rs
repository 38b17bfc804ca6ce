//! Programs by the time that they take.

use std::io::IsTerminal;

use quadrant_inspect::objects::Run;
use quadrant_inspect::objects::Runs;
use quadrant_inspect::objects::Sampler;

use super::TopOptions;
use super::list;
use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::commands::escaped;
use crate::commands::json::Json;
use crate::commands::table;
use crate::commands::table::Column;

const COLUMNS: [Column; 6] = [
    Column { name: "ID", right: true, least: None },
    Column { name: "KIND", right: false, least: None },
    Column { name: "NAME", right: false, least: Some(8) },
    Column { name: "RUNS/S", right: true, least: None },
    Column { name: "NS", right: true, least: None },
    Column { name: "CPU", right: true, least: None },
];

/// Raised when a member changes its meaning.
const VERSION: u64 = 1;

/// To the upper left, and nothing on the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub fn show(options: &TopOptions) -> Done {
    let mut sampler = Sampler::start()?;
    let redraws = options.format == Format::Text && options.looks.count != Some(1) && std::io::stdout().is_terminal();
    for _ in 0..options.looks.number() {
        if !options.looks.wait() {
            break;
        }
        let runs = sampler.sample();
        if options.format == Format::Json {
            commands::print(&json(&runs).line())?;
            continue;
        }
        let clear = if redraws { CLEAR } else { "" };
        commands::print(format!("{clear}{}", text(&runs)).as_bytes())?;
        commands::print_notes(&runs.notes);
    }
    Ok(0)
}

fn text(runs: &Runs) -> String {
    if runs.programs.is_empty() {
        return format!("no program ran in {:.1} s\n", runs.seconds);
    }
    let rows: Vec<Vec<String>> = runs.programs.iter().map(|run| row(run, runs.seconds)).collect();
    format!("{}\n", table::render(&COLUMNS, &rows, Some(table::WIDTH)))
}

fn row(run: &Run, seconds: f64) -> Vec<String> {
    vec![
        run.object.id.to_string(),
        list::kind(run.object.kind),
        escaped(&run.object.name),
        format!("{:.0}", run.runs as f64 / seconds),
        format!("{:.0}", mean(run)),
        format!("{:.2}%", 100.0 * share(run, seconds)),
    ]
}

/// Nanoseconds of a run. Only programs that ran are shown.
fn mean(run: &Run) -> f64 {
    run.ns as f64 / run.runs as f64
}

/// The part of one processor's time.
fn share(run: &Run, seconds: f64) -> f64 {
    run.ns as f64 / 1e9 / seconds
}

fn json(runs: &Runs) -> Json {
    let program = |run: &Run| {
        Json::Object(vec![
            ("id", run.object.id.into()),
            ("kind", list::kind(run.object.kind).into()),
            ("name", run.object.name.as_slice().into()),
            ("runs", run.runs.into()),
            ("run_time_ns", run.ns.into()),
            ("mean_ns", mean(run).into()),
        ])
    };
    Json::Object(vec![
        ("type", "runs".into()),
        ("version", VERSION.into()),
        ("seconds", runs.seconds.into()),
        ("programs", Json::list(&runs.programs, program)),
        ("notes", Json::list(&runs.notes, |note| note.as_str().into())),
    ])
}
