//! Programs.

use std::os::fd::{AsFd, OwnedFd};

use quadrant_bpf::Result;
use quadrant_bpf::object::{ObjectKind, ProgramObject};

use super::{Held, Holders, Listing, find};
use crate::active::Notes;
use crate::active::objects;
use crate::active::processes::Handle;

/// A program of the list.
#[derive(Clone, Debug)]
pub struct ProgramEntry {
    /// What the kernel says.
    pub object: ProgramObject,
    /// Who holds it besides links and other programs.
    pub holders: Holders,
}

/// All programs.
pub fn programs() -> Listing<ProgramEntry> {
    let mut notes = Notes::default();
    let held = Held::scan(&mut notes);
    let programs = objects(ObjectKind::Program, |fd| ProgramObject::of(fd.as_fd()), &mut notes);
    let entry = |object: ProgramObject| ProgramEntry { holders: held.holders(Handle::Program(object.id)), object };
    Listing { objects: programs.into_iter().map(entry).collect(), notes: notes.notes }
}

/// The programs of a number, a name or a tag, opened; several can have the same name or tag.
///
/// # Errors
/// Those of asking the kernel.
pub fn find_programs(wanted: &str) -> Result<Vec<(ProgramObject, OwnedFd)>> {
    let tag = u64::from_str_radix(wanted, 16).ok().filter(|_| wanted.len() == 16).map(u64::to_be_bytes);
    let is_called = |program: &ProgramObject| program.name == wanted.as_bytes() || tag == Some(program.tag);
    find(ObjectKind::Program, wanted, |fd| ProgramObject::of(fd.as_fd()), is_called)
}
