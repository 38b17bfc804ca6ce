//! Stack traces: kept in a hash of their own, referred to by number.
//!
//! The kernel's map for stacks has one place for each remainder of a 32-bit hash: of 10,000 stacks in 16,384 places it loses some hundred,
//! and it takes the memory for all of them at once. So programs take the frames and make a 64-bit hash of them. Its upper bits are
//! the stack's number and the key of its entry; the entry begins with the whole hash, by which another stack with the same number is told
//! apart. That one gets its number from the lower bits.
//!
//! The kernel takes 2.5 µs to find memory for the longest stack, and to fill it. Most stacks are short, and most scripts see few
//! different ones, so the first short ones are kept in a map of small entries whose memory is there: 0.4 µs. Short stacks have numbers of
//! their own, whichever map they are in.
//!
//! At a function's entry the frame pointer is still the caller's, so the kernel's walk goes from the function to its caller's caller. There the
//! caller is put between the two: it is on top of the stack, or in a register.
//!
//! Nothing is ever removed from these maps, so a stack has one number for as long as the trace runs.

use quadrant_bpf::helper;
use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::flags;
use quadrant_program::layout::SHORT_STACK;
use quadrant_program::layout::STACK_EMPTY;
use quadrant_program::layout::STACK_FRAMES_AT;
use quadrant_program::layout::STACK_IS_SHORT;
use quadrant_program::layout::STACK_LOST;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::ty::Space;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::StackType;
use quadrant_program::ty::Type;

use super::error::Result;
use super::globals::Globals;
use super::maps::Entry;
use super::maps::NOEXIST;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::Context;
use crate::object::LossKind;
use crate::object::MapDef;
use crate::object::MapRole;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::MapRef;
use crate::ssa::Size;
use crate::ssa::Value;

/// `BPF_F_USER_STACK`.
const USER_STACK: i64 = 1 << 8;

/// Frames of a raw tracepoint's or trampoline's program and of what called it. (A tracepoint that others use, too, has one more.)
const OWN_FRAMES: i64 = 2;

/// Bits of a stack's number, which is neither [`STACK_LOST`] nor [`STACK_EMPTY`], and leaves room for [`STACK_IS_SHORT`].
const ID_BITS: i64 = 30;
/// Bytes of a frame: its address.
const FRAME: u32 = 8;
/// How many frames are taken between two looks whether there are more.
const FRAMES_AT_ONCE: u32 = 8;
/// By what hashes are multiplied: 2 to the 64th by the golden ratio, whose bits have no pattern.
pub(super) const FACTOR: i64 = 0x9e37_79b9_7f4a_7c15_u64 as i64;
/// By what every second frame is multiplied: 2 to the 64th by the square root of 2, without its whole part.
const SECOND_FACTOR: i64 = 0x6a09_e667_f3bc_c909;

/// There are no frames.
const EFAULT: i64 = 14;
/// A map has no room.
const E2BIG: i64 = 7;

/// A stack that is to be kept under a number, and where to go with it.
#[derive(Clone, Copy)]
struct Numbered {
    /// The hash and the frames.
    entry: Mem,
    hash: Value,
    id: Value,
    /// It is kept, and this block's argument its number.
    end: Block,
    /// The number is another stack's.
    other: Block,
}

impl Lower<'_, '_> {
    /// A stack trace: its number, and for a user stack the process in the upper half.
    pub fn stack_trace(&mut self, ty: &Type) -> Result<Value> {
        let Type::Stack(stack) = ty else { return Err(self.model_error("a stack of another type")) };
        if self.is_bare(*stack) {
            return Ok(self.f.b.iconst(STACK_EMPTY.into()));
        }
        let mark = self.mark();
        let id = self.stack_id(*stack);
        self.release(mark);
        Ok(if stack.user { self.with_process(id) } else { id })
    }

    /// Room for frames: not on the program's stack, of which verifiers before Linux 6.12 believe that the helper only reads it, and that it
    /// still holds what it held.
    pub fn stack_room(&mut self, bytes: u32) -> Mem {
        self.alloc_scratch(bytes)
    }

