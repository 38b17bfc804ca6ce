//! The maps and programs that the kernel has, whoever made them, and who holds them.
//!
//! The system changes meanwhile: what goes away while it is looked at is left out.

mod maps;
mod programs;
mod top;

use std::os::fd::OwnedFd;

use quadrant_bpf::Result;
use quadrant_bpf::object::{self, ObjectKind};

use crate::active::Notes;
use crate::active::Owner;
use crate::active::pins::{self, Pin};
use crate::active::processes::{self, Handle, Process};

pub use maps::{First, MapEntry, OpenMap, find_maps, maps, open_map};
pub use programs::{ProgramEntry, find_programs, programs};
pub use top::{Run, Runs, Sampler};

/// A list, and what could not be looked at.
#[derive(Clone, Debug, Default)]
pub struct Listing<T> {
    /// By ascending numbers.
    pub objects: Vec<T>,
    /// What could not be looked at and why, each once.
    pub notes: Vec<String>,
}

/// What keeps objects alive.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Holders {
    /// Processes with a descriptor of it.
    pub owners: Vec<Owner>,
    /// Paths at which it is pinned in BPF file systems of this mount namespace.
    pub pins: Vec<Vec<u8>>,
}

/// All descriptors and pins.
struct Held {
    processes: Vec<Process>,
    pins: Vec<Pin>,
}

impl Held {
    fn scan(notes: &mut Notes) -> Held {
        Held { processes: processes::scan(notes), pins: pins::scan(notes) }
    }

    fn holders(&self, handle: Handle) -> Holders {
        let holds = self.processes.iter().filter(|process| process.handles.contains(&handle));
        let pins = self.pins.iter().filter(|pin| pin.handle == handle);
        Holders {
            owners: holds.map(|process| process.owner.clone()).collect(),
            pins: pins.map(|pin| pin.path.clone()).collect(),
        }
    }
}

/// The objects of a number or a name, or the one that is pinned at a path, opened;
/// `describe` gives an object, `is_called` says whether it has the name.
fn find<T>(
    kind: ObjectKind,
    wanted: &str,
    describe: impl Fn(&OwnedFd) -> Result<T>,
    is_called: impl Fn(&T) -> bool,
) -> Result<Vec<(T, OwnedFd)>> {
    let number = if wanted.starts_with('/') { Some(pins::number(kind, wanted)?) } else { wanted.parse().ok() };
    let ids = number.map_or_else(|| object::ids(kind), |number| Ok(vec![number]))?;
    let mut found = Vec::new();
    for id in ids {
        // What is gone since it was listed is no longer meant.
        let Some(fd) = object::open(kind, id)? else { continue };
        let object = describe(&fd)?;
        if number.is_some() || is_called(&object) {
            found.push((object, fd));
        }
    }
    Ok(found)
}
