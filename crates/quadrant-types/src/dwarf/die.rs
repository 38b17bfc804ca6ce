//! Entries, and the references between them, which may lead to another unit or file.

use std::sync::Arc;

use gimli::{AttributeValue, DwAt, DwTag, Reader as _, UnitOffset, UnitRef, UnitSectionOffset};

use super::units::UnitData;
use super::{DebugInfo, Reader};

/// How many references are followed; compilers need two.
const MAX_HOPS: usize = 16;
/// Longer names are cut.
const MAX_NAME: usize = 64 * 1024;
/// Further children of an entry are left out.
const MAX_CHILDREN: usize = 1 << 20;

/// Where an entry is: the number of its unit (those of the supplementary file follow the file's own) and the offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DieRef {
    pub(super) unit: u32,
    pub(super) offset: usize,
}

pub(super) type RawDie<'a> = gimli::DebuggingInformationEntry<'a, 'a, Reader>;

/// An entry.
#[derive(Clone)]
pub(crate) struct Die<'a> {
    pub(crate) at: DieRef,
    pub(super) info: &'a DebugInfo,
    pub(super) unit: UnitRef<'a, Reader>,
    pub(super) raw: RawDie<'a>,
}

impl DebugInfo {
    /// The entry at a place.
    pub(crate) fn die(&self, at: DieRef) -> Option<Die<'_>> {
        let unit = self.units.data(self, at.unit)?.entries(self);
        let raw = unit.unit.entry(UnitOffset(at.offset)).ok()?;
        Some(Die { at, info: self, unit, raw })
    }
}

impl<'a> Die<'a> {
    pub(crate) fn tag(&self) -> DwTag {
        self.raw.tag()
    }

    /// Bytes of a word of its program: 4 or 8.
    pub(crate) fn word(&self) -> u32 {
        if self.unit.encoding().address_size == 4 { 4 } else { 8 }
    }

    pub(super) fn value(&self, name: DwAt) -> Option<AttributeValue<Reader>> {
        self.raw.attr_value(name).ok()?
    }

    /// An unsigned number; none for one that is computed.
    pub(crate) fn number(&self, name: DwAt) -> Option<u64> {
        self.raw.attr(name).ok()??.udata_value()
    }

    /// A number that may be negative, whatever its width.
    pub(crate) fn signed(&self, name: DwAt) -> Option<i64> {
        let attribute = self.raw.attr(name).ok()??;
        attribute.sdata_value().or_else(|| attribute.udata_value().map(u64::cast_signed))
    }

    /// A number that compilers write with its sign if it is negative: one of a fixed width is not, and has no sign.
    pub(crate) fn integer(&self, name: DwAt) -> Option<i64> {
        match self.raw.attr_value(name).ok()?? {
            AttributeValue::Data1(value) => Some(value.into()),
            AttributeValue::Data2(value) => Some(value.into()),
            AttributeValue::Data4(value) => Some(value.into()),
            _ => self.signed(name),
        }
    }

    pub(crate) fn flag(&self, name: DwAt) -> bool {
        matches!(self.value(name), Some(AttributeValue::Flag(true)))
    }

    pub(crate) fn has(&self, name: DwAt) -> bool {
        self.value(name).is_some()
    }

    pub(crate) fn text(&self, name: DwAt) -> Option<Arc<str>> {
        let bytes = self.unit.attr_string(self.value(name)?).ok()?;
        let bytes = bytes.to_slice().ok()?;
        let bytes = bytes.get(..MAX_NAME).unwrap_or(&bytes);
        Some(String::from_utf8_lossy(bytes).into())
    }

    /// The name in the source.
    pub(crate) fn name(&self) -> Option<Arc<str>> {
        self.text(gimli::DW_AT_name)
    }

    /// The entry that an attribute refers to, if it is there and refers to one that is known.
    pub(crate) fn reference(&self, name: DwAt) -> Option<DieRef> {
        let supplement = self.info.units.is_supplement(self.at.unit);
        match self.value(name)? {
            AttributeValue::UnitRef(offset) => Some(DieRef { offset: offset.0, ..self.at }),
            AttributeValue::DebugInfoRef(offset) => self.info.at(offset, supplement),
            AttributeValue::DebugInfoRefSup(offset) if !supplement => self.info.at(offset, true),
            AttributeValue::DebugTypesRef(signature) => self.info.units.type_unit(self.info, signature),
            _ => None,
        }
    }