    fn stack_id(&mut self, stack: StackType) -> Value {
        let (end, id) = self.join();
        let [some, lost] = [(); 2].map(|()| self.f.b.create_block());
        let entry = self.stack_room(STACK_FRAMES_AT + stack_size(stack.limit));
        let bytes = self.take_stack(stack, entry.at(STACK_FRAMES_AT));
        // No frames at all, such as the user stack of a kernel thread, is no loss.
        let (none, empty) = (self.f.b.create_block(), self.f.b.iconst(STACK_EMPTY.into()));
        self.f.b.branch(Cond::Sgt, bytes, 0, some, &[], none, &[]);
        self.f.b.switch_to(none);
        let failed = self.f.b.create_block();
        self.f.b.branch(Cond::Eq, bytes, 0, end, &[empty], failed, &[]);
        self.f.b.switch_to(failed);
        self.f.b.branch(Cond::Eq, bytes, -EFAULT, end, &[empty], lost, &[]);
        self.f.b.switch_to(some);
        let hash = self.stack_hash(entry.at(STACK_FRAMES_AT), stack.limit, bytes);
        self.f.b.store(entry.base, entry.off, Size::B8, hash);
        self.keep_stack(stack.limit, (entry, hash, bytes), (end, lost));
        self.f.b.switch_to(lost);
        self.lose(LossKind::Stack);
        let none = self.f.b.iconst(STACK_LOST.into());
        self.f.b.jump(end, &[none]);
        self.f.b.switch_to(end);
        id
    }

    /// A number of the frames and how many there are.
    ///
    /// Memory behind the last frame is zero, so frames are taken eight at a time. Two of them wait for one multiplication.
    fn stack_hash(&mut self, frames: Mem, limit: u8, bytes: Value) -> Value {
        let (done, result) = self.join();
        let mut hash = bytes;
        for at in 0..u32::from(limit) {
            if at % FRAMES_AT_ONCE == 0 && at > 0 {
                let more = self.f.b.create_block();
                self.f.b.branch(Cond::Ule, bytes, i64::from(8 * at), done, &[hash], more, &[]);
                self.f.b.switch_to(more);
            }
            let frame = self.f.b.load(frames.base, frames.off + 8 * at as i32, Size::B8);
            hash = match at % 2 {
                0 => {
                    let sum = self.f.b.add(hash, frame);
                    self.f.b.mul(sum, FACTOR)
                }
                _ => {
                    let product = self.f.b.mul(frame, SECOND_FACTOR);
                    self.f.b.add(hash, product)
                }
            };
        }
        self.f.b.jump(done, &[hash]);
        self.f.b.switch_to(done);
        result
    }

    /// Goes to `end` with the stack's number, and to `lost` if it cannot be kept.
    fn keep_stack(&mut self, limit: u8, (entry, hash, bytes): (Mem, Value, Value), (end, lost): (Block, Block)) {
        let all = self.g.stacks(limit);
        let second = self.f.b.create_block();
        let first = self.f.b.shr(hash, 64 - ID_BITS);
        let mut stack = Numbered { entry, hash, id: first, end, other: second };
        if let Some(map) = self.g.short_stacks(limit) {
            let full = self.g.short_stacks_full(limit);
            stack.id = self.keep_short(stack, bytes, (map, all), full);
        }
        self.keep_in(all, stack, lost);
        self.f.b.switch_to(second);
        let id = self.f.b.and(hash, (1i64 << ID_BITS) - 1);
        self.keep_in(all, Numbered { id, other: lost, ..stack }, lost);
    }

