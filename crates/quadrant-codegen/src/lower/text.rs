//! Text: reading it from memory, padding, measuring.
//!
//! A stored text is padded with zeros to its cap, rounded up to 8 bytes. A text of cap `n` has at most `n - 1` bytes and a NUL.

use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::layout;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// What is kept of a text that could not be read.
const UNREADABLE: &[u8; 8] = b"<fault>\0";

/// Text at an address.
#[derive(Clone, Copy)]
pub(super) struct TextSource {
    /// Where.
    pub space: Space,
    /// The address.
    pub addr: Value,
    /// At most so many bytes are wanted, the NUL not counted; more is then no cut.
    pub limit: Option<Operand>,
}

impl Lower<'_, '_> {
    /// The source of a text that is read from memory that the program does not own; `None` for other texts.
    pub fn read_source(&mut self, e: &Expr) -> Result<Option<TextSource>> {
        match &e.kind {
            ExprKind::Call(Function::Str(space), args) => self.str_source(*space, args).map(Some),
            ExprKind::Deref { addr, space } => self.text_source(addr, *space).map(Some),
            ExprKind::Builtin(Builtin::PointText(part)) if self.known_point_text(*part).is_none() => {
                self.point_text(*part).map(Some)
            }
            ExprKind::Cast(inner) => match (&inner.kind, &inner.ty) {
                (ExprKind::Deref { addr, space }, Type::Array { .. } | Type::Record(_)) => {
                    self.array_text(addr, *space, &inner.ty).map(Some)
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// What `str` reads.
    pub fn str_source(&mut self, space: Space, args: &[Expr]) -> Result<TextSource> {
        let (addr, limit) = match args {
            [addr] => (addr, None),
            [addr, limit] => (addr, Some(limit)),
            _ => return Err(self.model_error("str() with a wrong number of arguments")),
        };
        // `str` of something that already is in memory of the program.
        if !addr.ty.is_scalar() {
            let mem = self.memory(addr)?;
            let limit = self.limit(limit)?;
            let addr = self.address(mem);
            return Ok(TextSource { space: Space::Program, addr, limit });
        }
        let (space, addr) = self.memory_source(addr, space)?;
        self.check_near_arena(space, addr, 1)?;
        let limit = self.limit(limit)?;
        Ok(TextSource { space, addr, limit })
    }

    /// A length that counts the NUL, as one that does not.
    fn limit(&mut self, length: Option<&Expr>) -> Result<Option<Operand>> {
        let Some(length) = length else { return Ok(None) };
        Ok(Some(match self.operand(length)? {
            Operand::Imm(length) => Operand::Imm(length.saturating_sub(1)),
            Operand::Value(length) => {
                let less = self.f.b.sub(length, 1);
                Operand::Value(self.f.b.select(Cond::Eq, length, 0, length, less))
            }
        }))
    }

    /// Text in C memory.
    pub fn text_source(&mut self, addr: &Expr, space: Space) -> Result<TextSource> {
        let (space, addr) = self.memory_source(addr, space)?;
        Ok(TextSource { space, addr, limit: None })
    }

    /// A C array of characters, which need not end with a NUL.
    fn array_text(&mut self, addr: &Expr, space: Space, ty: &Type) -> Result<TextSource> {
        let (space, addr) = self.memory_source(addr, space)?;
        Ok(TextSource { space, addr, limit: Some(Operand::Imm(ty.c_size().unwrap_or(0).into())) })
    }

    /// Reads text and pads it. `to` has room for one byte beyond the rounded cap.
    pub fn read_padded(&mut self, from: TextSource, cap: u32, to: Mem) -> Result<()> {
        self.read_padded_or(from, cap, to, None)
    }

    /// Reads text and pads it; one that is longer is cut, or left to be read again at `too_long`.
    pub fn read_padded_or(&mut self, from: TextSource, cap: u32, to: Mem, too_long: Option<Block>) -> Result<()> {
        let (end, fault) = (self.f.b.create_block(), self.f.b.create_block());
        self.zero(to, layout::round_up(cap));
        let dst = self.address(to);
        let (got, may_be_cut) = self.read_text(from, cap, dst)?;
        self.f.b.branch_away(Cond::Slt, got, 0, fault);
        if let (true, Some(too_long)) = (may_be_cut, too_long) {
            self.f.b.branch_away(Cond::Ugt, got, i64::from(cap), too_long);
        } else if may_be_cut {
            let cut = self.f.b.create_block();
            self.f.b.branch(Cond::Ugt, got, i64::from(cap), cut, &[], end, &[]);
            self.f.b.switch_to(cut);
            self.lose(LossKind::Cut);
            self.f.b.store(to.base, to.off + cap as i32 - 1, Size::B1, 0);
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(fault);
        self.bad_address(from.space, from.addr);
        if self.f.fault.is_none() {
            self.store_fault(from, cap, to, end);
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Text that could not be read does not look like an empty one where it is kept. Behind a null pointer there is no text:
    /// scripts compare that with `""`.
    fn store_fault(&mut self, from: TextSource, cap: u32, to: Mem, end: Block) {
        if cap as usize >= UNREADABLE.len() && matches!(from.space, Space::Kernel | Space::User | Space::Any) {
            let some = self.f.b.create_block();
            self.f.b.branch(Cond::Eq, from.addr, 0, end, &[], some, &[]);
            self.f.b.switch_to(some);
            self.write(to, UNREADABLE);
        }
    }

    /// Reads text to an address with room for `cap + 1` bytes. Gives the number of bytes with the NUL, above `cap` when the text
    /// was longer, negative when it could not be read; and whether it can be above `cap` at all. For an empty text it can be 0:
    /// kernels before 6.13 do not count the NUL then.
    pub fn read_text(&mut self, from: TextSource, cap: u32, to: Value) -> Result<(Value, bool)> {
        let whole = i64::from(cap) + 1;
        let (size, may_be_cut) = match from.limit {
            None => (Operand::Imm(whole), true),
            Some(Operand::Imm(limit)) => {
                let limit = limit.clamp(0, i64::from(cap));
                (Operand::Imm(limit + 1), limit == i64::from(cap))
            }
            Some(Operand::Value(limit)) => (Operand::Value(self.bounded_size(limit, cap)), true),
        };
        let size = self.f.b.operand_value(size);
        Ok((self.read_string(from.space, to, size, from.addr, cap), may_be_cut))
    }

    /// `min(limit, cap) + 1`.
    fn bounded_size(&mut self, limit: Value, cap: u32) -> Value {
        let most = self.f.b.iconst(cap.into());
        let size = self.f.b.select(Cond::Ugt, limit, i64::from(cap), most, limit);
        self.f.b.add(size, 1)
    }

    /// Stores a text with another cap than its own, padded.
    pub fn store_text(&mut self, e: &Expr, cap: u32, to: Mem) -> Result<()> {
        let outer = self.span;
        self.at(e.span);
        let stored = self.store_text_kind(e, cap, to);
        self.at(outer);
        stored
    }

    fn store_text_kind(&mut self, e: &Expr, cap: u32, to: Mem) -> Result<()> {
        if let ExprKind::Str(text) = &e.kind {
            let mut bytes: Vec<u8> = text.iter().copied().take(cap.saturating_sub(1) as usize).collect();
            bytes.resize(layout::round_up(cap) as usize, 0);
            self.write(to, &bytes);
            return Ok(());
        }
        if let ExprKind::Builtin(Builtin::PointText(part)) = e.kind {
            return self.store_point_text(part, cap, to);
        }
        if let (ExprKind::Builtin(Builtin::Comm), true) = (&e.kind, cap >= 16) {
            self.zero(to.at(16), layout::round_up(cap) - 16);
            return self.store(e, to);
        }
        if let Some(mut source) = self.read_source(e)? {
            // What its own cap would have cut is cut, and no more than that is wanted.
            if let (Type::String { cap: own }, None) = (&e.ty, source.limit)
                && *own < cap
            {
                source.limit = Some(Operand::Imm(i64::from(*own) - 1));
            }
            return self.read_padded(source, cap, to);
        }
        let from = self.memory(e)?;
        self.convert(from, &e.ty, to, &Type::String { cap })
    }

    /// Copies a stored value to a place of a type with other caps.
    pub fn convert(&mut self, from: Mem, own: &Type, to: Mem, ty: &Type) -> Result<()> {
        match (own, ty) {
            (Type::String { cap: a }, Type::String { cap: b }) if a < b => {
                let (short, long) = (layout::round_up(*a), layout::round_up(*b));
                self.copy(to, from, short);
                self.zero(to.at(short), long - short);
            }
            (Type::String { cap: a }, Type::String { cap: b }) if a > b => {
                // Cutting to a smaller cap was asked for.
                let addr = self.address(from);
                let limit = Some(Operand::Imm(i64::from(*b) - 1));
                self.read_padded(TextSource { space: Space::Program, addr, limit }, *b, to)?;
            }
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
                let (mut read, mut write) = (0, 0);
                for (own, ty) in a.iter().zip(b.iter()) {
                    self.convert(from.at(read), own, to.at(write), ty)?;
                    read += layout::size(own);
                    write += layout::size(ty);
                }
            }
            _ if super::expr::layout_equal(own, ty) => self.copy(to, from, layout::size(ty)),
            (Type::Array { .. } | Type::Record(_), Type::Array { .. } | Type::Record(_)) => {
                self.resize(from, own, to, ty)
            }
            (Type::Buffer { cap: a }, Type::Buffer { cap: b }) if a < b => {
                self.copy(to, from, layout::size(own));
                self.zero(to.at(layout::size(own)), layout::size(ty) - layout::size(own));
            }
            _ => return Err(self.model_error(format_args!("a {own:?} stored as {ty:?}"))),
        }
        Ok(())
    }

    /// Stores two texts, one after the other.
    pub fn store_joined(&mut self, args: &[Expr], cap: u32, to: Mem) -> Result<()> {
        let [first, second] = args else { return Err(self.model_error("str_concat() takes two texts")) };
        let (Type::String { cap: a }, Type::String { cap: b }) = (&first.ty, &second.ty) else {
            return Err(self.model_error("str_concat() of what is no text"));
        };
        let mark = self.mark();
        // In scratch memory a program may use an index that the verifier only knows to be bounded.
        let room = layout::round_up(cap.max(a + b) + 8);
        let place = self.alloc_scratch(room);
        self.zero(place, room);
        let start = self.address(place);
        let len = self.read_measured(first, *a, start)?;
        let rest = self.f.b.add(start, len);
        let more = self.read_measured(second, *b, rest)?;
        if a + b > cap + 1 {
            let whole = self.f.b.add(len, more);
            self.lose_if(LossKind::Cut, Cond::Uge, whole, i64::from(cap));
        }
        // A text that was cut has no NUL at its end.
        self.f.b.store(place.base, place.off + cap as i32 - 1, Size::B1, 0);
        self.copy(to, place, layout::round_up(cap));
        self.release(mark);
        Ok(())
    }

    /// Reads a text to an address with room for `cap + 1` bytes, and gives its length.
    pub fn read_measured(&mut self, text: &Expr, cap: u32, to: Value) -> Result<Value> {
        let source = match self.read_source(text)? {
            Some(source) => source,
            None => {
                let mem = self.memory(text)?;
                TextSource { space: Space::Program, addr: self.address(mem), limit: None }
            }
        };
        let (got, may_be_cut) = self.read_text(source, cap, to)?;
        Ok(self.text_length(got, may_be_cut, cap, source))
    }

    /// Length of a text, without the NUL.
    pub fn strlen(&mut self, e: &Expr) -> Result<Value> {
        let Type::String { cap } = e.ty else { return Err(self.model_error("strlen() of what is no text")) };
        if let ExprKind::Str(text) = &e.kind {
            let len = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            return Ok(self.f.b.iconst(len as i64));
        }
        let mark = self.mark();
        let source = match self.read_source(e)? {
            Some(source) => source,
            None => {
                let mem = self.memory(e)?;
                TextSource { space: Space::Program, addr: self.address(mem), limit: None }
            }
        };
        let copy = self.alloc_bytes(cap + 1);
        let to = self.address(copy);
        let (got, may_be_cut) = self.read_text(source, cap, to)?;
        let len = self.text_length(got, may_be_cut, cap, source);
        self.release(mark);
        Ok(len)
    }

    /// The length of a text that was read, and losses counted.
    fn text_length(&mut self, got: Value, may_be_cut: bool, cap: u32, from: TextSource) -> Value {
        let (end, len) = self.join();
        let [fault, cut, some] = [(); 3].map(|()| self.f.b.create_block());
        self.f.b.branch_away(Cond::Slt, got, 0, fault);
        if may_be_cut {
            self.f.b.branch_away(Cond::Ugt, got, i64::from(cap), cut);
        }
        let none = self.f.b.iconst(0);
        // Not "is it 0": before Linux 6.8 the verifier learns no bound from that, and would let the length below be -1.
        self.f.b.branch(Cond::Sgt, got, 0, some, &[], end, &[none]);
        self.f.b.switch_to(some);
        let whole = self.f.b.sub(got, 1);
        self.f.b.jump(end, &[whole]);
        self.f.b.switch_to(fault);
        self.bad_address(from.space, from.addr);
        let none = self.f.b.iconst(0);
        self.f.b.jump(end, &[none]);
        if self.f.b.is_reachable(cut) {
            self.f.b.switch_to(cut);
            self.lose(LossKind::Cut);
            let len = self.f.b.iconst(i64::from(cap) - 1);
            self.f.b.jump(end, &[len]);
        }
        self.f.b.switch_to(end);
        len
    }
}
