//! Which unit describes an address. Units are read when they are first needed.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use gimli::{DebugInfoOffset, DebugTypeSignature, Dwarf, Unit, UnitHeader, UnitRef, UnitSectionOffset, UnitType};

use super::die::DieRef;
use super::functions::FunctionIndex;
use super::lines::LineTable;
use super::ranges::{self, Budget};
use super::scopes::Scopes;
use super::split::Split;
use super::{DebugInfo, Reader};

/// More units or ranges are left out.
const MAX_UNITS: usize = 1_000_000;
const MAX_RANGES: usize = 8_000_000;
/// Reading the units for their ranges may take so long; further units are left out. Hostile
/// units can each refer to the same endless table of abbreviations.
const MAX_TIME: Duration = Duration::from_secs(10);
/// How many ranges before an address are looked at for one that covers it.
const MAX_STEPS: usize = 64;

/// All units of a file, by address and by offset.
#[derive(Debug)]
pub(super) struct Units {
    units: Vec<LazyUnit>,
    /// Sorted by `begin`.
    ranges: Vec<Range>,
    /// True when a limit was reached.
    pub(super) incomplete: bool,
    /// The units of the supplementary file.
    supplement: Vec<LazyUnit>,
    /// Numbers of the units with one type each, by its signature.
    type_units: OnceCell<HashMap<u64, u32>>,
}

#[derive(Debug)]
struct LazyUnit {
    header: UnitHeader<Reader>,
    data: OnceCell<Option<Box<UnitData>>>,
}

/// A unit that has been read.
#[derive(Debug)]
pub(super) struct UnitData {
    pub(super) unit: Unit<Reader>,
    /// Where its entries are, if the unit is a skeleton only.
    split: Option<Box<Split>>,
    /// The name of the file that they should be in, if that was not found.
    pub(super) missing_split: Option<String>,
    pub(super) number: u32,
    pub(super) scopes: OnceCell<Scopes>,
    pub(super) functions: OnceCell<FunctionIndex>,
    pub(super) lines: OnceCell<LineTable>,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    begin: u64,
    end: u64,
    unit: u32,
}

impl Units {
    /// Lists the units and their address ranges.
    pub(super) fn index(dwarf: &Dwarf<Reader>) -> gimli::Result<Self> {
        let supplement = match dwarf.sup() {
            Some(dwarf) => headers(dwarf)?,
            None => Vec::new(),
        };
        let mut units = Self {
            units: headers(dwarf)?,
            ranges: Vec::new(),
            incomplete: false,
            supplement,
            type_units: OnceCell::new(),
        };
        let (ranges, complete) = units.all_ranges(dwarf);
        units.ranges = ranges;
        units.incomplete = !complete || units.units.len() >= MAX_UNITS;
        units.ranges.sort_unstable_by_key(|range| (range.begin, range.end));
        Ok(units)
    }

    /// The units whose ranges cover `vaddr`, nearest first.
    pub(super) fn holding<'a>(&'a self, info: &'a DebugInfo, vaddr: u64) -> Vec<&'a UnitData> {
        self.numbers_holding(vaddr).filter_map(|number| self.data(info, number)).collect()
    }

    /// The numbers of the units whose ranges cover `vaddr`, nearest first.
    pub(super) fn numbers_holding(&self, vaddr: u64) -> impl Iterator<Item = u32> {
        let after = self.ranges.partition_point(|range| range.begin <= vaddr);
        let near = self.ranges[..after].iter().rev().take(MAX_STEPS);
        near.filter(move |range| vaddr < range.end).map(|range| range.unit)
    }

    /// How many units there are, those of the supplementary file included.
    pub(super) fn count(&self) -> u32 {
        (self.units.len() + self.supplement.len()) as u32
    }

    /// Whether the unit is one of the supplementary file.
    pub(super) fn is_supplement(&self, number: u32) -> bool {
        number as usize >= self.units.len()
    }

    /// A unit by its number, read now if it was not yet.
    pub(super) fn data<'a>(&'a self, info: &'a DebugInfo, number: u32) -> Option<&'a UnitData> {
        let unit = match (number as usize).checked_sub(self.units.len()) {
            None => self.units.get(number as usize)?,
            Some(number) => self.supplement.get(number)?,
        };
        unit.data(info, number)
    }

    /// The unit of `.debug_info` that holds `offset`; of the supplementary file when so asked.
    pub(super) fn number_at(&self, offset: DebugInfoOffset<usize>, supplement: bool) -> Option<u32> {
        let units = if supplement { &self.supplement } else { &self.units };
        let after = units.partition_point(|unit| unit.offset() <= offset.0);
        let number = after.checked_sub(1)? + if supplement { self.units.len() } else { 0 };
        u32::try_from(number).ok()
    }

