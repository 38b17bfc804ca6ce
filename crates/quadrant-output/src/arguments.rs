//! The arguments of a record, one after the other.

use quadrant_program::layout;
use quadrant_program::record::HEADER;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::decode_argument;

/// Decodes the arguments of a record in order; borrows its bytes.
pub(crate) struct Arguments<'a> {
    types: std::slice::Iter<'a, Type>,
    record: &'a [u8],
    at: usize,
}

impl<'a> Arguments<'a> {
    /// The arguments of a record with these types; `record` begins with the header.
    pub fn new(types: &'a [Type], record: &'a [u8]) -> Arguments<'a> {
        Arguments { types: types.iter(), record, at: HEADER as usize }
    }

    /// The next argument without decoding it: its type, its bytes in the fixed part, the whole record.
    pub fn next_raw(&mut self) -> Option<(&'a Type, &'a [u8], &'a [u8])> {
        let ty = self.types.next()?;
        let start = self.at;
        self.at = start.saturating_add(layout::record_size(ty) as usize);
        Some((ty, self.record.get(start..self.at).unwrap_or(&[]), self.record))
    }

    /// All bytes of the next argument, a text or a buffer; NULs end nothing here.
    pub fn next_bytes(&mut self) -> Option<&'a [u8]> {
        let (_, fixed, record) = self.next_raw()?;
        match decode_argument(&Type::Buffer { cap: u32::MAX }, fixed, record) {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Without the next `skip`.
    pub fn skip_to(mut self, skip: usize) -> Arguments<'a> {
        (0..skip).map_while(|_| self.next_raw()).for_each(drop);
        self
    }

    /// The argument after the next `skip`, without decoding it.
    pub fn nth_raw(&mut self, skip: usize) -> Option<(&'a Type, &'a [u8], &'a [u8])> {
        (0..skip).try_for_each(|_| self.next_raw().map(drop))?;
        self.next_raw()
    }
}

impl<'a> Iterator for Arguments<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.next_raw().map(|(ty, fixed, record)| decode_argument(ty, fixed, record))
    }
}