    /// Looks for a short stack in both maps, and adds it to the first if there is room. Goes on if the stack is to be in the second; gives
    /// its number there.
    ///
    /// The number says that the stack is short, not where it is: an update is refused not only for want of room, but also where it
    /// interrupts another one. The stack is then added to the second map, while another CPU may add it to the first, and still is one.
    fn keep_short(&mut self, stack: Numbered, bytes: Value, (apart, all): (MapRef, MapRef), full: u32) -> Value {
        let [short, take, is_full, with_others] = [(); 4].map(|()| self.f.b.create_block());
        let id = self.f.b.append_param(with_others);
        let most = i64::from(stack_size(SHORT_STACK));
        self.f.b.branch(Cond::Ule, bytes, most, short, &[], with_others, &[stack.id]);
        self.f.b.switch_to(short);
        let marked = self.f.b.or(stack.id, i64::from(STACK_IS_SHORT));
        let stack = Numbered { id: marked, ..stack };
        let place = self.find_stack(apart, stack);
        self.find_stack(all, stack);
        let full = self.data(full);
        let was_full = self.f.b.load(full.base, full.off, Size::B8);
        self.f.b.branch(Cond::Ne, was_full, 0, with_others, &[marked], take, &[]);
        self.f.b.switch_to(take);
        let failed = self.add_stack(place, stack);
        // Another CPU was faster, or there is no room.
        self.find_stack(apart, stack);
        // Before Linux 6.4, the upper half of the result is not set.
        let (error, no_room) = (self.f.b.shl(failed, 32), self.f.b.iconst(-E2BIG << 32));
        self.f.b.branch(Cond::Eq, error, no_room, is_full, &[], with_others, &[marked]);
        self.f.b.switch_to(is_full);
        self.f.b.store(full.base, full.off, Size::B8, 1);
        self.f.b.jump(with_others, &[marked]);
        self.f.b.switch_to(with_others);
        id
    }

    /// Finds the stack in a map or adds it; goes to `lost` if that is refused.
    fn keep_in(&mut self, map: MapRef, stack: Numbered, lost: Block) {
        let place = self.find_stack(map, stack);
        self.add_stack(place, stack);
        // Another CPU was faster, or there is no room.
        self.find_stack(map, stack);
        self.f.b.jump(lost, &[]);
    }

    /// Goes to `end` if the stack has its number in a map, to `other` if another one has, and on if none has; gives its place.
    fn find_stack(&mut self, map: MapRef, stack: Numbered) -> Entry {
        let [known, missing] = [(); 2].map(|()| self.f.b.create_block());
        let key = self.word();
        self.f.b.store(key.base, key.off, Size::B4, stack.id);
        let place = Entry { map, key };
        let found = self.lookup(place);
        self.f.b.branch(Cond::Ne, found, 0, known, &[], missing, &[]);
        self.f.b.switch_to(known);
        let kept = self.f.b.load(found, 0, Size::B8);
        self.f.b.branch(Cond::Eq, kept, stack.hash, stack.end, &[stack.id], stack.other, &[]);
        self.f.b.switch_to(missing);
        place
    }

    /// Goes to `end` if the stack could be added, and on with the error if not.
    fn add_stack(&mut self, place: Entry, stack: Numbered) -> Value {
        let refused = self.f.b.create_block();
        let failed = self.update(place, stack.entry, NOEXIST);
        self.f.b.branch(Cond::Eq, failed, 0, stack.end, &[stack.id], refused, &[]);
        self.f.b.switch_to(refused);
        failed
    }

    /// Writes the frames; how many bytes they are, or an error.
    fn take_stack(&mut self, stack: StackType, to: Mem) -> Value {
        if stack.limit < 2 || !self.lacks_caller(stack.user) {
            return self.walk_stack(stack, to);
        }
        let (end, result) = self.join();
        let [unknown, some] = [(); 2].map(|()| self.f.b.create_block());
        let caller = self.return_address(unknown);
        let bytes = self.walk_stack(StackType { limit: stack.limit - 1, ..stack }, to.at(FRAME));
        self.f.b.branch(Cond::Sgt, bytes, 0, some, &[], end, &[bytes]);
        self.f.b.switch_to(some);
        let first = self.f.b.load(to.base, to.off + FRAME as i32, Size::B8);
        self.f.b.store(to.base, to.off, Size::B8, first);
        self.f.b.store(to.base, to.off + FRAME as i32, Size::B8, caller);
        let bytes = self.f.b.add(bytes, i64::from(FRAME));
        self.f.b.jump(end, &[bytes]);
        self.f.b.switch_to(unknown);
        let bytes = self.walk_stack(stack, to);
        self.f.b.jump(end, &[bytes]);
        self.f.b.switch_to(end);
        result
    }

