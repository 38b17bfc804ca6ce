//! A function's parameters, and where they are when execution is at an address.

use std::sync::Arc;

use super::die::{Die, DieRef};
use super::functions;
use super::location::{self, Base, Location, Said};
use super::{DebugInfo, units::UnitData};

/// DWARF's numbers of x86-64's frame and stack pointers.
const RBP: u16 = 6;
const RSP: u16 = 7;
/// Bytes from the canonical frame address down to where the frame pointer points, once it is set up.
const FRAME_POINTER: i64 = 16;
/// Bytes from the canonical frame address down to the stack pointer at a function's entry: the return address.
const AT_ENTRY: i64 = 8;

/// A function with code of its own.
#[derive(Debug, Clone)]
pub struct Subprogram {
    /// The name in the source.
    pub name: Option<Arc<str>>,
    /// Parameters in order; those that the compiler added to the source's, such as C++'s `this`, too.
    pub parameters: Vec<Parameter>,
    /// The type of its result; `None` for no result.
    pub result: Option<DieRef>,
    /// It is written in Rust, which has a calling convention of its own.
    pub is_rust: bool,
    /// It is written in Go, whose calling convention is its own.
    pub is_go: bool,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// Its type; `None` if it is not known.
    pub ty: Option<DieRef>,
    /// Where it is at the function's entry; `None` if that is where the calling convention says.
    pub location: Option<Location>,
    /// Nothing is said of its place, as of what was optimized away later.
    pub is_unplaced: bool,
}

impl DebugInfo {
    /// The function whose code starts at `vaddr`.
    pub fn subprogram(&self, vaddr: u64) -> Option<Subprogram> {
        let (function, begin) = self.function_at(vaddr)?;
        let unit = self.units.data(self, function.at.unit)?;
        let language = super::die::language(self, unit);
        let (is_rust, is_go) = (language == Some(gimli::DW_LANG_Rust), language == Some(gimli::DW_LANG_Go));
        (begin == vaddr).then(|| Subprogram { is_rust, is_go, ..subprogram(&function, vaddr) })
    }

    fn function_at(&self, vaddr: u64) -> Option<(Die<'_>, u64)> {
        let units = self.units.holding(self, vaddr);
        let find = |unit: &UnitData| functions::at(self, unit, vaddr);
        let (at, begin) = units.into_iter().find_map(find)?;
        Some((self.die(at)?, begin))
    }
}

fn subprogram(function: &Die<'_>, vaddr: u64) -> Subprogram {
    let frame = location::frame_base(function);
    let name = function.with_completed().find_map(|die| die.name());
    // A function that only refers to its declaration may leave its parameters there.
    let children = function.with_completed().map(|die| die.children());
    let is_parameter = |die: &Die<'_>| die.tag() == gimli::DW_TAG_formal_parameter;
    let children = children.into_iter().find(|children| children.iter().any(is_parameter)).unwrap_or_default();
    let parameters = children.iter().filter(|die| is_parameter(die));
    let parameters = parameters.map(|die| parameter(die, vaddr, frame.as_ref())).collect();
    Subprogram { name, parameters, result: type_of(function), is_rust: false, is_go: false }
}

fn parameter(die: &Die<'_>, vaddr: u64, frame: Option<&Location>) -> Parameter {
    let name = die.with_completed().find_map(|die| die.name());
    let said = location::of(die, vaddr, frame);
    let is_unplaced = said == Said::Nothing;
    Parameter { name, ty: type_of(die), location: at_entry(said), is_unplaced }
}

/// The parameters of an inlined copy: only what is said for its first address counts.
pub(super) fn of_copy(copy: &Die<'_>, function: &Die<'_>, vaddr: u64) -> Subprogram {
    let frame = location::frame_base(function);
    let parameters = copy.children().into_iter().filter(|die| die.tag() == gimli::DW_TAG_formal_parameter);
    let parameter = |die: Die<'_>| {
        let name = die.with_completed().find_map(|die| die.name());
        let place = match location::of(&die, vaddr, frame.as_ref()) {
            Said::Here(location) | Said::Always(location @ (Location::Register(_) | Location::Constant(_))) => location,
            Said::Always(_) => Location::Unknown,
            Said::Nothing => Location::Gone,
        };
        Parameter { name, ty: type_of(&die), location: Some(place), is_unplaced: false }
    };
    Subprogram {
        name: copy.with_completed().find_map(|die| die.name()),
        parameters: parameters.map(parameter).collect(),
        result: type_of(copy),
        is_rust: false,
        is_go: false,
    }
}

/// The type of an entry, or of one that it completes.
fn type_of(die: &Die<'_>) -> Option<DieRef> {
    die.with_completed().find_map(|die| die.reference(gimli::DW_AT_type))
}

/// What holds at the entry: what is said for that very address, and of what is said for the whole function what the caller left.
/// Memory below the frame is only written when the function is under way.
fn at_entry(said: Said) -> Option<Location> {
    match said {
        Said::Here(location) => Some(rebased(location, true)),
        Said::Always(location @ (Location::Register(_) | Location::Constant(_))) => Some(location),
        // A register that is no frame holds at the entry what it holds throughout.
        Said::Always(location @ Location::Memory { base: Base::Register(register), .. })
            if register != RBP && register != RSP =>
        {
            Some(location)
        }
        Said::Always(location @ Location::Memory { .. }) => match rebased(location, false) {
            memory @ Location::Memory { base: Base::Register(RSP), offset, .. } if offset >= AT_ENTRY => Some(memory),
            _ => None,
        },
        Said::Always(_) | Said::Nothing => None,
    }
}

/// Memory by what registers hold at the entry. The frame pointer is still the caller's there.
fn rebased(location: Location, here: bool) -> Location {
    match location {
        Location::Memory { base: Base::Frame, offset, indirect } => {
            Location::Memory { base: Base::Register(RSP), offset: offset.wrapping_add(AT_ENTRY), indirect }
        }
        Location::Memory { base: Base::Register(RBP), offset, indirect } if !here => {
            let offset = offset.wrapping_sub(FRAME_POINTER).wrapping_add(AT_ENTRY);
            Location::Memory { base: Base::Register(RSP), offset, indirect }
        }
        // Where the stack pointer will be is not known here.
        Location::Memory { base: Base::Register(RSP), .. } if !here => Location::Unknown,
        Location::Pieces(pieces) => {
            Location::Pieces(pieces.into_iter().map(|(piece, size)| (rebased(piece, here), size)).collect())
        }
        other => other,
    }
}
