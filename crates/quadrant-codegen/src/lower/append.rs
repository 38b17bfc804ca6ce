//! Texts and buffers at the end of a record, each with exactly its bytes.

use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::record::CUT;
use quadrant_program::record::FAULT;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::record::Tail;
use super::text::TextSource;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Most strings of `join`.
const JOIN_STRINGS: u32 = 32;

impl Lower<'_, '_> {
    /// Adds a text or buffer; `reference` is its fixed part.
    pub fn append(&mut self, arg: &Expr, ty: &Type, reference: Mem, tail: &mut Tail) -> Result<()> {
        let outer = self.span;
        self.at(arg.span);
        let start = self.f.b.and(tail.end, i64::from(tail.mask));
        self.f.b.store(reference.base, reference.off, Size::B4, start);
        let base = self.address(tail.record);
        let to = self.f.b.add(base, start);
        let to = Mem { base: to, off: 0 };
        match (&arg.kind, ty) {
            (ExprKind::Str(text), _) => {
                self.write(to, text);
                self.known(reference, text.len() as u32, tail);
            }
            (ExprKind::Builtin(Builtin::Comm), _) => {
                self.send_comm(to);
                self.known(reference, 16, tail);
            }
            (_, Type::Buffer { cap }) => {
                self.append_buffer(arg, *cap, to.base, reference.at(4))?;
                self.grow(reference.at(4), *cap, tail);
            }
            (_, Type::String { cap }) => {
                self.append_text(arg, *cap, to.base, reference.at(4))?;
                self.grow(reference.at(4), *cap, tail);
            }
            (_, ty) => return Err(self.model_error(format_args!("a {ty:?} as a text"))),
        }
        self.at(outer);
        Ok(())
    }

    /// Moves the end by a length that is known.
    fn known(&mut self, reference: Mem, len: u32, tail: &mut Tail) {
        self.f.b.store(reference.base, reference.off + 4, Size::B4, i64::from(len));
        tail.end = self.f.b.add(tail.end, i64::from(len));
    }

    /// Moves the end by the length that was stored. It went through memory so that the verifier forgets by which way.
    fn grow(&mut self, length: Mem, cap: u32, tail: &mut Tail) {
        let word = self.f.b.load(length.base, length.off, Size::B4);
        let len = self.f.b.and(word, i64::from((cap + 1).next_power_of_two()) - 1);
        tail.end = self.f.b.add(tail.end, len);
    }

    fn append_text(&mut self, arg: &Expr, cap: u32, to: Value, length: Mem) -> Result<()> {
        match &arg.kind {
            ExprKind::Call(Function::JoinArgs(space), args) => self.append_strings(*space, args, cap, to, length),
            _ => {
                let source = match self.read_source(arg)? {
                    Some(source) => source,
                    None => self.own_text(arg)?,
                };
                self.append_read(source, cap, to, length)
            }
        }
    }

    /// Text in memory of the program: it never is too long.
    pub fn own_text(&mut self, arg: &Expr) -> Result<TextSource> {
        let mem = self.memory(arg)?;
        Ok(TextSource { space: Space::Program, addr: self.address(mem), limit: None })
    }

