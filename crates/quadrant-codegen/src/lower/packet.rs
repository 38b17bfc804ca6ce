//! Packets on their way to a file: the kernel itself copies them behind a record of ours, wherever their bytes are.

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::record::PACKET_HEADER;
use quadrant_program::record::PACKET_MOST;
use quadrant_program::record::RecordId;

use super::error::Result;
use super::record::CURRENT_CPU;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

const MOST: i64 = PACKET_MOST as i64;
/// `-EFAULT`: the packet is shorter.
const TOO_SHORT: i64 = -14;

impl Lower<'_, '_> {
    /// Sends the first `length` bytes of a packet; gives what the helper gave.
    pub fn packet_output(&mut self, record: RecordId, packet: &Expr, length: &Expr, offset: &Expr) -> Result<Value> {
        let packet = self.scalar(packet)?;
        let length = self.scalar(length)?;
        let offset = self.scalar(offset)?;
        let mark = self.mark();
        let head = self.alloc_bytes(PACKET_HEADER);
        let cpu = self.f.b.call(helper::GET_SMP_PROCESSOR_ID, &[]);
        let time = self.f.b.call(helper::KTIME_GET_BOOT_NS, &[]);
        self.f.b.store(head.base, head.off, Size::B4, i64::from(record.0));
        self.f.b.store(head.base, head.off + 4, Size::B4, cpu);
        for (at, word) in [(8, time), (16, offset), (24, length)] {
            self.f.b.store(head.base, head.off + at, Size::B8, word);
        }
        let map = self.g.packets();
        let map = self.f.b.map_ptr(map);
        let most = self.f.b.iconst(MOST);
        let copied = self.f.b.select(Cond::Ult, length, MOST, length, most);
        let counted = self.f.b.shl(copied, 32);
        let flags = self.f.b.or(counted, CURRENT_CPU);
        let (head, size) = (self.address(head), self.f.b.iconst(PACKET_HEADER.into()));
        let result = self.f.b.call(helper::SKB_OUTPUT, &[packet, map, flags, head, size]);
        self.release(mark);
        self.lose_if(LossKind::Cut, Cond::Ugt, length, MOST);
        self.count_unsent(result);
        Ok(result)
    }

    /// A packet without so many bytes could not be read, any other had no room.
    fn count_unsent(&mut self, result: Value) {
        let (end, bad) = (self.f.b.create_block(), self.f.b.create_block());
        self.f.b.branch(Cond::Eq, result, 0, end, &[], bad, &[]);
        self.f.b.switch_to(bad);
        self.lose_if(LossKind::Read, Cond::Eq, result, TOO_SHORT);
        self.lose_if(LossKind::Record, Cond::Ne, result, TOO_SHORT);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }
}
