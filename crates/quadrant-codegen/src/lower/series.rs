//! Time series: the value goes to the slot of the interval that it is now.

use quadrant_bpf::helper;
use quadrant_program::series::SLOT_WORDS;
use quadrant_program::series::Series;
use quadrant_program::series::SeriesKind;

use super::unit::Lower;
use crate::ssa::AtomicOp;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Offsets in a slot.
const NUMBER: i32 = 0;
const FIRST: i32 = 8;
const SECOND: i32 = 16;

impl Lower<'_, '_> {
    /// Feeds a part of a time series, which is this CPU's own.
    pub fn feed_series(&mut self, part: Value, series: &Series, value: Value) {
        let now = self.f.b.call(helper::KTIME_GET_BOOT_NS, &[]);
        let wall = self.f.b.add(now, self.g.target.wall_offset_ns);
        let number = self.f.b.udiv(wall, series.interval_ns.max(1) as i64);
        let index = self.f.b.umod(number, i64::from(series.count.max(1)));
        let end = self.f.b.create_block();
        // The comparison never fails; the verifier wants it.
        self.f.b.branch_away(Cond::Uge, index, i64::from(series.count), end);
        let off = self.f.b.mul(index, 8 * i64::from(SLOT_WORDS));
        let slot = self.f.b.add(part, off);
        let number = self.f.b.add(number, 1);
        self.open_slot(slot, number);
        match series.kind {
            SeriesKind::Last => {
                self.f.b.store(slot, FIRST, Size::B8, value);
                self.f.b.store(slot, SECOND, Size::B8, now);
            }
            SeriesKind::Avg | SeriesKind::Sum => {
                let one = self.f.b.iconst(1);
                self.f.b.atomic(AtomicOp::Add, slot, FIRST, Size::B8, value);
                self.f.b.atomic(AtomicOp::Add, slot, SECOND, Size::B8, one);
            }
            SeriesKind::Min => self.keep_better(slot, value, if series.signed { Cond::Slt } else { Cond::Ult }),
            SeriesKind::Max => self.keep_better(slot, value, if series.signed { Cond::Sgt } else { Cond::Ugt }),
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }

    /// Makes the slot that of an interval, empty if it was another's.
    fn open_slot(&mut self, slot: Value, number: Value) {
        let old = self.f.b.load(slot, NUMBER, Size::B8);
        self.when(Cond::Ne, old, number, |lower| {
            for off in [FIRST, SECOND] {
                lower.f.b.store(slot, off, Size::B8, 0);
            }
            lower.f.b.store(slot, NUMBER, Size::B8, number);
        });
    }

    fn keep_better(&mut self, slot: Value, value: Value, better: Cond) {
        let [compare, keep, next] = [(); 3].map(|()| self.f.b.create_block());
        let set = self.f.b.load(slot, SECOND, Size::B8);
        let old = self.f.b.load(slot, FIRST, Size::B8);
        self.f.b.branch(Cond::Eq, set, 0, keep, &[], compare, &[]);
        self.f.b.switch_to(compare);
        self.f.b.branch(better, value, old, keep, &[], next, &[]);
        self.f.b.switch_to(keep);
        self.f.b.store(slot, FIRST, Size::B8, value);
        self.f.b.store(slot, SECOND, Size::B8, 1);
        self.f.b.jump(next, &[]);
        self.f.b.switch_to(next);
    }
}
