//! Values with their types, and what is needed to show them.

use quadrant_program::layout;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::decode;
use quadrant_program::value::decode_argument;

use crate::arguments::Arguments;
use crate::dtrace::options::Options;
use crate::value::Scene;

/// What is needed to show a value.
pub(super) struct Stage<'a> {
    pub options: &'a Options,
    pub scene: Scene<'a>,
}

/// A value that knows its type, and so its width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell<'a> {
    pub ty: &'a Type,
    pub value: Value<'a>,
}

/// The type of what is not there.
static NOTHING: Type = Type::None;

impl<'a> Cell<'a> {
    /// In place of a value that is missing.
    pub fn malformed() -> Cell<'static> {
        Cell { ty: &NOTHING, value: Value::Malformed }
    }

    /// The next argument of a record.
    pub fn next(args: &mut Arguments<'a>) -> Cell<'a> {
        match args.next_raw() {
            Some((ty, fixed, record)) => Cell { ty, value: decode_argument(ty, fixed, record) },
            None => Cell::malformed(),
        }
    }

    /// The value as a number of its type.
    pub fn integer(&self) -> Option<Integer> {
        let (bytes, signed) = match self.ty {
            Type::Int { bytes, signed } => (*bytes, *signed),
            Type::Enum(e) => (e.bytes, e.signed),
            Type::Bool => (1, false),
            _ => (8, false),
        };
        let word = match self.value {
            Value::Int(v) => v as u64,
            Value::Uint(v) | Value::Pointer(v) | Value::Special(_, v) => v,
            Value::KernelSymbol(v) | Value::UserSymbol(v, _) => v,
            Value::Bool(v) => v.into(),
            _ => return None,
        };
        Some(Integer { word, bytes, signed })
    }
}

/// A number with its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Integer {
    /// Extended to 64 bits by its sign.
    word: u64,
    /// 1, 2, 4 or 8.
    pub bytes: u8,
    pub signed: bool,
}

impl Integer {
    /// Its value, if its type is signed.
    pub fn as_signed(self) -> i64 {
        self.word as i64
    }

    /// The bits of its width.
    pub fn bits(self) -> u64 {
        let unused = 64 - 8 * u32::from(self.bytes.clamp(1, 8));
        self.word << unused >> unused
    }
}

/// The parts of a stored key; a key that is not a tuple is one part.
pub(super) fn key_parts<'a>(key: Option<&'a Type>, bytes: &'a [u8]) -> Vec<Cell<'a>> {
    parts(key)
        .iter()
        .map(|(ty, place)| Cell { ty, value: decode(ty, bytes.get(place.clone()).unwrap_or(&[])) })
        .collect()
}

/// The parts of a key: their types and places.
pub(super) fn parts(key: Option<&Type>) -> Vec<(&Type, std::ops::Range<usize>)> {
    let types: &[Type] = match key {
        None => &[],
        Some(Type::Tuple(parts)) => parts,
        Some(single) => std::slice::from_ref(single),
    };
    let mut at = 0;
    let place = |ty| {
        let start = at;
        at += layout::size(ty) as usize;
        (ty, start..at)
    };
    types.iter().map(place).collect()
}