    /// Another entry of the same program.
    pub(crate) fn other(&self, at: DieRef) -> Option<Die<'a>> {
        self.info.die(at)
    }

    /// The definition of a type with this entry's name.
    pub(crate) fn find_type(&self, tags: &[DwTag]) -> Option<DieRef> {
        self.info.find_type(&self.qualified_name()?, tags)
    }

    /// The name with the namespaces and classes around it.
    pub(crate) fn qualified_name(&self) -> Option<String> {
        self.info.qualified_name(self)
    }

    /// Bytes from the start of a record to this member; none where that is computed, as of a virtual base.
    pub(crate) fn offset_of_member(&self) -> Option<u64> {
        match self.value(gimli::DW_AT_data_member_location)? {
            AttributeValue::Exprloc(expression) => {
                let mut operations = expression.operations(self.unit.encoding());
                match (operations.next().ok()??, operations.next().ok()?) {
                    (gimli::Operation::PlusConstant { value }, None) => Some(value),
                    _ => None,
                }
            }
            _ => self.number(gimli::DW_AT_data_member_location),
        }
    }

    /// The entries directly below this one.
    pub(crate) fn children(&self) -> Vec<Die<'a>> {
        self.collect_children().unwrap_or_default()
    }

    fn collect_children(&self) -> gimli::Result<Vec<Die<'a>>> {
        let mut cursor = self.unit.unit.entries_at_offset(UnitOffset(self.at.offset))?;
        let mut children = Vec::new();
        cursor.next_dfs()?;
        if !self.raw.has_children() || cursor.next_entry()?.is_none() {
            return Ok(children);
        }
        let mut next = cursor.current().cloned();
        while let Some(raw) = next.filter(|_| children.len() < MAX_CHILDREN) {
            let at = DieRef { offset: raw.offset().0, ..self.at };
            children.push(Die { at, info: self.info, unit: self.unit, raw });
            next = cursor.next_sibling()?.cloned();
        }
        Ok(children)
    }

    /// The entry that this one completes: of an inlined function its abstract instance, of a method its declaration.
    pub(super) fn completes(&self) -> Option<Die<'a>> {
        let references = [gimli::DW_AT_abstract_origin, gimli::DW_AT_specification];
        references.iter().find_map(|name| self.info.die(self.reference(*name)?))
    }

    /// This entry and those that it completes, nearest first.
    pub(super) fn with_completed(&self) -> impl Iterator<Item = Die<'a>> + use<'a> {
        std::iter::successors(Some(self.clone()), Die::completes).take(MAX_HOPS)
    }

    /// The name that the linker sees when there is one, else the name in the source.
    pub(super) fn full_name(&self) -> Option<Arc<str>> {
        let mut plain = None;
        for die in self.with_completed() {
            for linkage in [gimli::DW_AT_linkage_name, gimli::DW_AT_MIPS_linkage_name] {
                if let Some(name) = die.text(linkage) {
                    return Some(name);
                }
            }
            plain = plain.or_else(|| die.name());
        }
        plain
    }
}

/// The language that a unit was written in.
pub(super) fn language(info: &DebugInfo, unit: &UnitData) -> Option<gimli::DwLang> {
    match root(info, unit)?.value(gimli::DW_AT_language)? {
        AttributeValue::Language(language) => Some(language),
        _ => None,
    }
}

/// The compiler of a unit; gcc's with its options.
pub(super) fn producer(info: &DebugInfo, unit: &UnitData) -> Option<Arc<str>> {
    root(info, unit)?.text(gimli::DW_AT_producer)
}

fn root<'a>(info: &'a DebugInfo, unit: &'a UnitData) -> Option<Die<'a>> {
    let mut cursor = unit.entries(info).unit.entries();
    let offset = cursor.next_dfs().ok()??.1.offset();
    info.die(DieRef { unit: unit.number, offset: offset.0 })
}

impl DebugInfo {
    fn at(&self, offset: gimli::DebugInfoOffset<usize>, supplement: bool) -> Option<DieRef> {
        let unit = self.units.number_at(offset, supplement)?;
        let data = self.units.data(self, unit)?;
        let in_unit = UnitSectionOffset::DebugInfoOffset(offset).to_unit_offset(&data.unit)?;
        Some(DieRef { unit, offset: in_unit.0 })
    }
}
