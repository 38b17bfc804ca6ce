//! Which task it is: its numbers, and whether it is one that the user wants.

use quadrant_bpf::cgroup::Subtree;
use quadrant_bpf::helper;

use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// Process id in the upper half, thread id in the lower: in the tracer's own namespace of process ids, 0 for tasks that it does not see.
    pub fn pid_tgid(&mut self) -> Value {
        let Some((device, inode)) = self.g.target.pid_namespace else {
            return self.f.b.call(helper::GET_CURRENT_PID_TGID, &[]);
        };
        let word = self.word();
        let ids = self.address(word);
        let (device, inode) = (self.f.b.iconst(device as i64), self.f.b.iconst(inode as i64));
        let size = self.f.b.iconst(8);
        // `struct bpf_pidns_info`: thread, then process. Zeroed by the helper when it fails.
        self.f.b.call(helper::GET_NS_CURRENT_PID_TGID, &[device, inode, ids, size]);
        self.f.b.load(word.base, word.off, Size::B8)
    }

    /// The process id of [`Lower::pid_tgid`].
    pub fn process_id(&mut self) -> Value {
        let both = self.pid_tgid();
        self.f.b.shr(both, 32)
    }

    /// Leaves the program unless the current process is this one.
    pub fn leave_unless_process(&mut self, pid: Option<u32>, end: Block) {
        if let Some(pid) = pid {
            let process = self.process_id();
            self.f.b.branch_away(Cond::Ne, process, pid, end);
        }
    }

    /// Leaves the program unless the current task is in those control groups.
    pub fn leave_unless_in(&mut self, groups: Option<Subtree>, end: Block) {
        let Some(Subtree { id, level, levels }) = groups else { return };
        let go = self.f.b.create_block();
        for level in level..level.saturating_add(levels) {
            let level = self.f.b.iconst(level.into());
            let ancestor = self.f.b.call(helper::GET_CURRENT_ANCESTOR_CGROUP_ID, &[level]);
            let wanted = self.f.b.iconst(id as i64);
            let next = self.f.b.create_block();
            self.f.b.branch(Cond::Eq, ancestor, wanted, go, &[], next, &[]);
            self.f.b.switch_to(next);
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(go);
    }
}
