//! What D's actions leave in the record of a clause, for user space to carry out.

use std::ops::Range;

use crate::format::Format;
use crate::map::MapId;

/// One action of a clause.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What to do.
    pub kind: ActionKind,
    /// Its arguments, as indices into those of the record.
    pub args: Range<u32>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionKind {
    /// `trace(x)`, and `stack()`, `ustack()`, `sym()`... as statements: print the value in the way of its type.
    Trace,
    /// As [`ActionKind::Trace`], of a text that is the script's own, though a variable held it: it is not escaped.
    TraceOwn,
    /// `trace("text")`: what the script itself says, shown as it stands there.
    Say(Vec<u8>),
    /// `tracemem(address, n[, length])`: bytes; only the first `length`, if there is a second argument.
    Tracemem,
    /// `print(x)`: the value with its type and the names of its members. Text: the type as C writes it.
    Print(String),
    /// `printf(format, ...)`
    Printf(Format),
    /// `printa([format,] @a, ...)`
    Printa {
        /// How an entry is printed; `None` is the way of the end of the trace.
        format: Option<Format>,
        /// Aggregations with the same key, joined.
        maps: Vec<MapId>,
    },
    /// `clear(@a)`: values to zero, keys stay.
    Clear(MapId),
    /// `trunc(@a[, n])`: one argument or none; n > 0 keeps the greatest, n < 0 the least.
    Trunc(MapId),
    /// `normalize(@a, factor)`
    Normalize(MapId),
    /// `denormalize(@a)`
    Denormalize(MapId),
    /// `system(format, ...)`
    System(Format),
    /// `freopen(format, ...)`; an empty name is back to standard output.
    Freopen(Format),
    /// `ftruncate()`
    Ftruncate,
    /// `setopt(name[, value])`: constant texts.
    Setopt(String, Option<String>),
    /// `exit(status)`
    Exit,
    /// `speculate(id)` was here: the whole record belongs to that speculation. No argument, it is the record's second.
    Speculate,
    /// `commit(id)`
    Commit,
    /// `discard(id)`
    Discard,
    /// `pcap(address, protocol)`: the packet's bytes; the file's name follows from `freopen`.
    Pcap,
}

impl ActionKind {
    /// The map that user space empties, or whose values it sets to zero, at this action.
    pub fn emptied(&self) -> Option<MapId> {
        match self {
            ActionKind::Clear(map) | ActionKind::Trunc(map) => Some(*map),
            _ => None,
        }
    }
}