    /// Writes the frames as the kernel walks them.
    fn walk_stack(&mut self, stack: StackType, to: Mem) -> Value {
        let to = self.address(to);
        let size = self.f.b.iconst(stack_size(stack.limit).into());
        let flags = self.stack_flags(stack);
        let flags = self.f.b.iconst(flags);
        self.f.b.call(helper::GET_STACK, &[self.f.ctx, to, size, flags])
    }

    /// Whether the kernel's stacks leave out who called the function at whose entry the program runs.
    pub fn lacks_caller(&self, user: bool) -> bool {
        user && self.unit.lacks_caller && self.unit.context == Context::Registers
    }

    /// Where the function returns to at whose entry the program runs; goes to `unknown` if that cannot be told.
    pub fn return_address(&mut self, unknown: Block) -> Value {
        let arch = self.g.target.arch;
        let register = arch.link.unwrap_or(arch.stack_pointer);
        let mut address = self.f.b.load_with(self.f.ctx, register.into(), Size::B8, false, true);
        if arch.link.is_none() {
            let word = self.word();
            let (to, len) = (self.address(word), self.f.b.iconst(FRAME.into()));
            let failed = self.read_bytes(Space::User, to, len, address);
            self.f.b.branch_away(Cond::Ne, failed, 0, unknown);
            address = self.f.b.load(word.base, word.off, Size::B8);
            address = self.as_word_of_program(address);
        }
        self.f.b.branch_away(Cond::Eq, address, 0, unknown);
        address
    }

    /// What a program of 32 bits takes eight bytes of memory for.
    fn as_word_of_program(&mut self, word: Value) -> Value {
        let Some(compat) = &self.g.target.arch.compat else { return word };
        let register = self.f.b.load_with(self.f.ctx, compat.register.into(), Size::B8, false, true);
        let found = self.f.b.and(register, i64::from(compat.mask));
        let short = self.f.b.ext(word, Size::B4, false);
        self.f.b.select(Cond::Eq, found, i64::from(compat.value), short, word)
    }

    /// How many frames the stack has, up to its limit; 0 for a stack that cannot be taken.
    pub fn frames(&mut self, stack: StackType) -> Value {
        if self.is_bare(stack) {
            return self.f.b.iconst(0);
        }
        let mark = self.mark();
        let place = self.stack_room(stack_size(stack.limit));
        let bytes = self.take_stack(stack, place);
        self.release(mark);
        let none = self.f.b.iconst(0);
        let bytes = self.f.b.select(Cond::Slt, bytes, 0, none, bytes);
        self.f.b.shr(bytes, 3)
    }

    /// How many frames a stack has that is kept; 0 for one that is not.
    pub fn frames_of(&mut self, stack: StackType, kept: Value) -> Value {
        if self.is_bare(stack) {
            return self.f.b.iconst(0);
        }
        let mark = self.mark();
        let (end, number) = self.join();
        let key = self.word();
        self.f.b.store(key.base, key.off, Size::B4, kept);
        let apart = self.g.short_stacks(stack.limit).map(|map| (map, stack.limit.min(SHORT_STACK)));
        for (map, limit) in apart.into_iter().chain([(self.g.stacks(stack.limit), stack.limit)]) {
            let [there, missing] = [(); 2].map(|()| self.f.b.create_block());
            let entry = self.lookup(Entry { map, key });
            self.f.b.branch(Cond::Ne, entry, 0, there, &[], missing, &[]);
            self.f.b.switch_to(there);
            self.count_frames(entry, limit, end);
            self.f.b.switch_to(missing);
        }
        let none = self.f.b.iconst(0);
        self.f.b.jump(end, &[none]);
        self.f.b.switch_to(end);
        self.release(mark);
        number
    }

