//! Which unit describes an address. Units are read when they are first needed.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use gimli::{DebugInfoOffset, Dwarf, Unit, UnitHeader, UnitSectionOffset};

use super::Reader;
use super::functions::FunctionIndex;
use super::lines::LineTable;
use super::ranges::{self, Budget};

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
        let mut units = Self { units: headers(dwarf)?, ranges: Vec::new(), incomplete: false, supplement };
        let (ranges, complete) = units.all_ranges(dwarf);
        units.ranges = ranges;
        units.incomplete = !complete || units.units.len() >= MAX_UNITS;
        units.ranges.sort_unstable_by_key(|range| (range.begin, range.end));
        Ok(units)
    }

    /// The units whose ranges cover `vaddr`, nearest first.
    pub(super) fn holding(&self, dwarf: &Dwarf<Reader>, vaddr: u64) -> Vec<&UnitData> {
        let after = self.ranges.partition_point(|range| range.begin <= vaddr);
        let near = self.ranges[..after].iter().rev().take(MAX_STEPS);
        let covering = near.filter(|range| vaddr < range.end);
        covering.filter_map(|range| self.units.get(range.unit as usize)?.data(dwarf)).collect()
    }

    /// The unit of `.debug_info` that holds `offset`; of the supplementary file when so asked.
    pub(super) fn at(
        &self,
        dwarf: &Dwarf<Reader>,
        offset: DebugInfoOffset<usize>,
        supplement: bool,
    ) -> Option<&UnitData> {
        let units = if supplement { &self.supplement } else { &self.units };
        let after = units.partition_point(|unit| unit.offset() <= offset.0);
        units.get(after.checked_sub(1)?)?.data(dwarf)
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

    fn data(&self, dwarf: &Dwarf<Reader>) -> Option<&UnitData> {
        let read = || {
            let unit = dwarf.unit(self.header.clone()).ok()?;
            Some(Box::new(UnitData { unit, functions: OnceCell::new(), lines: OnceCell::new() }))
        };
        self.data.get_or_init(read).as_deref()
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
    let found = ranges::of(dwarf, &unit, root, budget);
    Ok(found.into_iter().map(|(begin, end)| Range { begin, end, unit: number }).collect())
}
