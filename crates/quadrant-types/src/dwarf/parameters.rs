//! A function's parameters, and where they are when execution is at an address.

use std::sync::Arc;

use super::die::{Die, DieRef};
use super::functions;
use super::location::{self, Base, Location, Said};
use super::{DebugInfo, units::UnitData};

/// How functions of a program keep their frames.
struct Frames {
    /// DWARF's number of the frame pointer.
    frame: u16,
    /// DWARF's number of the stack pointer.
    stack: u16,
    /// Bytes from the canonical frame address down to the stack pointer at a function's entry: the return address. The frame pointer,
    /// once it is set up, points twice as far down.
    at_entry: i64,
    /// DWARF's numbers of the registers that arguments are handed over in, of i386 by some conventions.
    arguments: &'static [u16],
}

/// x86-64.
const WIDE: Frames = Frames { frame: 6, stack: 7, at_entry: 8, arguments: &[5, 4, 1, 2, 8, 9] };
/// i386.
const NARROW: Frames = Frames { frame: 5, stack: 4, at_entry: 4, arguments: &[0, 1, 2] };

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
    /// It is in a program of 32 bits.
    pub is_narrow: bool,
    /// LLVM has optimized it, which changes parameters and results of functions that nothing outside calls, and does not say so.
    pub is_by_llvm: bool,
    /// Parameters and result were left out: only lines are described, as with -g1.
    pub is_brief: bool,
    /// It has another calling convention than usual, or none that is known outside.
    pub is_unusual: bool,
    /// gcc protects its stack: it copies pointers that were handed over on the stack.
    pub is_guarded: bool,
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
    /// The function keeps it in its own frame, to where the function itself copies it.
    pub is_copied: bool,
}

impl DebugInfo {
    /// The function whose code starts at `vaddr`.
    pub fn subprogram(&self, vaddr: u64) -> Option<Subprogram> {
        let (function, begin) = self.function_at(vaddr)?;
        let unit = self.units.data(self, function.at.unit)?;
        let language = super::die::language(self, unit);
        let (is_rust, is_go) = (language == Some(gimli::DW_LANG_Rust), language == Some(gimli::DW_LANG_Go));
        let producer = super::die::producer(self, unit).unwrap_or_default();
        // LLVM's compilers say `clang` or `LLVM`.
        let llvm = producer.contains("clang") || producer.contains("LLVM");
        (begin == vaddr).then(|| Subprogram {
            is_rust,
            is_go,
            is_by_llvm: llvm && is_optimized(&function),
            is_brief: producer.split(' ').any(|option| option == "-g1") || llvm && !has_line(&function),
            is_guarded: producer.contains(" -fstack-protector"),
            ..subprogram(&function, vaddr)
        })
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
    let parameters = parameters_of(function).iter().map(|die| parameter(die, vaddr, frame.as_ref())).collect();
    Subprogram {
        name,
        parameters,
        result: type_of(function),
        is_rust: false,
        is_go: false,
        is_narrow: function.word() == 4,
        is_by_llvm: false,
        is_brief: false,
        is_unusual: is_unusual(function),
        is_guarded: false,
    }
}

fn is_unusual(function: &Die<'_>) -> bool {
    let usual = [gimli::DW_CC_normal.0, gimli::DW_CC_program.0].map(u64::from);
    match function.value(gimli::DW_AT_calling_convention) {
        Some(gimli::AttributeValue::CallingConvention(convention)) => !usual.contains(&convention.0.into()),
        Some(_) => function.number(gimli::DW_AT_calling_convention).is_none_or(|number| !usual.contains(&number)),
        None => false,
    }
}

/// A function that only refers to its declaration may leave its parameters there.
fn parameters_of<'a>(function: &Die<'a>) -> Vec<Die<'a>> {
    let is_parameter = |die: &Die<'_>| die.tag() == gimli::DW_TAG_formal_parameter;
    let parameters = |die: Die<'a>| die.children().into_iter().filter(is_parameter).collect::<Vec<_>>();
    function.with_completed().map(parameters).find(|parameters| !parameters.is_empty()).unwrap_or_default()
}

/// clang's -g1 leaves out where a function was declared, too.
fn has_line(function: &Die<'_>) -> bool {
    function.with_completed().any(|die| die.has(gimli::DW_AT_decl_line))
}

/// Without optimization LLVM puts all parameters into the frame, and says nothing of calls.
fn is_optimized(function: &Die<'_>) -> bool {
    let says_calls =
        [gimli::DW_AT_call_all_calls, gimli::DW_AT_GNU_all_call_sites].iter().any(|name| function.has(*name));
    let is_in_frame =
        |die: &Die<'_>| matches!(die.value(gimli::DW_AT_location), Some(gimli::AttributeValue::Exprloc(_)));
    says_calls || !parameters_of(function).iter().all(is_in_frame)
}

