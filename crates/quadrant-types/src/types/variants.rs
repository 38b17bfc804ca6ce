//! Enumerations with data, as Rust has them: one of several records, and what tells which.

use super::debug::Reader;
use super::{CType, Home, Member, TypeId, Types};
use crate::dwarf::Die;

/// Further variants are left out.
const MAX_VARIANTS: usize = 4096;

/// The variants of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variants {
    /// The number that tells which variant a value is; none if there is only one.
    pub tag: Option<Member>,
    /// In the order of the source.
    pub cases: Vec<Variant>,
}

/// A variant: its member has the variant's name, and a record of its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// The tag's value; `None` for the variant that is meant by all values of no other one.
    pub value: Option<u64>,
    /// Where the data is.
    pub member: Member,
}

impl Types {
    /// The variants of an enumeration with data; `None` for other types, and where what tells them apart is not understood.
    pub fn variants(&self, id: TypeId) -> Option<Variants> {
        let entry = self.entry(self.resolve(id));
        let (CType::Struct { complete: true, .. }, Some(Home::Debug(of, at))) = (&entry.ctype, entry.home) else {
            return None;
        };
        let info = self.debug_info(of)?;
        let part = info.die(at)?.children().into_iter().find(|die| die.tag() == gimli::DW_TAG_variant_part)?;
        let reader = Reader { types: self, of };
        let tag = match part.reference(gimli::DW_AT_discr) {
            Some(at) => Some(reader.member(&info.die(at)?).filter(|tag| self.is_tag(tag))?),
            None => None,
        };
        let children = part.children();
        let variants = children.iter().filter(|die| die.tag() == gimli::DW_TAG_variant).take(MAX_VARIANTS);
        let cases: Vec<Variant> = variants.map(|die| variant(&reader, die)).collect::<Option<_>>()?;
        (!cases.is_empty() && (tag.is_some() || cases.len() == 1)).then_some(Variants { tag, cases })
    }

    fn is_tag(&self, tag: &Member) -> bool {
        let is_bytes = tag.bitfield_size.is_none() && tag.bit_offset.is_multiple_of(8);
        is_bytes && matches!(self.size_of(tag.ty), Some(1 | 2 | 4 | 8))
    }
}

fn variant(reader: &Reader<'_>, die: &Die<'_>) -> Option<Variant> {
    if die.has(gimli::DW_AT_discr_list) {
        return None;
    }
    let value = match die.has(gimli::DW_AT_discr_value) {
        true => Some(die.signed(gimli::DW_AT_discr_value)?.cast_unsigned()),
        false => None,
    };
    let member = die.children().iter().find_map(|die| reader.member(die))?;
    Some(Variant { value, member })
}
