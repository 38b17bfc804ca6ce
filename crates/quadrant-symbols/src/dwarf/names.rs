//! The name of a function entry, which may be in another entry, unit or file.

use std::sync::Arc;

use gimli::{AttributeValue, DebugInfoOffset, Dwarf, Reader as _, UnitOffset, UnitSectionOffset};

use super::Reader;
use super::units::{UnitData, Units};

/// How many references are followed; compilers need two.
const MAX_HOPS: usize = 16;
/// Longer names are cut.
const MAX_NAME: usize = 64 * 1024;

/// An entry, and whether it is in the supplementary file.
#[derive(Clone, Copy)]
struct Place<'a> {
    unit: &'a UnitData,
    offset: UnitOffset<usize>,
    supplement: bool,
}

type Die<'a> = gimli::DebuggingInformationEntry<'a, 'a, Reader>;

/// The name that the linker sees when there is one, else the name in the source. Inlined
/// functions refer to their abstract instance, methods to their declaration.
pub(super) fn name_of(dwarf: &Dwarf<Reader>, units: &Units, unit: &UnitData, die: &Die<'_>) -> Option<Arc<str>> {
    let mut place = Place { unit, offset: die.offset(), supplement: false };
    let mut plain = None;
    for _ in 0..MAX_HOPS {
        let dwarf = file(dwarf, place)?;
        let die = place.unit.unit.entry(place.offset).ok()?;
        for linkage in [gimli::DW_AT_linkage_name, gimli::DW_AT_MIPS_linkage_name] {
            if let Some(name) = text(dwarf, place, &die, linkage) {
                return Some(name);
            }
        }
        plain = plain.or_else(|| text(dwarf, place, &die, gimli::DW_AT_name));
        match reference(dwarf, units, place, &die) {
            Some(next) => place = next,
            None => break,
        }
    }
    plain
}

fn file<'a>(dwarf: &'a Dwarf<Reader>, place: Place<'_>) -> Option<&'a Dwarf<Reader>> {
    match place.supplement {
        true => dwarf.sup(),
        false => Some(dwarf),
    }
}

fn text(dwarf: &Dwarf<Reader>, place: Place<'_>, die: &Die<'_>, attribute: gimli::DwAt) -> Option<Arc<str>> {
    let value = die.attr_value(attribute).ok()??;
    let bytes = dwarf.attr_string(&place.unit.unit, value).ok()?;
    let bytes = bytes.to_slice().ok()?;
    let bytes = bytes.get(..MAX_NAME).unwrap_or(&bytes);
    Some(String::from_utf8_lossy(bytes).into())
}

/// The entry that this one completes.
fn reference<'a>(dwarf: &Dwarf<Reader>, units: &'a Units, place: Place<'a>, die: &Die<'_>) -> Option<Place<'a>> {
    let references = [gimli::DW_AT_abstract_origin, gimli::DW_AT_specification];
    let value = references.iter().find_map(|attribute| die.attr_value(*attribute).ok()?)?;
    match value {
        AttributeValue::UnitRef(offset) => Some(Place { offset, ..place }),
        AttributeValue::DebugInfoRef(offset) => other_unit(dwarf, units, offset, place.supplement),
        AttributeValue::DebugInfoRefSup(offset) if !place.supplement => other_unit(dwarf.sup()?, units, offset, true),
        _ => None,
    }
}

fn other_unit<'a>(
    dwarf: &Dwarf<Reader>,
    units: &'a Units,
    offset: DebugInfoOffset<usize>,
    supplement: bool,
) -> Option<Place<'a>> {
    let unit = units.at(dwarf, offset, supplement)?;
    let in_unit = UnitSectionOffset::DebugInfoOffset(offset).to_unit_offset(&unit.unit)?;
    Some(Place { unit, offset: in_unit, supplement })
}
