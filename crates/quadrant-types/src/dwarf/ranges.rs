//! Address ranges of entries, with a bound on the work: hostile data can let every entry refer
//! to the same endless list.

use gimli::{AttributeValue, RngListIter, UnitRef};

use super::Reader;
use super::die::RawDie;

/// How many more list items may be looked at.
#[derive(Debug)]
pub(super) struct Budget(u32);

impl Budget {
    /// Enough for the largest units that compilers make.
    pub(super) fn for_unit() -> Self {
        Self(16_000_000)
    }

    /// Takes one item from the budget, when there is one.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        left
    }
}

/// The ranges of `die`, each as first address and first address behind. None when it has no
/// code or its data is damaged.
pub(super) fn of(unit: UnitRef<'_, Reader>, die: &RawDie<'_>, budget: &mut Budget) -> Vec<(u64, u64)> {
    let value = |name| die.attr_value(name).ok().flatten();
    let list = value(gimli::DW_AT_ranges).and_then(|value| unit.attr_ranges(value).ok()?);
    if let Some(list) = list {
        return of_list(list, budget);
    }
    let address = |value| unit.attr_address(value).ok()?;
    let Some(begin) = value(gimli::DW_AT_low_pc).and_then(address) else {
        return Vec::new();
    };
    let end = match value(gimli::DW_AT_high_pc) {
        Some(AttributeValue::Udata(size)) => begin.checked_add(size),
        Some(value) => address(value),
        None => None,
    };
    let range = end.map(|end| (begin, end)).filter(is_code);
    range.into_iter().filter(|_| budget.spend()).collect()
}

fn of_list(mut list: RngListIter<Reader>, budget: &mut Budget) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    while budget.spend() {
        let Ok(Some(raw)) = list.next_raw() else { break };
        let Ok(range) = list.convert_raw(raw) else { break };
        ranges.extend(range.map(|range| (range.begin, range.end)).filter(is_code));
    }
    ranges
}

/// Address 0 is where linkers put functions that they threw away.
fn is_code((begin, end): &(u64, u64)) -> bool {
    *begin != 0 && begin < end
}
