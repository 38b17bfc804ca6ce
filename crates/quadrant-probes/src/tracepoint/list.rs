//! Which trace events there are. One file names them all, a directory those of one category; no format file is read.

use super::made_events;
use crate::error::{Result, from_kernel};
use crate::glob::Glob;
use quadrant_bpf::tracefs::TraceFs;

/// Category and event of all trace events that match, sorted. Those that somebody made of probes are none of the
/// kernel's tracepoints.
pub(crate) fn list(tracefs: &TraceFs, category: &Glob, event: &Glob) -> Result<Vec<(String, String)>> {
    let mut events = match (category.literal().filter(|category| *category != INTERNAL), event.literal()) {
        (Some(category), Some(event)) => one(tracefs, category, event),
        (Some(category), None) => of_category(tracefs, category, event)?,
        (None, _) => all(tracefs)?,
    };
    if events.is_empty() {
        return Ok(events);
    }
    events.retain(|(in_category, name)| category.matches(in_category) && event.matches(name));
    for made in made_events(tracefs).iter().filter(|made| !made.runs_programs()) {
        events.retain(|(category, name)| *category != made.category || *name != made.event);
    }
    events.sort_unstable();
    Ok(events)
}

/// Formats of records of the kernel's own tracers: most of them are no events.
const INTERNAL: &str = "ftrace";

/// The event, if it is there. A slash would make the name a path to somewhere else.
fn one(tracefs: &TraceFs, category: &str, event: &str) -> Vec<(String, String)> {
    let is_there =
        !event.contains('/') && !category.contains('/') && tracefs.exists(&format!("events/{category}/{event}/format"));
    if is_there { vec![(category.to_owned(), event.to_owned())] } else { Vec::new() }
}

/// A directory has a directory for each event of a category; it is read in a fifth of the time of `available_events`. None is no error.
fn of_category(tracefs: &TraceFs, category: &str, event: &Glob) -> Result<Vec<(String, String)>> {
    let names = match tracefs.list(&format!("events/{category}")) {
        Err(error) if error.is(ENOENT) || error.is(ENOTDIR) => Vec::new(),
        names => names.map_err(|error| from_kernel(&error))?,
    };
    let events = names.into_iter().filter(|name| event.matches(name) && !SWITCHES.contains(&name.as_str()));
    Ok(events.map(|event| (category.to_owned(), event)).collect())
}

const ENOENT: i32 = 2;
const ENOTDIR: i32 = 20;

/// Files of a category itself.
const SWITCHES: [&str; 2] = ["enable", "filter"];

/// `available_events` has a line `category:event` for each event that perf can open.
fn all(tracefs: &TraceFs) -> Result<Vec<(String, String)>> {
    let text = tracefs.read("available_events").map_err(|error| from_kernel(&error))?;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

fn parse(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
    pairs.map(|(category, event)| (category.to_owned(), event.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_colon_are_passed_over() {
        let events = parse("sched:sched_switch\n\nnonsense\nskb:kfree_skb\n");
        assert_eq!(events, [("sched".into(), "sched_switch".into()), ("skb".into(), "kfree_skb".into())]);
    }
}