    /// The type that a unit of its own describes.
    pub(super) fn type_unit(&self, info: &DebugInfo, signature: DebugTypeSignature) -> Option<DieRef> {
        let units = self.type_units.get_or_init(|| {
            let units = self.units.iter().zip(0..);
            units.filter_map(|(unit, number)| Some((unit.signature()?, number))).collect()
        });
        let unit = *units.get(&signature.0)?;
        match self.data(info, unit)?.unit.header.type_() {
            UnitType::Type { type_offset, .. } | UnitType::SplitType { type_offset, .. } => {
                Some(DieRef { unit, offset: type_offset.0 })
            }
            _ => None,
        }
    }

    /// Ranges from `.debug_aranges` where it has them, else from the units themselves; and
    /// whether those are all.
    fn all_ranges(&self, dwarf: &Dwarf<Reader>) -> (Vec<Range>, bool) {
        let mut ranges = self.listed_ranges(dwarf);
        let started = Instant::now();
        let mut budget = Budget::for_unit();
        let mut listed = vec![false; self.units.len()];
        for range in &ranges {
            listed[range.unit as usize] = true;
        }
        for (number, unit) in self.units.iter().enumerate() {
            if started.elapsed() > MAX_TIME {
                return (ranges, false);
            }
            if !listed[number] && ranges.len() < MAX_RANGES {
                ranges.extend(own_ranges(dwarf, unit, number as u32, &mut budget).unwrap_or_default());
            }
        }
        let complete = ranges.len() < MAX_RANGES;
        (ranges, complete)
    }

    fn listed_ranges(&self, dwarf: &Dwarf<Reader>) -> Vec<Range> {
        let mut ranges = Vec::new();
        let mut headers = dwarf.debug_aranges.headers();
        while let Ok(Some(header)) = headers.next() {
            let offset = header.debug_info_offset().0;
            let Ok(unit) = self.units.binary_search_by_key(&offset, LazyUnit::offset) else {
                continue;
            };
            let mut entries = header.entries();
            while let Ok(Some(entry)) = entries.next() {
                let range = entry.range();
                if range.begin < range.end && ranges.len() < MAX_RANGES {
                    ranges.push(Range { begin: range.begin, end: range.end, unit: unit as u32 });
                }
            }
        }
        ranges
    }
}

impl LazyUnit {
    fn offset(&self) -> usize {
        match self.header.offset() {
            UnitSectionOffset::DebugInfoOffset(offset) => offset.0,
            UnitSectionOffset::DebugTypesOffset(offset) => offset.0,
        }
    }

    fn signature(&self) -> Option<u64> {
        match self.header.type_() {
            UnitType::Type { type_signature, .. } | UnitType::SplitType { type_signature, .. } => {
                Some(type_signature.0)
            }
            _ => None,
        }
    }

    fn data<'a>(&'a self, info: &'a DebugInfo, number: u32) -> Option<&'a UnitData> {
        self.data.get_or_init(|| UnitData::read(info, self.header.clone(), number).map(Box::new)).as_deref()
    }
}

impl UnitData {
    fn read(info: &DebugInfo, header: UnitHeader<Reader>, number: u32) -> Option<Self> {
        let dwarf = if info.units.is_supplement(number) { info.dwarf.sup()? } else { &info.dwarf };
        let unit = dwarf.unit(header).ok()?;
        let (split, missing_split) = match info.split.of(info, &unit) {
            Ok(split) => (split.map(Box::new), None),
            Err(name) => (None, Some(name)),
        };
        let (scopes, functions, lines) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Some(Self { unit, split, missing_split, number, scopes, functions, lines })
    }

    /// Where the unit's entries are.
    pub(super) fn entries<'a>(&'a self, info: &'a DebugInfo) -> UnitRef<'a, Reader> {
        match (&self.split, info.dwarf.sup()) {
            (Some(split), _) => UnitRef::new(&split.dwarf, &split.unit),
            (None, Some(dwarf)) if info.units.is_supplement(self.number) => UnitRef::new(dwarf, &self.unit),
            (None, _) => UnitRef::new(&info.dwarf, &self.unit),
        }
    }
}

fn headers(dwarf: &Dwarf<Reader>) -> gimli::Result<Vec<LazyUnit>> {
    let mut units = Vec::new();
    let mut headers = dwarf.units();
    while let Some(header) = headers.next()? {
        if units.len() >= MAX_UNITS {
            break;
        }
        units.push(LazyUnit { header, data: OnceCell::new() });
    }
    Ok(units)
}

/// The ranges that a unit itself gives. The unit is read for this but not kept.
fn own_ranges(dwarf: &Dwarf<Reader>, unit: &LazyUnit, number: u32, budget: &mut Budget) -> gimli::Result<Vec<Range>> {
    let unit = dwarf.unit(unit.header.clone())?;
    let mut cursor = unit.entries();
    let Some((_, root)) = cursor.next_dfs()? else {
        return Ok(Vec::new());
    };
    let found = ranges::of(UnitRef::new(dwarf, &unit), root, budget);
    Ok(found.into_iter().map(|(begin, end)| Range { begin, end, unit: number }).collect())
}
