//! Which task it is: its numbers, and whether it is one that the user wants.

use quadrant_bpf::cgroup::Subtree;
use quadrant_bpf::helper;

use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// The current task, with its type.
    pub fn task(&mut self) -> Value {
        self.f.b.call(helper::GET_CURRENT_TASK_BTF, &[])
    }

    /// The process's id in the tracer's own namespace of process ids, 0 for tasks that it does not see.
    pub fn process_id(&mut self) -> Value {
        match self.ids_in_namespace() {
            Some(both) => self.f.b.shr(both, 32),
            None => self.initial_id(true),
        }
    }

    /// The thread's id, as [`Lower::process_id`].
    pub fn thread_id(&mut self) -> Value {
        match self.ids_in_namespace() {
            Some(both) => self.f.b.ext(both, Size::B4, false),
            None => self.initial_id(false),
        }
    }

    /// Process id in the upper half, thread id in the lower, unless the tracer's namespace is the initial one.
    fn ids_in_namespace(&mut self) -> Option<Value> {
        let (device, inode) = self.g.target.pid_namespace?;
        let word = self.word();
        let ids = self.address(word);
        let (device, inode) = (self.f.b.iconst(device as i64), self.f.b.iconst(inode as i64));
        let size = self.f.b.iconst(8);
        // `struct bpf_pidns_info`: thread, then process. Zeroed by the helper when it fails.
        self.f.b.call(helper::GET_NS_CURRENT_PID_TGID, &[device, inode, ids, size]);
        Some(self.f.b.load(word.base, word.off, Size::B8))
    }

    /// The process's or thread's id in the initial namespace.
    pub fn initial_id(&mut self, process: bool) -> Value {
        let Some(ids) = self.g.target.task_ids else {
            return self.half(helper::GET_CURRENT_PID_TGID, process);
        };
        let task = self.task();
        let at = if process { ids.tgid } else { ids.pid };
        self.f.b.load_with(task, at as i32, Size::B4, false, true)
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
