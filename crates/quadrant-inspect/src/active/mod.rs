//! Everything that is attached on this system.
//!
//! The kernel has no one list, so several are put together: BPF links and programs by their numbers, perf events by the
//! descriptors of all processes, tracefs's events with their profiles and its buffers, and debugfs's list of kernel
//! probes. What one list tells of another's entry is merged into that entry; nothing is shown twice and nothing is left out.
//!
//! A list that cannot be read becomes a note, never an error: without root the answer is what can be seen.

mod assemble;
mod events;
mod ftrace;
mod kprobes;
mod measure;
mod model;
mod names;
mod perf;
pub(crate) mod pins;
pub(crate) mod processes;
mod targets;

use quadrant_bpf::Result;
use quadrant_bpf::object::{self, LinkObject, ObjectKind, ProgramObject};
use std::os::fd::{AsFd, OwnedFd};

pub use measure::measure;
pub use model::{Active, Attachment, HitsOf, Kind, KprobeState, Owner, Program, Statistics, Target, Via};

/// Looks at the whole system once.
///
/// The system changes meanwhile, so what refers to something is looked at before it: who holds a link, then links, then
/// programs. What is made after its turn is missing as a whole, and nothing looks like something else.
pub fn survey() -> Active {
    let mut notes = Notes::default();
    let processes = processes::scan(&mut notes);
    let lists = Lists {
        descriptors: perf::descriptors(&processes, &mut notes),
        processes,
        pins: pins::scan(&mut notes),
        links: objects(ObjectKind::Link, |fd| LinkObject::of(fd.as_fd()), &mut notes),
        programs: objects(ObjectKind::Program, |fd| ProgramObject::of(fd.as_fd()), &mut notes),
        events: events::read(&mut notes),
        buffers: ftrace::read(&mut notes),
        kprobes: kprobes::read(&mut notes),
    };
    assemble::assemble(lists, notes)
}

/// All that was read.
struct Lists {
    processes: Vec<processes::Process>,
    descriptors: Vec<perf::Descriptor>,
    programs: Vec<ProgramObject>,
    links: Vec<LinkObject>,
    pins: Vec<pins::Pin>,
    events: Vec<events::Event>,
    buffers: Vec<ftrace::Buffer>,
    kprobes: Vec<kprobes::Kprobe>,
}

/// What could not be looked at, each once.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) notes: Vec<String>,
}

impl Notes {
    pub(crate) fn add(&mut self, note: impl ToString) {
        let note = note.to_string();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The answer, or nothing and a note.
    pub(crate) fn or_default<T: Default>(&mut self, answer: Result<T>) -> T {
        answer.unwrap_or_else(|error| {
            self.add(error);
            T::default()
        })
    }
}

/// All objects of a kind. One that goes away while it is looked at is left out.
pub(crate) fn objects<T>(kind: ObjectKind, of: impl Fn(&OwnedFd) -> Result<T>, notes: &mut Notes) -> Vec<T> {
    let mut found = Vec::new();
    for id in notes.or_default(object::ids(kind)) {
        if let Some(fd) = notes.or_default(object::open(kind, id)) {
            found.extend(notes.or_default(of(&fd).map(Some)));
        }
    }
    found
}