fn parameter(die: &Die<'_>, vaddr: u64, frame: Option<&Location>) -> Parameter {
    let name = die.with_completed().find_map(|die| die.name());
    let said = location::of(die, vaddr, frame);
    let is_unplaced = said == Said::Nothing;
    let is_copied = frames(die).is_copied(&said);
    Parameter { name, ty: type_of(die), location: frames(die).at_entry(said), is_unplaced, is_copied }
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
        Parameter { name, ty: type_of(&die), location: Some(place), is_unplaced: false, is_copied: false }
    };
    Subprogram {
        name: copy.with_completed().find_map(|die| die.name()),
        parameters: parameters.map(parameter).collect(),
        result: type_of(copy),
        is_rust: false,
        is_go: false,
        is_narrow: copy.word() == 4,
        is_by_llvm: false,
        is_brief: false,
        is_unusual: is_unusual(function),
        is_guarded: false,
    }
}

/// The type of an entry, or of one that it completes.
fn type_of(die: &Die<'_>) -> Option<DieRef> {
    die.with_completed().find_map(|die| die.reference(gimli::DW_AT_type))
}

fn frames(die: &Die<'_>) -> Frames {
    if die.word() == 4 { NARROW } else { WIDE }
}

impl Frames {
    /// What holds at the entry: what is said for that very address, and of what is said for the whole function what the caller left.
    /// Memory below the frame is only written when the function is under way.
    fn at_entry(&self, said: Said) -> Option<Location> {
        match said {
            Said::Here(location) => Some(self.rebased(location, true)),
            Said::Always(location @ (Location::Register(_) | Location::Constant(_))) => Some(location),
            // The address was handed over. With another register or distance it is a frame of gcc's address sanitizer.
            Said::Always(location @ Location::Memory { base: Base::Register(register), offset: 0, .. })
                if self.arguments.contains(&register) =>
            {
                Some(location)
            }
            Said::Always(location @ Location::Memory { .. }) => match self.rebased(location, false) {
                Location::Memory { base: Base::Register(base), offset, indirect }
                    if base == self.stack && offset >= self.at_entry =>
                {
                    Some(Location::Memory { base: Base::Register(base), offset, indirect })
                }
                _ => None,
            },
            // A constant is none that callers hand over.
            Said::Always(Location::Pieces(pieces)) if pieces.iter().any(|(piece, _)| is_constant(piece)) => {
                Some(self.rebased(Location::Pieces(pieces), false))
            }
            Said::Always(_) | Said::Nothing => None,
        }
    }

    /// Whether a place is below the return address, and so not the caller's.
    fn is_copied(&self, said: &Said) -> bool {
        let Said::Always(location @ Location::Memory { indirect: false, .. }) = said else { return false };
        matches!(
            self.rebased(location.clone(), false),
            Location::Memory { base: Base::Register(base), offset, .. } if base == self.stack && offset < self.at_entry
        )
    }

    /// Memory by what registers hold at the entry. The frame pointer is still the caller's there.
    fn rebased(&self, location: Location, here: bool) -> Location {
        let on_stack = |offset, indirect| Location::Memory { base: Base::Register(self.stack), offset, indirect };
        match location {
            Location::Memory { base: Base::Frame, offset, indirect } => {
                on_stack(offset.wrapping_add(self.at_entry), indirect)
            }
            Location::Memory { base: Base::Register(base), offset, indirect } if base == self.frame && !here => {
                on_stack(offset.wrapping_sub(self.at_entry), indirect)
            }
            // Where the stack pointer will be is not known here.
            Location::Memory { base: Base::Register(base), .. } if base == self.stack && !here => Location::Unknown,
            Location::Pieces(pieces) => {
                Location::Pieces(pieces.into_iter().map(|(piece, size)| (self.rebased(piece, here), size)).collect())
            }
            other => other,
        }
    }
}

fn is_constant(location: &Location) -> bool {
    matches!(location, Location::Constant(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registers_with_arguments_hold_an_address_at_the_entry() {
        let always = |register, offset| {
            let memory = Location::Memory { base: Base::Register(register), offset, indirect: false };
            (WIDE.at_entry(Said::Always(memory.clone())), memory)
        };
        let (handed, memory) = always(WIDE.arguments[2], 0);
        assert_eq!(handed, Some(memory));
        // gcc's address sanitizer: the frame is elsewhere, and its address in any register.
        assert_eq!([always(12, -32).0, always(0, -64).0, always(WIDE.arguments[0], -32).0], [None, None, None]);
    }
}
