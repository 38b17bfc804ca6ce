//! Events that were made by writing to tracefs: they outlive their maker and count their hits themselves.

mod definition;
mod profile;

use quadrant_bpf::Result;
use quadrant_bpf::tracefs::TraceFs;

use super::Notes;
pub use definition::{Definition, Place};

/// An event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    pub definition: Definition,
    /// Hits and misses, if the kernel counts them for this kind.
    pub hits: Option<u64>,
    pub misses: Option<u64>,
    /// Whether it is switched on for the trace buffer. Perf switches events on for itself without showing it here.
    pub enabled: Option<bool>,
}

/// Reads all events with their counts.
pub fn read(notes: &mut Notes) -> Vec<Event> {
    let tracefs = match TraceFs::open() {
        Ok(tracefs) => tracefs,
        Err(error) => {
            notes.add(error);
            return Vec::new();
        }
    };
    let mut events: Vec<Event> = definitions(&tracefs, notes).into_iter().map(Event::of).collect();
    if events.is_empty() {
        return events;
    }
    profile::kernel(&optional(tracefs.read("kprobe_profile"), notes), &mut events);
    profile::user(&optional(tracefs.read("uprobe_profile"), notes), &mut events);
    for event in &mut events {
        event.enabled = enabled(&tracefs, &event.definition);
    }
    events
}

impl Event {
    fn of(definition: Definition) -> Event {
        Event { definition, hits: None, misses: None, enabled: None }
    }
}

/// One file lists them all, where the kernel has it.
fn definitions(tracefs: &TraceFs, notes: &mut Notes) -> Vec<Definition> {
    let text = match tracefs.read("dynamic_events") {
        Err(error) if error.is(libc::ENOENT) => {
            let mut text = optional(tracefs.read("kprobe_events"), notes);
            text.extend(optional(tracefs.read("uprobe_events"), notes));
            text
        }
        answer => notes.or_default(answer),
    };
    text.split(|byte| *byte == b'\n').filter_map(Definition::parse).collect()
}

/// A file that kernels without the mechanism do not have.
fn optional(answer: Result<Vec<u8>>, notes: &mut Notes) -> Vec<u8> {
    match answer {
        Err(error) if error.is(libc::ENOENT) => Vec::new(),
        answer => notes.or_default(answer),
    }
}

/// The file says `1`, perhaps with a mark for events that are switched on softly.
fn enabled(tracefs: &TraceFs, definition: &Definition) -> Option<bool> {
    let text = tracefs.read(&format!("events/{}/{}/enable", definition.group, definition.name)).ok()?;
    Some(text.first() == Some(&b'1'))
}
