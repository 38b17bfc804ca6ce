//! Where a parameter is: location expressions, as far as compilers use them for parameters.

use gimli::{AttributeValue, Expression, Operation, RawLocListEntry};

use super::Reader;
use super::die::Die;

/// Longer expressions are not looked at.
const MAX_OPERATIONS: usize = 64;
/// A value in more pieces than this is not followed.
const MAX_PIECES: usize = 16;
/// Locations of one list that are looked at.
const MAX_LIST: usize = 100_000;

/// Where a value is when execution is at a certain address. Registers have DWARF's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a register.
    Register(u16),
    /// What a register holds plus a constant.
    Sum(u16, i64),
    /// In memory.
    Memory {
        /// What the address counts from.
        base: Base,
        /// Bytes from there.
        offset: i64,
        /// The address is not of the value, but of its address.
        indirect: bool,
    },
    /// A constant; negative ones keep their bits.
    Constant(u64),
    /// In several places, lowest bytes first, each with its size in bytes.
    Pieces(Vec<(Location, u64)>),
    /// Nowhere: the compiler threw it away.
    Gone,
    /// Somewhere that is not understood here.
    Unknown,
}

/// What an address in memory counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// A register.
    Register(u16),
    /// The canonical frame address: what the stack pointer was before the call.
    Frame,
}

/// How a parameter's location was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// For the address that was asked for.
    Here(Location),
    /// Once for the whole function: it need not hold at the very entry.
    Always(Location),
    /// Not at all, or not for that address.
    Nothing,
}

/// What is said of a parameter's location at `vaddr`. `frame` is the function's frame base.
pub(super) fn of(die: &Die<'_>, vaddr: u64, frame: Option<&Location>) -> Said {
    match die.value(gimli::DW_AT_location) {
        Some(AttributeValue::Exprloc(expression)) => Said::Always(read(die, expression, frame)),
        Some(value) => match in_list(die, value, vaddr) {
            Some(expression) => Said::Here(read(die, expression, frame)),
            None => Said::Nothing,
        },
        None => match die.value(gimli::DW_AT_const_value) {
            Some(AttributeValue::Block(data)) => Said::Here(implicit(&data).unwrap_or(Location::Unknown)),
            Some(_) => Said::Here(die.integer(gimli::DW_AT_const_value).map_or(Location::Unknown, constant)),
            None => Said::Nothing,
        },
    }
}

/// A function's frame base: a register, or the canonical frame address.
pub(super) fn frame_base(function: &Die<'_>) -> Option<Location> {
    match function.value(gimli::DW_AT_frame_base)? {
        AttributeValue::Exprloc(expression) => Some(read(function, expression, None)),
        _ => None,
    }
}

fn in_list(die: &Die<'_>, value: AttributeValue<Reader>, vaddr: u64) -> Option<Expression<Reader>> {
    let mut list = die.unit.attr_locations(value).ok()??;
    for _ in 0..MAX_LIST {
        let entry = lengthened(list.next_raw().ok()??);
        let Some(entry) = list.convert_raw(entry).ok()? else { continue };
        if entry.range.begin <= vaddr && vaddr < entry.range.end {
            return Some(entry.data);
        }
    }
    None
}

/// An entry with at least one address. gcc says what holds when execution comes to an address, and then what holds once the source's
/// statements are done that took no instruction there (location views): the former has an empty range, which gimli passes over.
fn lengthened(entry: RawLocListEntry<Reader>) -> RawLocListEntry<Reader> {
    use RawLocListEntry::{AddressOrOffsetPair, OffsetPair, StartEnd, StartLength, StartxLength};
    match entry {
        AddressOrOffsetPair { begin, end, data } if begin == end => {
            AddressOrOffsetPair { begin, end: end.saturating_add(1), data }
        }
        OffsetPair { begin, end, data } if begin == end => OffsetPair { begin, end: end.saturating_add(1), data },
        StartEnd { begin, end, data } if begin == end => StartEnd { begin, end: end.saturating_add(1), data },
        StartLength { begin, length: 0, data } => StartLength { begin, length: 1, data },
        StartxLength { begin, length: 0, data } => StartxLength { begin, length: 1, data },
        other => other,
    }
}

fn constant(value: i64) -> Location {
    Location::Constant(value.cast_unsigned())
}

fn read(die: &Die<'_>, expression: Expression<Reader>, frame: Option<&Location>) -> Location {
    let mut operations = expression.operations(die.unit.encoding());
    let mut reading = Reading { frame, top: None, pieces: Vec::new() };
    for _ in 0..MAX_OPERATIONS {
        match operations.next() {
            Ok(Some(operation)) => {
                if reading.step(operation).is_none() {
                    return Location::Unknown;
                }
            }
            Ok(None) => return reading.end(),
            Err(_) => return Location::Unknown,
        }
    }
    Location::Unknown
}

/// An expression that is being read.
struct Reading<'a> {
    frame: Option<&'a Location>,
    /// What the operations so far stand for.
    top: Option<Location>,
    pieces: Vec<(Location, u64)>,
}

