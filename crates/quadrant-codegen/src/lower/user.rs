//! Memory of the process whose page is not present: a plain read fails, and a program that may sleep waits for it.
//!
//! Only a read that failed is tried again, so that what is present costs nothing more.

use quadrant_bpf::helper;
use quadrant_program::ty::Space;

use super::function::Leave;
use super::unit::Lower;
use crate::ssa::Cond;
use crate::ssa::Value;

/// Bytes of the smallest page.
const PAGE: u32 = 4096;
/// Most pages of a text that are waited for.
const PAGES_MAX: u32 = 4;

impl Lower<'_, '_> {
    /// Whether the code may wait here. The body of a loop may be called where nothing may.
    fn may_wait(&self, space: Space) -> bool {
        space == Space::User && self.unit.sleepable && matches!(self.f.leave, Leave::Jump { .. })
    }

    /// The helper that reads a space. Where faults end clauses, an address that no function of the language calls one of the kernel or of
    /// the process may be either.
    fn read_helper(&self, space: Space) -> u32 {
        match space {
            Space::User => helper::PROBE_READ_USER,
            Space::Any => helper::PROBE_READ,
            _ if self.aborts() => helper::PROBE_READ,
            _ => helper::PROBE_READ_KERNEL,
        }
    }

    /// Copies bytes; not 0 if that failed, and they are zeros then.
    pub fn read_bytes(&mut self, space: Space, to: Value, size: Value, from: Value) -> Value {
        let failed = self.f.b.call(self.read_helper(space), &[to, size, from]);
        if !self.may_wait(space) {
            return failed;
        }
        let (end, result) = self.join();
        let again = self.f.b.create_block();
        self.f.b.branch(Cond::Eq, failed, 0, end, &[failed], again, &[]);
        self.f.b.switch_to(again);
        let failed = self.f.b.call(helper::COPY_FROM_USER, &[to, size, from]);
        self.f.b.jump(end, &[failed]);
        self.f.b.switch_to(end);
        result
    }

    /// Copies a text of at most `size` bytes with its NUL; gives their number, or a negative number if that failed. `cap` is more
    /// than `size` ever is.
    pub fn read_string(&mut self, space: Space, to: Value, size: Value, from: Value, cap: u32) -> Value {
        let helper = match space {
            Space::User => helper::PROBE_READ_USER_STR,
            Space::Any => helper::PROBE_READ_STR,
            _ if self.aborts() => helper::PROBE_READ_STR,
            _ => helper::PROBE_READ_KERNEL_STR,
        };
        let first = self.f.b.call(helper, &[to, size, from]);
        if !self.may_wait(space) {
            return first;
        }
        let (end, result) = self.join();
        let mut got = first;
        let pages = (1 + cap.div_ceil(PAGE)).min(PAGES_MAX);
        for page in 0..pages {
            let again = self.f.b.create_block();
            self.f.b.branch(Cond::Sge, got, 0, end, &[got], again, &[]);
            self.f.b.switch_to(again);
            self.wait_for_page(from, page);
            got = self.f.b.call(helper, &[to, size, from]);
        }
        self.f.b.jump(end, &[got]);
        self.f.b.switch_to(end);
        result
    }

    /// Waits for the page of an address, or one behind it.
    fn wait_for_page(&mut self, from: Value, page: u32) {
        let at = match page {
            0 => from,
            page => {
                let start = self.f.b.and(from, -i64::from(PAGE));
                self.f.b.add(start, i64::from(page) * i64::from(PAGE))
            }
        };
        let byte = self.word();
        let (to, size) = (self.address(byte), self.f.b.iconst(1));
        self.f.b.call(helper::COPY_FROM_USER, &[to, size, at]);
    }
}
