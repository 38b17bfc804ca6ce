//! The name of the current thread, read straight from the task: several times faster than by the helper.
//!
//! Kernels before 5.17 leave what they like behind the NUL, so it is cleared where it would make a difference: in keys and values. A
//! comparison looks no further than the NUL, and neither does who reads a record.

use quadrant_bpf::helper;

use super::memory::Mem;
use super::memory::number;
use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Bytes of a thread's name, its NUL included (`TASK_COMM_LEN`).
const COMM_BYTES: u32 = 16;

impl Lower<'_, '_> {
    /// Stores the name, with zeros behind.
    pub fn store_comm(&mut self, to: Mem) {
        if let Some(offset) = self.g.target.comm_offset {
            return self.copy_comm(offset, to);
        }
        // The helper of Linux 5.17 to 6.2 leaves what was behind the NUL.
        self.zero(to, COMM_BYTES);
        let (to, size) = (self.address(to), self.f.b.iconst(COMM_BYTES.into()));
        self.f.b.call(helper::GET_CURRENT_COMM, &[to, size]);
    }

    /// Stores the name for someone who stops at the NUL.
    pub fn send_comm(&mut self, to: Mem) {
        let Some(offset) = self.g.target.comm_offset else { return self.store_comm(to) };
        let task = self.task();
        for at in [0, 8] {
            let word = self.f.b.load_with(task, offset as i32 + at, Size::B8, false, true);
            self.f.b.store(to.base, to.off + at, Size::B8, word);
        }
    }

    /// Goes to `then` when the name is this one, else to `other`; false when it takes more than a look at the task.
    pub fn branch_comm(&mut self, text: &[u8], then: Block, other: Block) -> bool {
        let Some(offset) = self.g.target.comm_offset else { return false };
        let bytes = [text, &[0]].concat();
        if bytes.len() > COMM_BYTES as usize {
            self.f.b.jump(other, &[]);
            return true;
        }
        let task = self.task();
        for (at, size) in pieces(bytes.len() as u32) {
            let part = self.f.b.load_with(task, (offset + at) as i32, size, false, true);
            let wanted = number(&bytes[at as usize..(at + size.bytes()) as usize]);
            self.f.b.branch_away(Cond::Ne, part, wanted, other);
        }
        self.f.b.jump(then, &[]);
        true
    }

    fn copy_comm(&mut self, offset: u32, to: Mem) {
        let task = self.task();
        let [more, end] = [(); 2].map(|()| self.f.b.create_block());
        let (first, marks) = self.name_part(task, offset as i32);
        self.f.b.store(to.base, to.off, Size::B8, first);
        self.f.b.store(to.base, to.off + 8, Size::B8, 0);
        self.f.b.branch(Cond::Ne, marks, 0, end, &[], more, &[]);
        self.f.b.switch_to(more);
        let (second, _) = self.name_part(task, offset as i32 + 8);
        self.f.b.store(to.base, to.off + 8, Size::B8, second);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }

    /// Eight bytes of text up to the first NUL, zeros behind; and what is not 0 if there was one.
    fn name_part(&mut self, task: Value, offset: i32) -> (Value, Value) {
        const LOW: i64 = 0x0101_0101_0101_0101;
        const HIGH: i64 = 0x8080_8080_8080_8080_u64 as i64;
        let b = &mut self.f.b;
        let word = b.load_with(task, offset, Size::B8, false, true);
        // Sets the highest bit of the first byte that is 0; higher ones may be set, too.
        let less = b.sub(word, LOW);
        let inverse = b.not(word);
        let marks = b.and(less, inverse);
        let marks = b.and(marks, HIGH);
        // All bits up to the lowest mark; all bits if there is none.
        let below = b.sub(marks, 1);
        let kept = b.xor(marks, below);
        (b.and(word, kept), marks)
    }
}

/// Where to look at so many bytes with few loads, which may overlap, of sizes whose values fit into an instruction.
fn pieces(len: u32) -> Vec<(u32, Size)> {
    let size = match len {
        1 => Size::B1,
        2 | 3 => Size::B2,
        _ => Size::B4,
    };
    let whole = (0..len / size.bytes()).map(|piece| (piece * size.bytes(), size));
    let rest = (!len.is_multiple_of(size.bytes())).then(|| (len - size.bytes(), size));
    whole.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_looked_at() {
        for len in 1..=COMM_BYTES {
            let mut seen = vec![false; len as usize];
            for (at, size) in pieces(len) {
                seen[at as usize..(at + size.bytes()) as usize].fill(true);
            }
            assert!(seen.iter().all(|seen| *seen), "{len}");
        }
    }
}
