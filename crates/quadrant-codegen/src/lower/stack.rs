//! Stack traces: kept by the kernel in maps, referred to by number.

use quadrant_bpf::helper;
use quadrant_program::layout::STACK_EMPTY;
use quadrant_program::layout::STACK_LOST;
use quadrant_program::layout::STACK_SECOND;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::StackType;
use quadrant_program::ty::Type;

use super::error::Result;
use super::unit::Lower;
use crate::object::Context;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Value;

/// `BPF_F_USER_STACK`. The flag by which only hashes are compared is not set: a number stands for exactly one stack.
const USER_STACK: i64 = 1 << 8;

/// Frames of a raw tracepoint's or trampoline's program and of what called it. (A tracepoint that others use, too, has one more.)
const OWN_FRAMES: i64 = 2;

/// The place for this stack is taken by another.
const EEXIST: i64 = 17;
/// There are no frames.
const EFAULT: i64 = 14;

impl Lower<'_, '_> {
    /// A stack trace: its number, and for a user stack the process in the upper half.
    pub fn stack_trace(&mut self, ty: &Type) -> Result<Value> {
        let Type::Stack(stack) = ty else { return Err(self.model_error("a stack of another type")) };
        if self.is_bare(*stack) {
            return Ok(self.f.b.iconst(STACK_EMPTY.into()));
        }
        let flags = self.stack_flags(*stack);
        let (end, id) = self.join();
        let [taken, failed] = [self.f.b.create_block(), self.f.b.create_block()];
        let first = self.stack_id(stack.limit, false, flags);
        let retry = self.f.b.create_block();
        self.f.b.branch(Cond::Slt, first, 0, taken, &[], end, &[first]);
        self.f.b.switch_to(taken);
        self.f.b.branch(Cond::Eq, first, -EEXIST, retry, &[], failed, &[]);
        self.f.b.switch_to(retry);
        let second = self.stack_id(stack.limit, true, flags);
        let lost = self.f.b.create_block();
        self.f.b.branch_away(Cond::Slt, second, 0, lost);
        let marked = self.f.b.or(second, i64::from(STACK_SECOND));
        self.f.b.jump(end, &[marked]);
        self.f.b.switch_to(failed);
        // No frames at all, such as the user stack of a kernel thread, is no loss.
        let empty = self.f.b.iconst(STACK_EMPTY.into());
        self.f.b.branch(Cond::Eq, first, -EFAULT, end, &[empty], lost, &[]);
        self.f.b.switch_to(lost);
        self.lose(LossKind::Stack);
        let none = self.f.b.iconst(STACK_LOST.into());
        self.f.b.jump(end, &[none]);
        self.f.b.switch_to(end);
        Ok(if stack.user { self.with_process(id) } else { id })
    }

    /// How many frames the stack has, up to its limit; 0 for a stack that cannot be taken.
    pub fn frames(&mut self, stack: StackType) -> Value {
        /// Bytes of an address.
        const FRAME: u32 = 8;
        if self.is_bare(stack) {
            return self.f.b.iconst(0);
        }
        let mark = self.mark();
        let size = u32::from(stack.limit) * FRAME;
        let place = self.alloc_bytes(size);
        let place = self.address(place);
        let size = self.f.b.iconst(size.into());
        let flags = self.stack_flags(stack);
        let flags = self.f.b.iconst(flags);
        let bytes = self.f.b.call(helper::GET_STACK, &[self.f.ctx, place, size, flags]);
        self.release(mark);
        let none = self.f.b.iconst(0);
        let bytes = self.f.b.select(Cond::Slt, bytes, 0, none, bytes);
        self.f.b.shr(bytes, 3)
    }

    /// A stack of nothing but the tracer's own frames: D's BEGIN and END have no kernel stack.
    pub fn is_bare(&self, stack: StackType) -> bool {
        !stack.user && stack.mode == StackMode::Dtrace && self.unit.context == Context::Run
    }

    /// Whose stack, and how many frames are left out: D does not show those through which the kernel called the program.
    pub fn stack_flags(&self, stack: StackType) -> i64 {
        match (stack.user, stack.mode, &self.unit.context) {
            (true, ..) => USER_STACK,
            (
                false,
                StackMode::Dtrace,
                Context::RawTracepoint(_)
                | Context::BtfTracepoint
                | Context::Syscalls { .. }
                | Context::Function { .. },
            ) => OWN_FRAMES,
            _ => 0,
        }
    }

    fn stack_id(&mut self, limit: u8, second: bool, flags: i64) -> Value {
        let map = self.g.stacks(limit, second);
        let map = self.f.b.map_ptr(map);
        let flags = self.f.b.iconst(flags);
        self.f.b.call(helper::GET_STACKID, &[self.f.ctx, map, flags])
    }

    fn with_process(&mut self, id: Value) -> Value {
        let process = self.process_id();
        let upper = self.f.b.shl(process, 32);
        self.f.b.or(upper, id)
    }
}
