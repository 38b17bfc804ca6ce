//! Functions of a unit, and the chain of inlined ones at an address.

use std::sync::Arc;

use gimli::{Attribute, AttributeValue, UnitOffset, UnitRef};

use super::die::{DieRef, RawDie};
use super::ranges::{self, Budget};
use super::units::UnitData;
use super::{DebugInfo, Reader};

/// More functions of one unit are left out.
const MAX_FUNCTIONS: usize = 4_000_000;
/// Deeper chains are cut at the innermost end.
const MAX_CHAIN: usize = 256;
const MAX_STEPS: usize = 64;

/// The functions of a unit that have code, sorted by address.
#[derive(Debug, Default)]
pub(super) struct FunctionIndex(Vec<Entry>);

#[derive(Debug, Clone, Copy)]
struct Entry {
    begin: u64,
    end: u64,
    offset: UnitOffset<usize>,
}

/// One function of a chain.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: Option<Arc<str>>,
    /// Of the function that is not inlined.
    pub(super) range: Option<(u64, u64)>,
    /// Where it was inlined into the function before it.
    pub(super) call: Option<Call>,
}

/// A place in the source, by number of the file in the line table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) file: u64,
    pub(super) line: u32,
}

/// The functions at `vaddr`, outermost first. Empty when the unit has none there.
pub(super) fn chain(info: &DebugInfo, unit: &UnitData, vaddr: u64) -> Vec<Found> {
    let Some(entry) = function_index(info, unit).find(vaddr) else {
        return Vec::new();
    };
    let mut chain = walk(info, unit, entry.offset, vaddr).unwrap_or_default();
    if let Some(first) = chain.first_mut() {
        first.range = Some((entry.begin, entry.end));
    }
    chain
}

/// The function that covers `vaddr`, and where its range there starts.
pub(super) fn at(info: &DebugInfo, unit: &UnitData, vaddr: u64) -> Option<(DieRef, u64)> {
    let entry = function_index(info, unit).find(vaddr)?;
    Some((DieRef { unit: unit.number, offset: entry.offset.0 }, entry.begin))
}

fn function_index<'a>(info: &DebugInfo, unit: &'a UnitData) -> &'a FunctionIndex {
    unit.functions.get_or_init(|| index(unit.entries(info)).unwrap_or_default())
}

impl FunctionIndex {
    /// The innermost function whose range covers `vaddr`.
    fn find(&self, vaddr: u64) -> Option<Entry> {
        let after = self.0.partition_point(|entry| entry.begin <= vaddr);
        let near = self.0[..after].iter().rev().take(MAX_STEPS);
        let mut covering = near.filter(|entry| vaddr < entry.end);
        covering.next().copied()
    }
}

/// Lists all functions of a unit that have code.
fn index(unit: UnitRef<'_, Reader>) -> gimli::Result<FunctionIndex> {
    let mut entries = Vec::new();
    let mut budget = Budget::for_unit();
    let mut cursor = unit.unit.entries();
    while let Some((_, die)) = cursor.next_dfs()? {
        if die.tag() != gimli::DW_TAG_subprogram || entries.len() >= MAX_FUNCTIONS {
            continue;
        }
        for (begin, end) in ranges::of(unit, die, &mut budget) {
            entries.push(Entry { begin, end, offset: die.offset() });
        }
    }
    entries.sort_unstable_by_key(|entry| (entry.begin, u64::MAX - entry.end));
    Ok(FunctionIndex(entries))
}

/// Walks the entries below a function and keeps those that are inlined at `vaddr`. This is a
/// loop with an explicit depth: hostile data can nest a million levels.
fn walk(info: &DebugInfo, data: &UnitData, offset: UnitOffset<usize>, vaddr: u64) -> gimli::Result<Vec<Found>> {
    let unit = data.entries(info);
    let mut cursor = unit.unit.entries_at_offset(offset)?;
    let mut budget = Budget::for_unit();
    let mut chain = Vec::new();
    let mut depth = 0_isize;
    // Entries deeper than this belong to a function that is not at `vaddr`.
    let mut passed_over: Option<isize> = None;
    while let Some((change, die)) = cursor.next_dfs()? {
        depth += change;
        let is_first = chain.is_empty();
        if (depth <= 0 && !is_first) || chain.len() >= MAX_CHAIN {
            break;
        }
        if passed_over.is_some_and(|limit| depth > limit) {
            continue;
        }
        passed_over = None;
        let inlined = die.tag() == gimli::DW_TAG_inlined_subroutine;
        if is_first || (inlined && covers(unit, die, vaddr, &mut budget)) {
            let at = DieRef { unit: data.number, offset: die.offset().0 };
            let name = info.die(at).and_then(|die| die.full_name());
            chain.push(Found { name, range: None, call: call(die) });
        } else if inlined || die.tag() == gimli::DW_TAG_subprogram {
            passed_over = Some(depth);
        }
    }
    Ok(chain)
}

fn covers(unit: UnitRef<'_, Reader>, die: &RawDie<'_>, vaddr: u64, budget: &mut Budget) -> bool {
    let ranges = ranges::of(unit, die, budget);
    ranges.iter().any(|(begin, end)| (*begin..*end).contains(&vaddr))
}

fn call(die: &RawDie<'_>) -> Option<Call> {
    let number = |attribute: Attribute<Reader>| attribute.udata_value();
    let file = match die.attr_value(gimli::DW_AT_call_file).ok()?? {
        AttributeValue::FileIndex(file) => file,
        _ => return None,
    };
    let line = die.attr(gimli::DW_AT_call_line).ok()?.and_then(number);
    Some(Call { file, line: line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0) })
}
