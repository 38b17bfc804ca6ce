//! Orders to print and to empty maps that have piled up when a trace ends.
//!
//! Where printing a map takes longer than the script waits before it asks again, more orders come than can be carried out. No probe
//! does anything any more when the last of them are looked at, so each would print the same again, or nothing where the first one
//! emptied the map: the first is enough.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;

use quadrant_program::map::MapId;
use quadrant_program::record::RecordId;

/// So long all orders are carried out.
const ENOUGH: Duration = Duration::from_millis(500);

/// What a script has done to a whole map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Clear,
    Zero,
    /// All but so many keys are removed, from the end that the sign says.
    Truncate(i64),
}

/// What of them was carried out.
#[derive(Debug)]
pub(crate) struct Backlog {
    since: Instant,
    printed: RefCell<BTreeSet<(Option<RecordId>, MapId)>>,
    changed: RefCell<BTreeSet<(MapId, Change)>>,
    left: Cell<u64>,
}

impl Backlog {
    pub(crate) fn new() -> Backlog {
        Backlog::since(Instant::now())
    }

    fn since(since: Instant) -> Backlog {
        Backlog { since, printed: RefCell::default(), changed: RefCell::default(), left: Cell::new(0) }
    }

    /// Whether the order is carried out: it is the first one for this map, by this record, or there is time.
    pub(crate) fn admits(&self, record: Option<RecordId>, map: MapId) -> bool {
        let is_first = self.printed.borrow_mut().insert((record, map));
        let is_admitted = is_first || self.since.elapsed() < ENOUGH;
        self.left.set(self.left.get() + u64::from(!is_admitted));
        is_admitted
    }

    /// Whether a map is to be changed in this way: once more would change nothing.
    pub(crate) fn changes(&self, map: MapId, change: Change) -> bool {
        self.changed.borrow_mut().insert((map, change))
    }

    /// How many orders to print were not carried out.
    pub(crate) fn left(&self) -> u64 {
        self.left.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_come_again_are_left_and_counted_when_time_is_over() {
        let backlog = Backlog::since(Instant::now().checked_sub(ENOUGH).unwrap());
        let orders = [(0, 0), (1, 0), (0, 0), (0, 1), (1, 0)].map(|(record, map)| (Some(RecordId(record)), MapId(map)));
        assert_eq!(orders.map(|(record, map)| backlog.admits(record, map)), [true, true, false, true, false]);
        assert_eq!(backlog.left(), 2);
    }

    #[test]
    fn a_map_is_changed_once_in_each_way() {
        let backlog = Backlog::new();
        let changes =
            [(0, Change::Zero), (0, Change::Clear), (1, Change::Zero), (0, Change::Zero), (0, Change::Truncate(5))];
        let changed = changes.map(|(map, change)| backlog.changes(MapId(map), change));
        assert_eq!((changed, backlog.left()), ([true, true, true, false, true], 0));
    }
}
