//! What a program sends to user space.
//!
//! A record in the ring buffer is an 8-byte header (`u32` record id, `u32` CPU), then for each argument its fixed part, then the bytes
//! of texts and buffers, exactly as many as are used. The fixed part of a text or buffer is 8 bytes: `u32` offset from the start of the
//! record, `u32` length with the flags [`CUT`] and [`FAULT`]; every other argument is stored as [`crate::layout`] says.

use std::sync::Arc;

use crate::action::Action;
use crate::format::Format;
use crate::map::MapId;
use crate::span::Span;
use crate::ty::Type;

/// A record: an index into [`crate::Program::records`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u32);

/// Bytes before the first argument.
pub const HEADER: u32 = 8;
/// Flag in a text's length: it was longer than its cap.
pub const CUT: u32 = 1 << 31;
/// Flag in a text's length: it could not be read.
pub const FAULT: u32 = 1 << 30;

/// Most bytes of a packet in a record; a perf buffer holds no more than 64 KB at once.
pub const PACKET_MOST: u32 = 65_000;

/// Bytes of a packet's record before those of the packet: see [`RecordKind::Packet`].
pub const PACKET_HEADER: u32 = HEADER + 24;

/// A kind of record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What to do when it arrives.
    pub kind: RecordKind,
    /// Types of the arguments; of those of a stamp, too, in a stamped program.
    pub args: Vec<Type>,
    /// Where it stands in the script.
    pub span: Span,
}

/// What to do when a record arrives.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordKind {
    /// Print the arguments by a format.
    Printf(Format),
    /// Print to standard error with the place in the script.
    Errorf(Format),
    /// As [`RecordKind::Errorf`], as a warning.
    Warnf(Format),
    /// Run the formatted command.
    System(Format),
    /// Print the file whose name is formatted.
    Cat(Format),
    /// Print one value and a newline.
    Print,
    /// As [`RecordKind::Print`], of a text that is the script's own, though a variable held it: it is not escaped.
    PrintOwn,
    /// Print a text of the script itself, as it stands there, and a newline.
    PrintText(Arc<[u8]>),
    /// Print one element of a map: arguments are key and value.
    PrintElement(MapId),
    /// Print a map.
    PrintMap {
        /// Which.
        map: MapId,
        /// Only the greatest so many; 0 for all.
        top: u64,
        /// Divide values by this; 0 and 1 leave them.
        div: u64,
        /// Empty the map as it is read: what is printed is what goes.
        take: bool,
    },
    /// Remove all keys.
    Clear(MapId),
    /// Set all values to zero.
    Zero(MapId),
    /// Print the time of day by a strftime format.
    Time(String),
    /// Print the texts of a `JoinArgs` argument with a separator and a newline.
    Join(Vec<u8>),
    /// End the trace; the argument is the exit status.
    Exit,
    /// Take the watchpoints away that are at an address; the argument is that.
    Unwatch,
    /// Write a packet to this file. No arguments; a time of the boot clock, an offset and a length follow the header, 64 bits each,
    /// and then the packet's bytes up to the length, at most [`PACKET_MOST`]; those before the offset are not meant.
    Packet(Arc<str>),
    /// What one clause of D recorded in one firing: the arguments are the point's index ([`crate::expr::Builtin::Point`]), the speculation
    /// (0: none), then those of the actions.
    Firing(Vec<Action>),
    /// A clause of D faulted. Arguments, all `U64`: the point's index, the clause's index, the statement's index from 1, the
    /// [`crate::program::Fault`], the address.
    Fault,
}

impl RecordKind {
    /// The map that user space prints when such a record comes.
    pub fn printed(&self) -> Option<MapId> {
        match self {
            RecordKind::PrintMap { map, .. } => Some(*map),
            _ => None,
        }
    }

    /// The map that user space empties, or whose values it sets to zero, when such a record comes.
    pub fn emptied(&self) -> Option<MapId> {
        match self {
            RecordKind::Clear(map) | RecordKind::Zero(map) | RecordKind::PrintMap { map, take: true, .. } => Some(*map),
            _ => None,
        }
    }
}