    fn append_read(&mut self, source: TextSource, cap: u32, to: Value, length: Mem) -> Result<()> {
        let (got, may_be_cut) = self.read_text(source, cap, to)?;
        let [end, fault, cut] = [(); 3].map(|()| self.f.b.create_block());
        self.f.b.branch_away(Cond::Slt, got, 0, fault);
        if may_be_cut {
            self.f.b.branch_away(Cond::Ugt, got, i64::from(cap), cut);
        }
        self.f.b.store(length.base, length.off, Size::B4, 0);
        self.f.b.branch_away(Cond::Eq, got, 0, end);
        let len = self.f.b.sub(got, 1);
        self.f.b.store(length.base, length.off, Size::B4, len);
        self.f.b.jump(end, &[]);
        self.mark_fault(fault, (source.space, source.addr), length, end);
        self.mark_loss(cut, LossKind::Cut, (cap - 1) | CUT, length, end);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// The way on which something was lost: counts it and stores the length word that says so.
    fn mark_loss(&mut self, block: Block, kind: LossKind, word: u32, length: Mem, end: Block) {
        if self.f.b.is_reachable(block) {
            self.f.b.switch_to(block);
            self.lose(kind);
            self.f.b.store(length.base, length.off, Size::B4, i64::from(word));
            self.f.b.jump(end, &[]);
        }
    }

    /// The way on which reading failed.
    fn mark_fault(&mut self, block: Block, (space, from): (Space, Value), length: Mem, end: Block) {
        match self.f.fault {
            None => self.mark_loss(block, LossKind::Read, FAULT, length, end),
            Some(_) => {
                self.f.b.switch_to(block);
                self.bad_address(space, from);
            }
        }
    }

    fn append_buffer(&mut self, arg: &Expr, cap: u32, to: Value, length: Mem) -> Result<()> {
        let (space, from, wanted) = match &arg.kind {
            ExprKind::Call(Function::Buf(space), args) => self.buffer_source(*space, args)?,
            ExprKind::Call(Function::JoinArgs(space), args) => {
                return self.append_strings(*space, args, cap, to, length);
            }
            _ => {
                let mem = self.memory(arg)?;
                let wanted = self.f.b.load(mem.base, mem.off, Size::B8);
                (Space::Program, self.address(mem.at(8)), wanted)
            }
        };
        let (size, is_cut) = self.bounded_length(wanted, cap);
        self.f.b.store(length.base, length.off, Size::B4, size);
        let failed = self.read_bytes(space, to, size, from);
        let [end, fault, cut] = [(); 3].map(|()| self.f.b.create_block());
        self.f.b.branch_away(Cond::Ne, failed, 0, fault);
        if is_cut {
            self.f.b.branch_away(Cond::Ugt, wanted, i64::from(cap), cut);
        }
        self.f.b.jump(end, &[]);
        self.mark_fault(fault, (space, from), length, end);
        self.mark_loss(cut, LossKind::Cut, cap | CUT, length, end);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Where `buf` reads from and how many bytes.
    pub fn buffer_source(&mut self, space: Space, args: &[Expr]) -> Result<(Space, Value, Value)> {
        let [addr, len] = args else { return Err(self.model_error("buf() with a wrong number of arguments")) };
        if addr.ty.is_scalar() {
            let (space, from) = self.memory_source(addr, space)?;
            return Ok((space, from, self.scalar(len)?));
        }
        // An array or a record: what is at its address, or a copy of it.
        if let ExprKind::Deref { addr, space } = &addr.kind {
            let (space, from) = self.memory_source(addr, *space)?;
            return Ok((space, from, self.scalar(len)?));
        }
        let mem = self.memory(addr)?;
        let from = self.address(mem);
        Ok((Space::Program, from, self.scalar(len)?))
    }

    /// The smaller of a length and a cap, and whether the length can be greater.
    pub fn bounded_length(&mut self, wanted: Value, cap: u32) -> (Value, bool) {
        if let Some(len) = self.f.b.as_const(wanted) {
            let bounded = self.f.b.iconst(len.clamp(0, cap.into()));
            return (bounded, len as u64 > cap.into());
        }
        let most = self.f.b.iconst(cap.into());
        (self.f.b.select(Cond::Ugt, wanted, i64::from(cap), most, wanted), true)
    }

    /// The strings of an array of pointers, each with its NUL, as far as they fit.
    fn append_strings(&mut self, space: Space, args: &[Expr], cap: u32, to: Value, length: Mem) -> Result<()> {
        let [array] = args else { return Err(self.model_error("join() with a wrong number of arguments")) };
        let array = self.scalar(array)?;
        self.f.b.store(length.base, length.off, Size::B4, 0);
        let [end, fault, cut] = [(); 3].map(|()| self.f.b.create_block());
        let mask = i64::from(join_span(cap)) - 1;
        let most = self.f.b.iconst(cap.into());
        for index in 0..JOIN_STRINGS {
            let place = self.f.b.add(array, 8 * i64::from(index));
            let string = self.probe_number(space, place, Size::B8, false);
            self.f.b.branch_away(Cond::Eq, string, 0, end);
            // Through memory, so that the verifier forgets how it came about.
            let word = self.f.b.load(length.base, length.off, Size::B4);
            let used = self.f.b.and(word, mask);
            let room = self.f.b.sub(most, used);
            let room = self.f.b.and(room, mask);
            let dst = self.f.b.add(to, used);
            let got = self.read_string(space, dst, room, string, cap);
            self.f.b.branch_away(Cond::Slt, got, 0, fault);
            // Of an empty text older kernels do not count the NUL.
            let one = self.f.b.iconst(1);
            let counted = self.f.b.select(Cond::Eq, got, 0, one, got);
            let now = self.f.b.add(used, counted);
            self.f.b.branch_away(Cond::Uge, now, i64::from(cap), cut);
            self.f.b.store(length.base, length.off, Size::B4, now);
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(fault);
        self.bad_address(space, array);
        self.f.b.jump(end, &[]);
        self.mark_loss(cut, LossKind::Cut, cap | CUT, length, end);
        self.f.b.switch_to(end);
        Ok(())
    }
}

/// The power of two that offsets and lengths in the strings of `join` stay below.
pub(super) fn join_span(cap: u32) -> u32 {
    (cap + 1).next_power_of_two()
}