    /// Goes to `end` with the number of frames in an entry: behind the last one is zero.
    fn count_frames(&mut self, entry: Value, limit: u8, end: Block) {
        for at in 0..u32::from(limit) {
            let frame = self.f.b.load(entry, (STACK_FRAMES_AT + FRAME * at) as i32, Size::B8);
            let (more, number) = (self.f.b.create_block(), self.f.b.iconst(at.into()));
            self.f.b.branch(Cond::Eq, frame, 0, end, &[number], more, &[]);
            self.f.b.switch_to(more);
        }
        let number = self.f.b.iconst(limit.into());
        self.f.b.jump(end, &[number]);
    }

    /// A stack of no frames: D's BEGIN and END have no kernel stack but the tracer's own.
    pub fn is_bare(&self, stack: StackType) -> bool {
        stack.limit == 0 || !stack.user && stack.mode == StackMode::Dtrace && self.unit.context == Context::Run
    }

    /// Whose stack, and how many frames are left out: those of the program, whose name is another one in each trace, and of what called it.
    pub fn stack_flags(&self, stack: StackType) -> i64 {
        if stack.user {
            return USER_STACK;
        }
        let has_own = matches!(
            self.unit.context,
            Context::RawTracepoint(_) | Context::BtfTracepoint | Context::Syscalls { .. } | Context::Function { .. }
        );
        if !has_own {
            return 0;
        }
        let target = self.g.target;
        let has_another = target.syscall_events_have_frame && self.is_at_syscalls();
        OWN_FRAMES + i64::from(self.f.frames) + i64::from(target.programs_come_twice) + i64::from(has_another)
    }

    /// Whether it runs at the kernel's events of all system calls.
    fn is_at_syscalls(&self) -> bool {
        let is_raw = |site: &Site| match site {
            Site::Tracepoint { category, .. } => category == "raw_syscalls",
            Site::RawTracepoint { event, .. } => event == "sys_enter" || event == "sys_exit",
            _ => false,
        };
        matches!(self.unit.context, Context::Syscalls { .. }) || self.are_all_sites(is_raw)
    }

    fn are_all_sites(&self, such: impl Fn(&Site) -> bool) -> bool {
        let point = |id: &PointId| self.g.program.points.get(id.0 as usize);
        self.unit.points.iter().all(|id| point(id).is_some_and(|point| such(&point.site)))
    }

    fn with_process(&mut self, id: Value) -> Value {
        let process = self.process_id();
        let upper = self.f.b.shl(process, 32);
        self.f.b.or(upper, id)
    }
}

impl Globals<'_> {
    /// The map of stack traces of at most `limit` frames: the hash of a stack, then its frames.
    pub fn stacks(&mut self, limit: u8) -> MapRef {
        let (role, target) = (MapRole::Stacks { limit }, self.target);
        let flags = if target.no_prealloc { flags::NO_PREALLOC } else { 0 };
        self.lazy(role, || stack_map(role, limit, target.stack_keys.max(1), flags))
    }

    /// The map of the first short ones of these stacks, if they are kept apart.
    pub fn short_stacks(&mut self, limit: u8) -> Option<MapRef> {
        let (role, max_entries) = (MapRole::ShortStacks { limit }, self.target.short_stacks);
        let is_there = self.has_map(role);
        if max_entries == 0 || !is_there && self.budget.limits == 0 {
            return None;
        }
        self.budget.limits -= u32::from(!is_there);
        Some(self.lazy(role, || stack_map(role, limit.min(SHORT_STACK), max_entries, 0)))
    }
}

/// A map of stacks of at most `limit` frames, by their numbers.
fn stack_map(role: MapRole, limit: u8, max_entries: u32, flags: u32) -> MapDef {
    let value_size = STACK_FRAMES_AT + stack_size(limit);
    MapDef { role, kind: MapKind::Hash as u32, key_size: 4, value_size, max_entries, flags }
}

/// Bytes of so many frames.
fn stack_size(limit: u8) -> u32 {
    FRAME * u32::from(limit)
}
