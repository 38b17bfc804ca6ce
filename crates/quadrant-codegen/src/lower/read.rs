//! Memory at an address: of the kernel, the process, the context, or the program itself.

use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::program::Fault;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::fault::BAD_ADDRESS;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::Context;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Addresses within a context are at most this far from its start (`PERF_MAX_TRACE_SIZE` of the kernel, less one).
const CONTEXT_MASK: i64 = 0x1fff;

impl Lower<'_, '_> {
    /// The scalar of type `ty` at an address.
    pub fn read_scalar(&mut self, addr: &Expr, space: Space, ty: &Type) -> Result<Value> {
        let size = ty.c_size().map_or(Some(Size::B8), Size::from_bytes);
        let size = size.ok_or_else(|| self.model_error(format_args!("a {ty:?} read as a number")))?;
        self.read_number(addr, space, size, ty.is_signed())
    }

    /// A number at an address.
    pub fn read_number(&mut self, addr: &Expr, space: Space, size: Size, signed: bool) -> Result<Value> {
        match space {
            Space::Context => {
                if let Some(off) = context_offset(addr) {
                    return self.context_number(off, size, signed);
                }
            }
            Space::Program => {
                if let Some(mem) = self.program_place(addr, size.bytes())? {
                    return Ok(self.f.b.load_with(mem.base, mem.off, size, signed, false));
                }
            }
            Space::Kernel | Space::User | Space::Any => {}
        }
        let from = self.source(addr, space)?;
        self.check_near_arena(space, from, size.bytes())?;
        Ok(self.probe_number(space, from, size, signed))
    }

    /// A number at an address that may be bad; then it is 0.
    pub fn probe_number(&mut self, space: Space, from: Value, size: Size, signed: bool) -> Value {
        let word = self.word();
        self.probe(space, word, size.bytes(), from);
        self.f.b.load_with(word.base, word.off, size, signed, false)
    }

    /// Copies `len` bytes from an address that may be bad; then they are zeros, and it is counted, or the clause ends.
    pub fn probe(&mut self, space: Space, to: Mem, len: u32, from: Value) {
        let to = self.address(to);
        let len = self.f.b.iconst(len.into());
        let failed = self.read_bytes(space, to, len, from);
        let from = self.faulty(space, from);
        self.fault_if(BAD_ADDRESS, Cond::Ne, failed, 0, from);
    }

    /// The address as the read helpers take it: pointers of the verifier with bounded offsets.
    pub fn source(&mut self, addr: &Expr, space: Space) -> Result<Value> {
        let (root, off) = split(addr);
        let ExprKind::Binary(BinaryOp::Add, base, index) = &root.kind else {
            return self.scalar(addr);
        };
        match space {
            // The kernel lets nothing be added to the context's address that it knows no bounds of.
            Space::Context | Space::Kernel if context_offset(base).is_some() => {
                let base = self.scalar(base)?;
                let index = self.scalar(index)?;
                let bounded = self.f.b.and(index, CONTEXT_MASK);
                let place = self.f.b.add(base, bounded);
                Ok(self.f.b.add(place, off))
            }
            Space::Program => self.indexed(base, index, off),
            Space::Kernel | Space::Any if self.has_typed_pointers() => {
                let base = self.scalar(base)?;
                let base = self.forget_pointer(base);
                let index = self.operand(index)?;
                let place = self.f.b.add(base, index);
                Ok(self.f.b.add(place, off))
            }
            _ => self.scalar(addr),
        }
    }

    /// Whether the kernel knows the types of the context's pointers, and lets nothing be added to them that it knows no bounds of.
    fn has_typed_pointers(&self) -> bool {
        matches!(self.unit.context, Context::BtfTracepoint | Context::Function { .. } | Context::Iter { .. })
    }

    /// An element of memory that the program owns: address 0, which cannot be read, when the index is outside.
    fn indexed(&mut self, base: &Expr, index: &Expr, off: i64) -> Result<Value> {
        let (root, first) = split(base);
        let ExprKind::AddrOf(inner) = &root.kind else {
            // An address that came from elsewhere is a plain number to the verifier.
            let base = self.scalar(base)?;
            let index = self.operand(index)?;
            let place = self.f.b.add(base, index);
            return Ok(self.f.b.add(place, off));
        };
        let mem = self.memory(inner)?;
        let size = i64::from(layout::size(&inner.ty));
        let index = self.scalar(index)?;
        let at = self.f.b.add(index, first.wrapping_add(off));
        let (end, result) = self.join();
        let inside = self.f.b.create_block();
        if self.f.fault.is_some() {
            self.fault_if((Fault::BadIndex, LossKind::Read), Cond::Uge, at, size, at);
        }
        let null = self.f.b.iconst(0);
        self.f.b.branch(Cond::Uge, at, size, end, &[null], inside, &[]);
        self.f.b.switch_to(inside);
        let bounded = self.f.b.and(at, size.max(1).cast_unsigned().next_power_of_two() as i64 - 1);
        let start = self.address(mem);
        let place = self.f.b.add(start, bounded);
        self.f.b.jump(end, &[place]);
        self.f.b.switch_to(end);
        Ok(result)
    }