impl Reading<'_> {
    /// `None` for what is not understood.
    fn step(&mut self, operation: Operation<Reader>) -> Option<()> {
        self.top = match (operation, self.top.take()) {
            (Operation::Register { register }, None) => Some(Location::Register(register.0)),
            (Operation::RegisterOffset { register, offset, .. }, None) => memory(Base::Register(register.0), offset),
            (Operation::CallFrameCFA, None) => memory(Base::Frame, 0),
            (Operation::FrameOffset { offset }, None) => Some(self.in_frame(offset)?),
            (Operation::UnsignedConstant { value }, None) => Some(Location::Constant(value)),
            (Operation::SignedConstant { value }, None) => Some(constant(value)),
            (Operation::ImplicitValue { data }, None) => Some(implicit(&data)?),
            (Operation::EntryValue { expression }, None) => Some(at_function_entry(Expression(expression))?),
            (Operation::PlusConstant { value }, Some(Location::Memory { base, offset, indirect: false })) => {
                memory(base, offset.wrapping_add(value.cast_signed()))
            }
            (Operation::Deref { space: false, .. }, Some(Location::Memory { base, offset, indirect: false })) => {
                Some(Location::Memory { base, offset, indirect: true })
            }
            (Operation::StackValue, top) => Some(computed(top?)?),
            (Operation::Piece { size_in_bits, bit_offset: None | Some(0) }, top) => {
                return self.piece(top, size_in_bits);
            }
            (Operation::Nop, top) => top,
            _ => return None,
        };
        Some(())
    }

    fn in_frame(&self, offset: i64) -> Option<Location> {
        match self.frame? {
            Location::Register(register) => memory(Base::Register(*register), offset),
            Location::Memory { base, offset: start, indirect: false } => memory(*base, start.wrapping_add(offset)),
            _ => None,
        }
    }

    fn piece(&mut self, top: Option<Location>, bits: u64) -> Option<()> {
        if !bits.is_multiple_of(8) || self.pieces.len() >= MAX_PIECES {
            return None;
        }
        self.pieces.push((top.unwrap_or(Location::Gone), bits / 8));
        Some(())
    }

    fn end(self) -> Location {
        match (self.top, self.pieces.is_empty()) {
            (Some(top), true) => top,
            (None, true) => Location::Gone,
            (None, false) => Location::Pieces(self.pieces),
            (Some(_), false) => Location::Unknown,
        }
    }
}

/// What a register held when the function was entered.
fn at_function_entry(expression: Expression<Reader>) -> Option<Location> {
    let encoding = gimli::Encoding { format: gimli::Format::Dwarf32, version: 5, address_size: 8 };
    match expression.operations(encoding).next().ok()?? {
        // Behind it comes the operation that makes a value of it.
        Operation::Register { register } => memory(Base::Register(register.0), 0),
        _ => None,
    }
}

fn memory(base: Base, offset: i64) -> Option<Location> {
    Some(Location::Memory { base, offset, indirect: false })
}

/// The value that was computed, rather than the memory at it.
fn computed(top: Location) -> Option<Location> {
    match top {
        Location::Memory { base: Base::Register(register), offset: 0, indirect: false } => {
            Some(Location::Register(register))
        }
        Location::Memory { base: Base::Register(register), offset, indirect: false } => {
            Some(Location::Sum(register, offset))
        }
        Location::Memory { base, offset, indirect: true } => Some(Location::Memory { base, offset, indirect: false }),
        constant @ Location::Constant(_) => Some(constant),
        _ => None,
    }
}

/// The bytes of a constant: one, or several of eight bytes each.
fn implicit(data: &Reader) -> Option<Location> {
    let bytes = gimli::Reader::to_slice(data).ok()?;
    let constant = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        (Location::Constant(u64::from_le_bytes(word)), bytes.len() as u64)
    };
    match bytes.len() {
        0 => None,
        1..=8 => Some(constant(&bytes).0),
        len if len <= MAX_PIECES * 8 => Some(Location::Pieces(bytes.chunks(8).map(constant).collect())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_not_gone() {
        let reading = |frame| Reading { frame, top: None, pieces: Vec::new() };
        let in_frame = || Operation::FrameOffset { offset: -8 };
        assert_eq!(reading(None).step(in_frame()), None);
        assert_eq!(reading(Some(&Location::Gone)).step(in_frame()), None);
        assert_eq!(reading(Some(&Location::Register(6))).step(in_frame()), Some(()));
        let value = |len: usize| Operation::ImplicitValue {
            data: Reader::new(vec![1; len].into(), gimli::RunTimeEndian::Little),
        };
        assert_eq!((reading(None).step(value(8)), reading(None).step(value(129))), (Some(()), None));
        let bytes = |len: usize| Reader::new(vec![1; len].into(), gimli::RunTimeEndian::Little);
        let ones = Location::Constant(0x0101_0101_0101_0101);
        assert_eq!(implicit(&bytes(9)), Some(Location::Pieces(vec![(ones, 8), (Location::Constant(1), 1)])));
    }
}
