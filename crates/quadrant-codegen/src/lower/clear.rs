//! `clear(@map)` there and then. A map that the script prints with print() is cleared by user space instead, which prints it, too, so
//! that both happen in their order; and so is one with a big table, all of which the kernel would look through while whatever the program
//! interrupted waits.

use quadrant_program::map::MapId;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;

use super::cells::Cell;
use super::error::Result;
use super::function::Body;
use super::globals::MapPlace;
use super::record::Wake;
use super::unit::Lower;
use crate::ssa::Cond;
use crate::ssa::MapRef;

/// Keys that a program removes; the rest is left to user space.
const MOST: i64 = 4096;

impl Lower<'_, '_> {
    /// The map that a record would clear, if that can be done without the record.
    pub fn clears_here(&self, id: RecordId, record: &Record) -> Option<MapId> {
        let RecordKind::Clear(map) = record.kind else { return None };
        let prints = |record: &Record| record.kind.printed() == Some(map);
        let can = match self.g.map_place(map)? {
            MapPlace::Slot(_) | MapPlace::SharedCell(_) => true,
            MapPlace::Cell(..) => false,
            MapPlace::Keyed { map, .. } => self.g.target.for_each_map_elem && self.may_walk(id, map),
        };
        (can && !self.g.program.records.iter().any(prints)).then_some(map)
    }

    /// Whether nobody waits long for a walk over a map, or the clause would see that the map is not cleared yet.
    fn may_walk(&self, clear: RecordId, map: MapRef) -> bool {
        i64::from(self.g.room(map)) <= MOST || self.g.usage.clears.contains(&clear)
    }

    /// Clears a map; sends the record if there are more keys than a program should remove.
    pub fn clear_here(&mut self, map: MapId, id: RecordId, record: &Record) -> Result<()> {
        let Some(MapPlace::Keyed { map: place, short, overflow, .. }) = self.g.map_place(map) else {
            return self.map_delete(map, None).map(drop);
        };
        self.lookups.forget(map);
        let removed = self.cell(0);
        short.into_iter().chain(overflow).chain([place]).try_for_each(|place| self.remove_keys(place, removed))?;
        let removed = self.cell_get(removed);
        let (more, end) = (self.f.b.create_block(), self.f.b.create_block());
        self.f.b.branch(Cond::Ugt, removed, MOST, more, &[], end, &[]);
        self.f.b.switch_to(more);
        self.branch(|lower| lower.send_record(id, record, &[], Wake::Not))?;
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Removes keys of one of the kernel's maps, counting them in a word of scratch memory, until that is above [`MOST`].
    fn remove_keys(&mut self, place: MapRef, counter: Cell) -> Result<()> {
        let func = self.callback(Body::Entry, |lower| {
            let key = lower.f.b.param(1);
            lower.delete_in(place, key);
            let removed = lower.cell_get(counter);
            let removed = lower.f.b.add(removed, 1);
            lower.cell_set(counter, removed);
            let stop = lower.f.b.compare(Cond::Ugt, removed, MOST);
            lower.f.b.ret(stop);
            Ok(())
        })?;
        self.for_each(place, func);
        Ok(())
    }
}
