//! What printing asks of the running trace.

use quadrant_program::map::MapId;
use quadrant_program::record::RecordId;
use quadrant_program::snapshot::Snapshot;

use crate::dtrace::Options;
use crate::resolver::Resolver;

/// The running trace, seen from the printer.
pub trait Host {
    /// Names.
    fn resolver(&mut self) -> &mut dyn Resolver;

    /// The content of an aggregation, now.
    fn snapshot(&mut self, map: MapId) -> Snapshot;

    /// Whether an aggregation is to be printed once more.
    fn prints(&self, _map: MapId) -> bool {
        true
    }

    /// Whether an aggregation is still to be cut to so many keys.
    fn truncates(&self, _map: MapId, _count: i64) -> bool {
        true
    }

    /// The records of a speculation that is committed, in the order of their arrival. The speculation is free from then on.
    fn speculated(&mut self, id: u64) -> Vec<(RecordId, Vec<u8>)>;

    /// Set an option; what the options are from now on.
    ///
    /// # Errors
    /// Why the option cannot be set.
    fn set_option(&mut self, name: &str, value: Option<&str>) -> Result<Options, String>;

    /// Carry out what is not printing. `out` is what was printed so far: where the order of output counts, it is written (and emptied)
    /// first.
    fn request(&mut self, out: &mut Vec<u8>, request: Request<'_>);
}

/// Something that is not printing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// All values of an aggregation to zero; keys stay.
    Clear(MapId),
    /// Remove these keys of an aggregation, as stored.
    Remove(MapId, Vec<Vec<u8>>),
    /// Run a command.
    System(&'a [u8]),
    /// Print to this file from now on; an empty name is standard output.
    Freopen(&'a [u8]),
    /// Empty the file that is printed to.
    Ftruncate,
    /// The trace ends with this status.
    Exit(i32),
    /// Show a message on standard error.
    Complain(&'a [u8]),
    /// Forget the records of a speculation, and free it.
    Discard(u64),
}
