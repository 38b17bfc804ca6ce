//! Where a value belongs that a clause learns on its way: to the latest event of its point, CPU and thread, if nothing
//! between them was lost.

use std::collections::HashMap;

use quadrant_program::probe::PointId;

/// A point, a CPU and a thread.
pub type Place = (PointId, u32, u32);

/// Of each place, the number of what was sent last; nothing if what follows belongs to no event of the file.
#[derive(Debug, Default)]
pub struct Latest(HashMap<Place, u64>);

impl Latest {
    /// An event that is in the file, with its number, or one without values, or that is not there.
    pub fn event(&mut self, place: Place, number: Option<u64>) {
        match number {
            Some(number) => drop(self.0.insert(place, number)),
            None => drop(self.0.remove(&place)),
        }
    }

    /// Whether a value is the next one of the event. If not, a record was lost: that of the value's event, or that of a
    /// value before it.
    pub fn has_next(&mut self, place: Place, number: u64) -> bool {
        let Some(before) = self.0.get_mut(&place) else { return false };
        let is_next = before.checked_add(1) == Some(number);
        *before = number;
        if !is_next {
            self.0.remove(&place);
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_belong_to_their_event_alone() {
        let (place, other) = ((PointId(0), 0, 7), (PointId(0), 1, 7));
        let mut latest = Latest::default();
        assert!(!latest.has_next(place, 101), "there is no event");
        latest.event(place, Some(100));
        assert!(!latest.has_next(other, 101), "it is on another CPU");
        assert!(latest.has_next(place, 101) && latest.has_next(place, 102));
        assert!(!latest.has_next(place, 501), "the event with 500 was lost");
        assert!(!latest.has_next(place, 502));
        latest.event(place, Some(900));
        assert!(!latest.has_next(place, 902) && !latest.has_next(place, 903), "the value 901 was lost");
        latest.event(place, Some(1000));
        latest.event(place, None);
        assert!(!latest.has_next(place, 1001), "the event is not in the file");
    }
}
