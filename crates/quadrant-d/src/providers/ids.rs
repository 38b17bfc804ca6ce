//! The numbers of probes.
//!
//! A number follows from what the probe is, so that none has to be looked for to number another, and `-i` means the same probe in
//! the next run. Probes that are made on demand (timers that nobody lists, processes) are numbered as they come.
//!
//! | numbers | probes |
//! |---|---|
//! | 1 ... 3 | BEGIN, END, ERROR |
//! | 10 ... 99 | the timers that listings show |
//! | 100 ... 1,999 | system calls by their number, entry and return in turn |
//! | 2,000 ... 69,999 | `sdt` by the kernel's number of the tracepoint |
//! | 70,000 ... 139,999 | `rawtp`, likewise |
//! | 140,000 ... 149,999 | raw tracepoints without a trace event, by their place among all |
//! | 150,000 ... 159,999 | probes that tables define (`proc`, `io`, ...) by their place in the table |
//! | 200,000 ... 399,999 | `fbt` by the function's place in BTF, entry and return in turn |
//! | 400,000 ... 599,999 | `rawfbt`, likewise |
//! | 900,000 ... 999,999 | on demand |

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

pub(super) const BEGIN: u32 = 1;
pub(super) const END: u32 = 2;
pub(super) const ERROR: u32 = 3;
pub(super) const TIMERS: Range<u32> = 10..100;
pub(super) const SYSCALLS: Range<u32> = 100..2_000;
pub(super) const SDT: Range<u32> = 2_000..70_000;
pub(super) const RAWTP: Range<u32> = 70_000..140_000;
pub(super) const EVENTLESS: Range<u32> = 140_000..150_000;
pub(super) const TABLES: Range<u32> = 150_000..160_000;
pub(super) const FBT: Range<u32> = 200_000..400_000;
pub(super) const RAWFBT: Range<u32> = 400_000..600_000;
const ON_DEMAND: Range<u32> = 900_000..1_000_000;

/// The number at a place in a range; `None` when it has no such place.
pub(super) fn at(range: &Range<u32>, place: u32) -> Option<u32> {
    range.start.checked_add(place).filter(|id| range.contains(id))
}

/// The place of a number in a range.
pub(super) fn place(range: &Range<u32>, id: u32) -> Option<u32> {
    range.contains(&id).then(|| id - range.start)
}

/// Numbers given on demand, by the full name of the probe.
#[derive(Default)]
pub(super) struct OnDemand {
    names: RefCell<(HashMap<String, u32>, Vec<String>)>,
}

impl OnDemand {
    /// The number of a probe; the last one when all are given away.
    pub fn number(&self, name: &str) -> u32 {
        let (ids, names) = &mut *self.names.borrow_mut();
        if let Some(id) = ids.get(name) {
            return *id;
        }
        let next = u32::try_from(names.len()).ok().and_then(|count| at(&ON_DEMAND, count));
        let Some(id) = next else { return ON_DEMAND.end - 1 };
        ids.insert(name.to_owned(), id);
        names.push(name.to_owned());
        id
    }

    /// The full name of the probe that was given a number.
    pub fn name(&self, id: u32) -> Option<String> {
        let index = place(&ON_DEMAND, id)? as usize;
        self.names.borrow().1.get(index).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay() {
        let numbers = OnDemand::default();
        let (a, b) = (numbers.number("a"), numbers.number("b"));
        assert_ne!(a, b);
        assert_eq!(numbers.number("a"), a);
        assert_eq!(numbers.name(b).as_deref(), Some("b"));
        assert_eq!(numbers.name(b + 1), None);
        assert_eq!(numbers.name(7), None);
    }

    #[test]
    fn ranges_have_ends() {
        assert_eq!(at(&SDT, 5), Some(2_005));
        assert_eq!(at(&SDT, 68_000), None);
        assert_eq!(place(&SDT, 2_005), Some(5));
        assert_eq!(place(&SDT, 70_000), None);
    }
}