    /// The place of `len` bytes in memory that the program owns, at an index that is known only when it runs; a fault when they are not
    /// wholly in it.
    pub fn program_element(&mut self, addr: &Expr, len: u32) -> Result<Mem> {
        let (root, off) = split(addr);
        let ExprKind::Binary(BinaryOp::Add, base, index) = &root.kind else {
            return Err(self.model_error("a member outside its variable"));
        };
        let (owner, first) = split(base);
        let ExprKind::AddrOf(inner) = &owner.kind else {
            return Err(self.model_error("an element of what is no variable"));
        };
        let mem = self.memory(inner)?;
        let size = i64::from(layout::size(&inner.ty));
        let index = self.scalar(index)?;
        let at = self.f.b.add(index, first.wrapping_add(off));
        self.abort_if(Fault::BadIndex, Cond::Ugt, at, size - i64::from(len), at)?;
        let bounded = self.f.b.and(at, size.max(1).cast_unsigned().next_power_of_two() as i64 - 1);
        let start = self.address(mem);
        Ok(Mem { base: self.f.b.add(start, bounded), off: 0 })
    }

    /// The place of `len` bytes in memory that the program owns, when it is known now.
    pub fn program_place(&mut self, addr: &Expr, len: u32) -> Result<Option<Mem>> {
        let (root, off) = split(addr);
        let ExprKind::AddrOf(inner) = &root.kind else { return Ok(None) };
        if matches!(inner.kind, ExprKind::Deref { .. })
            || off < 0
            || off + i64::from(len) > layout::size(&inner.ty).into()
        {
            return Ok(None);
        }
        let mem = self.memory(inner)?;
        Ok(Some(mem.at(off as u32)))
    }

    /// Stores what C does not have, which only memory of the program itself can hold.
    fn store_own(&mut self, addr: &Expr, space: Space, ty: &Type, to: Mem) -> Result<()> {
        let len = layout::size(ty);
        if space == Space::Program
            && let Some(mem) = self.program_place(addr, len)?
        {
            self.copy(to, mem, len);
            return Ok(());
        }
        Err(self.model_error(format_args!("a {ty:?} at an address")))
    }

    /// Stores what is at an address.
    pub fn store_deref(&mut self, addr: &Expr, space: Space, ty: &Type, to: Mem) -> Result<()> {
        if let Type::String { cap } = ty {
            let from = self.text_source(addr, space)?;
            return self.read_padded(from, *cap, to);
        }
        let Some(len) = ty.c_size() else {
            return self.store_own(addr, space, ty, to);
        };
        if space == Space::Program
            && let Some(mem) = self.program_place(addr, len)?
        {
            self.copy(to, mem, len);
        } else {
            let from = self.memory_source(addr, space)?;
            self.check_near_arena(from.0, from.1, len)?;
            self.probe(from.0, to, len, from.1);
        }
        self.zero(to.at(len), layout::round_up(len) - len);
        Ok(())
    }

    /// Space and address of bytes, for the read helpers.
    pub fn memory_source(&mut self, addr: &Expr, space: Space) -> Result<(Space, Value)> {
        if space == Space::Context && !self.context_is_record() {
            return Err(self
                .error("this field cannot be read here as a whole")
                .help("the probe's record is not built for this attachment; read its numbers one by one"));
        }
        let from = self.source(addr, space)?;
        Ok((space, from))
    }
}

/// An address as a root and a constant distance.
pub(super) fn split(addr: &Expr) -> (&Expr, i64) {
    let (mut root, mut off) = (addr, 0i64);
    loop {
        match &root.kind {
            ExprKind::Binary(BinaryOp::Add, base, by) => match by.kind {
                ExprKind::Int(by) => (root, off) = (base, off.wrapping_add(by)),
                _ => return (root, off),
            },
            ExprKind::Binary(BinaryOp::Sub, base, by) => match by.kind {
                ExprKind::Int(by) => (root, off) = (base, off.wrapping_sub(by)),
                _ => return (root, off),
            },
            ExprKind::Cast(inner) if matches!(root.ty, Type::Pointer { .. }) && inner.ty.is_scalar() => {
                match inner.ty.c_size() {
                    Some(8) => root = inner,
                    _ => return (root, off),
                }
            }
            _ => return (root, off),
        }
    }
}

/// The offset in the context, when an address is one.
pub(super) fn context_offset(addr: &Expr) -> Option<u32> {
    use quadrant_program::expr::Builtin;
    let (root, off) = split(addr);
    let start = match root.kind {
        ExprKind::ContextAddr(start) => i64::from(start),
        ExprKind::Builtin(Builtin::Context) => 0,
        _ => return None,
    };
    u32::try_from(start.checked_add(off)?).ok()
}
