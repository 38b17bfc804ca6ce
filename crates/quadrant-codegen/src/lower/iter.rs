//! The entry of a program that an iterator runs.

use quadrant_bpf::helper;

use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;

/// Where the object's address is in the context; before it is what the walk itself is.
const OBJECT: i32 = 8;
/// What tells the kernel to show the object again when the walk goes on.
const AGAIN: i64 = 1;
/// `BPF_RB_AVAIL_DATA`.
const UNREAD: i64 = 0;

impl Lower<'_, '_> {
    /// Leaves when the walk is over, which the kernel tells by an object that is null; and, before anything is done, when half of the
    /// ring buffer is unread: a walk runs at full speed, and stops only when it is told to.
    pub fn object(&mut self, waits: bool, end: Block) {
        let object = self.f.b.load(self.f.ctx, OBJECT, Size::B8);
        self.f.b.branch_away(Cond::Eq, object, 0, end);
        match (waits, self.is_shown_by_file()) {
            (true, true) => self.wait_for_room_in_file(),
            (true, false) if self.g.target.ring_buffer => self.wait_for_room(),
            _ => {}
        }
    }

    fn wait_for_room(&mut self) {
        let [full, go] = [self.f.b.create_block(), self.f.b.create_block()];
        let records = self.g.records();
        let records = self.f.b.map_ptr(records);
        let what = self.f.b.iconst(UNREAD);
        let unread = self.f.b.call(helper::RINGBUF_QUERY, &[records, what]);
        let half = i64::from(self.g.target.ring_bytes / 2);
        self.f.b.branch(Cond::Ugt, unread, half, full, &[], go, &[]);
        self.f.b.switch_to(full);
        self.f.b.ret(AGAIN);
        self.f.b.switch_to(go);
    }
}
