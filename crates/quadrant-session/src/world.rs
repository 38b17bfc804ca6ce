//! Where a trace's maps and stacks are: in the kernel, or, in a replay, in this process.

use std::collections::HashSet;

use quadrant_program::Program;
use quadrant_program::map::MapId;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::ty::StackType;

use crate::error::Error;
use crate::kernel;
use crate::kernel::Kernel;
use crate::ledger::Ledger;
use crate::take;

/// What records are about, and answers come from.
pub(crate) trait World {
    /// The addresses of a stored stack, innermost first.
    fn stack(&self, kind: StackType, id: u32) -> Vec<u64>;

    /// The content of a map, without what was taken.
    ///
    /// # Errors
    /// Those of reading it.
    fn snapshot(&self, program: &Program, map: MapId) -> Result<Snapshot, Error>;

    /// Reads a map and empties it.
    ///
    /// # Errors
    /// Those of reading and changing it.
    fn take(&self, program: &Program, map: MapId) -> Result<Snapshot, Error>;

    /// Removes all keys of a map (`zero`: keeps keys, sets values to zero).
    ///
    /// # Errors
    /// Those of changing it.
    fn clear(&self, program: &Program, map: MapId, zero: bool) -> Result<(), Error>;

    /// Removes these keys of a map, in the form of a snapshot.
    ///
    /// # Errors
    /// Those of changing it.
    fn remove(&self, program: &Program, map: MapId, keys: &HashSet<&[u8]>) -> Result<(), Error>;

    /// A speculation's number can be given out again.
    ///
    /// # Errors
    /// Those of writing.
    fn free_speculation(&self, program: &Program, number: u64) -> Result<(), Error>;

    /// What the programs have lost so far.
    fn losses(&self) -> Ledger;

    /// Now, by the boot clock, in nanoseconds.
    fn now_ns(&self) -> u64;
}

impl World for Kernel {
    fn stack(&self, kind: StackType, id: u32) -> Vec<u64> {
        Kernel::stack(self, kind, id)
    }

    fn snapshot(&self, program: &Program, map: MapId) -> Result<Snapshot, Error> {
        kernel::snapshot(self, program, map)
    }

    fn take(&self, program: &Program, map: MapId) -> Result<Snapshot, Error> {
        take::take(self, program, map)
    }

    fn clear(&self, program: &Program, map: MapId, zero: bool) -> Result<(), Error> {
        kernel::clear(self, program, map, zero)
    }

    fn remove(&self, program: &Program, map: MapId, keys: &HashSet<&[u8]>) -> Result<(), Error> {
        kernel::remove(self, program, map, keys)
    }

    fn free_speculation(&self, program: &Program, number: u64) -> Result<(), Error> {
        self.data.speculation(program, number).map_or(Ok(()), |at| self.set_word(at, 0))
    }

    fn losses(&self) -> Ledger {
        Kernel::losses(self)
    }

    fn now_ns(&self) -> u64 {
        crate::clock::boot_ns()
    }
}
