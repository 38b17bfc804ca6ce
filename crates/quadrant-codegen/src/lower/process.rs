//! What D asks of the process and the processor: ancestors, a pause, where the code is and who called it.

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::program::Fault;
use quadrant_program::ty::Space;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::StackType;

use super::cells::Cell;
use super::error::Result;
use super::unit::Lower;
use crate::object::Context;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;
use crate::target::TaskOffsets;

/// Most ancestors that are looked at.
const ANCESTORS: u32 = 1024;
/// The same on kernels where each takes code of its own.
const ANCESTORS_UNROLLED: u32 = 32;
/// Most nanoseconds of a window that a CPU spends in `chill`.
const CHILL_MAX: i64 = 500_000_000;
/// The window.
const CHILL_WINDOW: i64 = 1_000_000_000;
/// Rounds of a loop (`BPF_MAX_LOOPS`).
const ROUNDS: u32 = 1 << 23;
/// Loops that together take longer than `chill` can: a round reads the clock.
const CHILL_LOOPS: u32 = 6;

impl Lower<'_, '_> {
    /// `progenyof(pid)`.
    pub fn progeny_of(&mut self, pid: &Expr) -> Result<Value> {
        let Some(offsets) = self.g.target.task else {
            return Err(self.error("progenyof() needs the kernel's type information (CONFIG_DEBUG_INFO_BTF)"));
        };
        let mark = self.mark();
        let wanted = self.scalar(pid)?;
        let wanted = self.cell(wanted);
        let first = self.f.b.call(helper::GET_CURRENT_TASK, &[]);
        let [task, found] = [self.cell(first), self.cell(0)];
        if self.g.target.bpf_loop {
            self.repeat(ANCESTORS, |lower, _, stop| {
                lower.ancestor(offsets, (wanted, task, found), stop);
                Ok(())
            })?;
        } else {
            let stop = self.f.b.create_block();
            (0..ANCESTORS_UNROLLED).for_each(|_| self.ancestor(offsets, (wanted, task, found), stop));
            self.f.b.jump(stop, &[]);
            self.f.b.switch_to(stop);
        }
        let found = self.cell_get(found);
        self.release(mark);
        Ok(found)
    }

    /// Compares a task's process, and goes on to its parent; stops when it is the one or has no parent.
    fn ancestor(&mut self, offsets: TaskOffsets, (wanted, task, found): (Cell, Cell, Cell), stop: Block) {
        let now = self.cell_get(task);
        let from = self.f.b.add(now, i64::from(offsets.tgid));
        let pid = self.probe_number(Space::Kernel, from, Size::B4, true);
        let wanted = self.cell_get(wanted);
        self.when(Cond::Eq, pid, wanted, |lower| {
            lower.cell_set(found, 1);
            lower.f.b.jump(stop, &[]);
        });
        let now = self.cell_get(task);
        let from = self.f.b.add(now, i64::from(offsets.real_parent));
        let parent = self.probe_number(Space::Kernel, from, Size::B8, false);
        self.f.b.branch_away(Cond::Eq, parent, 0, stop);
        let now = self.cell_get(task);
        self.f.b.branch_away(Cond::Eq, parent, now, stop);
        self.cell_set(task, parent);
    }

    /// `chill(ns)`.
    pub fn chill(&mut self, ns: &Expr) -> Result<()> {
        let mark = self.mark();
        let ns = self.scalar(ns)?;
        self.abort_if(Fault::IllegalOperation, Cond::Ugt, ns, CHILL_MAX, ns)?;
        let place = self.chill_words();
        let now = self.f.b.call(helper::KTIME_GET_NS, &[]);
        let start = self.f.b.load(place, 0, Size::B8);
        let elapsed = self.f.b.sub(now, start);
        self.when(Cond::Ugt, elapsed, CHILL_WINDOW, |lower| {
            lower.f.b.store(place, 0, Size::B8, now);
            lower.f.b.store(place, 8, Size::B8, 0);
        });
        let used = self.f.b.load(place, 8, Size::B8);
        let total = self.f.b.add(used, ns);
        self.abort_if(Fault::IllegalOperation, Cond::Ugt, total, CHILL_MAX, ns)?;
        self.f.b.store(place, 8, Size::B8, total);
        let until = self.f.b.add(now, ns);
        let until = self.cell(until);
        for _ in 0..CHILL_LOOPS {
            self.repeat(ROUNDS, |lower, _, stop| {
                let until = lower.cell_get(until);
                let now = lower.f.b.call(helper::KTIME_GET_NS, &[]);
                lower.f.b.branch_away(Cond::Uge, now, until, stop);
                Ok(())
            })?;
        }
        self.release(mark);
        Ok(())
    }

    /// This CPU's start of the window, and the nanoseconds used of it.
    fn chill_words(&mut self) -> Value {
        const WORDS: i64 = 16;
        let (at, span) = self.g.chills();
        let cpu = self.f.b.call(helper::GET_SMP_PROCESSOR_ID, &[]);
        let cpu = self.f.b.and(cpu, i64::from(span) - 1);
        let off = self.f.b.mul(cpu, WORDS);
        let first = self.data(at);
        let first = self.address(first);
        self.f.b.add(first, off)
    }

    /// Where the firing code is.
    pub fn instruction_pointer(&mut self, user: bool) -> Result<Value> {
        if !matches!(self.unit.context, Context::Registers | Context::PerfEvent) {
            return Ok(self.frame(user, 0));
        }
        let pc = self.register_value(self.g.target.arch.instruction_pointer)?;
        // Addresses of the kernel have their top bit set.
        let kernel = self.f.b.sar(pc, 63);
        let mask = if user { self.f.b.not(kernel) } else { kernel };
        Ok(self.f.b.and(pc, mask))
    }

    /// Who called the code that fired.
    pub fn caller(&mut self, user: bool) -> Value {
        if !self.lacks_caller(user) {
            return self.frame(user, 1);
        }
        let (end, caller) = self.join();
        let unknown = self.f.b.create_block();
        let known = self.return_address(unknown);
        self.f.b.jump(end, &[known]);
        self.f.b.switch_to(unknown);
        let walked = self.frame(user, 1);
        self.f.b.jump(end, &[walked]);
        self.f.b.switch_to(end);
        caller
    }

    /// The address of a frame of the stack; 0 when there is none.
    fn frame(&mut self, user: bool, index: u32) -> Value {
        let stack = StackType { user, limit: 127, mode: StackMode::Dtrace };
        if self.is_bare(stack) {
            return self.f.b.iconst(0);
        }
        let mark = self.mark();
        let bytes = 8 * (index + 1);
        let frames = self.stack_room(bytes);
        let address = self.address(frames);
        let size = self.f.b.iconst(bytes.into());
        let flags = self.stack_flags(stack);
        let flags = self.f.b.iconst(flags);
        self.f.b.call(helper::GET_STACK, &[self.f.ctx, address, size, flags]);
        let frame = self.f.b.load(frames.base, frames.off + 8 * index as i32, Size::B8);
        self.release(mark);
        frame
    }

    /// How many frames the stack has.
    pub fn stack_depth(&mut self, user: bool) -> Value {
        self.frames(StackType { user, limit: 127, mode: StackMode::Dtrace })
    }
}
