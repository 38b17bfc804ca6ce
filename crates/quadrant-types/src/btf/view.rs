//! What a record says, for readers that walk BTF themselves: loaders of objects, printers of values, writers of headers.

use super::{Btf, BtfKind, RECORD_HEAD, record};
use std::ops::Range;

/// Longest chain of typedefs and qualifiers, and deepest nesting of arrays, that is followed.
const MAX_DEPTH: usize = 32;

/// A member of a struct or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BtfMember<'a> {
    /// Its name; empty for an anonymous struct or union.
    pub name: &'a str,
    /// Id of its type.
    pub ty: u32,
    /// Bits from the start of the struct.
    pub bit_offset: u32,
    /// Bits of a bit-field; 0 for a plain member. Old compilers put bit-fields into the integer's type, see [`BtfInt`].
    pub bits: u8,
}

/// A variable of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BtfVariable {
    /// Id of its VAR (or FUNC, in sections of external symbols).
    pub id: u32,
    /// Bytes from the start of the section; compilers leave it 0 for the linker to fill in.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
}

/// What an integer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BtfInt {
    /// Has a sign.
    pub signed: bool,
    /// Is a character.
    pub is_char: bool,
    /// Is a truth value.
    pub is_bool: bool,
    /// First bit that counts.
    pub bit_offset: u8,
    /// How many bits count.
    pub bits: u8,
}

/// Who sees a variable or function (`enum btf_func_linkage`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BtfLinkage {
    /// Its file.
    Static,
    /// Everyone.
    Global,
    /// It is elsewhere.
    Extern,
}

impl Btf {
    /// The `size` word of a record that has one (integers, structs, unions, enumerations, sections), or the id of the type that it
    /// refers to.
    pub fn size_or_type(&self, id: u32) -> u32 {
        self.record(id).map_or(0, |record| record.value)
    }

    /// The record's flag: signed enumerators, structs with bit-fields, forward declarations of unions.
    pub fn kind_flag(&self, id: u32) -> bool {
        self.record(id).is_some_and(|record| record.kind_flag)
    }

    /// The type at the end of a chain of typedefs and qualifiers; 0 is void, as is a chain without end.
    pub fn resolve(&self, id: u32) -> u32 {
        let mut id = id;
        for _ in 0..MAX_DEPTH {
            match self.record(id) {
                Some(record) if record.kind.is_transparent() => id = record.value,
                _ => return id,
            }
        }
        0
    }

    /// Bytes of a type; `None` for what has no size, and for what does not fit in 32 bits.
    pub fn size_of(&self, id: u32) -> Option<u32> {
        let (mut id, mut count) = (id, 1_u32);
        for _ in 0..MAX_DEPTH {
            id = self.resolve(id);
            let record = self.record(id)?;
            match record.kind {
                BtfKind::Array => {
                    let (element, elements) = record.array();
                    (id, count) = (element, count.checked_mul(elements)?);
                }
                BtfKind::Ptr => return count.checked_mul(8),
                BtfKind::Var => id = record.value,
                BtfKind::Int
                | BtfKind::Struct
                | BtfKind::Union
                | BtfKind::Enum
                | BtfKind::Enum64
                | BtfKind::Float
                | BtfKind::Datasec => return count.checked_mul(record.value),
                _ => return None,
            }
        }
        None
    }

    /// What the integer `id` is.
    pub fn int(&self, id: u32) -> Option<BtfInt> {
        let record = self.record(id).filter(|record| record.kind == BtfKind::Int)?;
        let record::IntEncoding { signed, is_char, is_bool, bit_offset, bits } = record.int_encoding();
        Some(BtfInt { signed, is_char, is_bool, bit_offset, bits })
    }

    /// Element type and number of elements of the array `id`.
    pub fn array(&self, id: u32) -> Option<(u32, u32)> {
        self.record(id).filter(|record| record.kind == BtfKind::Array).map(|record| record.array())
    }

    /// The members of the struct or union `id`; none of anything else.
    pub fn members(&self, id: u32) -> impl Iterator<Item = BtfMember<'_>> {
        let record = self.record(id).filter(|record| matches!(record.kind, BtfKind::Struct | BtfKind::Union));
        record.into_iter().flat_map(|record| record.members()).map(|member| BtfMember {
            name: self.string(member.name_off),
            ty: member.ty,
            bit_offset: member.bit_offset,
            bits: member.bits,
        })
    }

    /// Name and type of each parameter of the prototype `id`; the last of a variadic one is void (0).
    pub fn params(&self, id: u32) -> impl Iterator<Item = (&str, u32)> {
        let record = self.record(id).filter(|record| record.kind == BtfKind::FuncProto);
        record.into_iter().flat_map(|record| record.params()).map(|(name, ty)| (self.string(name), ty))
    }

    /// Name and value of each constant of the enumeration `id`; unsigned 64-bit values keep their bits.
    pub fn enumerators(&self, id: u32) -> impl Iterator<Item = (&str, i64)> {
        let record = self.record(id).filter(|record| matches!(record.kind, BtfKind::Enum | BtfKind::Enum64));
        record.into_iter().flat_map(|record| record.enumerators()).map(|(name, value)| (self.string(name), value))
    }

    /// The variables of the section `id`.
    pub fn variables(&self, id: u32) -> impl Iterator<Item = BtfVariable> {
        let record = self.record(id).filter(|record| record.kind == BtfKind::Datasec);
        record.into_iter().flat_map(|record| record.extra.chunks_exact(12)).map(|part| {
            let [id, offset, size] = record::words(part);
            BtfVariable { id, offset, size }
        })
    }

    /// Who sees the variable or function `id`.
    pub fn linkage(&self, id: u32) -> Option<BtfLinkage> {
        let record = self.record(id)?;
        let word = match record.kind {
            BtfKind::Var => record::u32_at(record.extra, 0)?,
            BtfKind::Func => record.parts,
            _ => return None,
        };
        match word {
            0 => Some(BtfLinkage::Static),
            1 => Some(BtfLinkage::Global),
            _ => Some(BtfLinkage::Extern),
        }
    }
}

/// The bytes, for those who change them.
impl Btf {
    /// All records of this blob, one after another.
    pub fn type_bytes(&self) -> &[u8] {
        self.bytes().get(self.types()).unwrap_or_default()
    }

    /// All strings of this blob, each with its terminator.
    pub fn string_bytes(&self) -> &[u8] {
        self.string_section()
    }

    /// The parameter or member, counted from 0, that a tag of a declaration is on; `None` if it is on the whole, or `id` is no tag.
    pub fn tagged_part(&self, id: u32) -> Option<u32> {
        let record = self.record(id).filter(|record| record.kind == BtfKind::DeclTag)?;
        let part = u32::from_le_bytes(*record.extra.first_chunk::<4>()?);
        (part != u32::MAX).then_some(part)
    }

    /// Where the record `id` is in [`Btf::type_bytes`]: a head of three words (name, kind and parts, size or type), then its parts.
    pub fn record_range(&self, id: u32) -> Option<Range<usize>> {
        let start = *self.offsets.get(id.checked_sub(self.first_id)? as usize)? as usize;
        let len = RECORD_HEAD + self.record(id)?.extra.len();
        let start = start.checked_sub(self.types().start)?;
        Some(start..start + len)
    }

    fn types(&self) -> Range<usize> {
        let ends = (self.offsets.first(), self.offsets.last(), self.end_id().checked_sub(1));
        let (Some(first), Some(last), Some(id)) = ends else { return 0..0 };
        let len = self.record(id).map_or(0, |record| RECORD_HEAD + record.extra.len());
        *first as usize..*last as usize + len
    }
}
