//! Memory that a clause asks for (D's `alloca`), and bytes that move into and out of it.
//!
//! It is a part of the clause's scratch memory. Its addresses are plain numbers to scripts; what is written there is checked against
//! what was asked for. What is read goes through the kernel's read helper, and is checked where it is near: behind it is other memory
//! of ours, which would be read as if it were the script's.

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::layout;
use quadrant_program::program::Clause;
use quadrant_program::program::Fault;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::arith::width;
use super::cells::Cell;
use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use super::walk;
use super::walk::Node;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Value;

/// How near to the arena reads are checked, in bytes.
const NEAR: u32 = 256;

/// The clause's arena.
#[derive(Clone, Copy)]
pub(super) struct Arena {
    /// Offset in scratch memory.
    off: u32,
    /// Bytes, a multiple of 8.
    size: u32,
    /// Bytes in use.
    used: Cell,
    /// The address of scratch memory, as a number.
    base: Cell,
}

impl Arena {
    /// The power of two that offsets stay below.
    fn span(self) -> u32 {
        self.size.next_power_of_two()
    }
}

impl Lower<'_, '_> {
    /// Room for the arena of a clause that uses one.
    pub fn reserve_arena(&mut self, clause: &Clause) -> Option<Arena> {
        let mut used = false;
        walk::clause(clause, &mut |node| used |= uses_arena(node));
        if !used {
            return None;
        }
        let size = layout::round_up(self.g.program.config.scratch_bytes.max(8));
        let (words, around) = (self.reserve_scratch(16), self.reserve_scratch(size + 2 * NEAR));
        let off = around + NEAR;
        let arena = Arena { off, size, used: Self::cell_at(words), base: Self::cell_at(words + 8) };
        // The verifier adds the greatest offset and the greatest length.
        self.reach_scratch(off + 3 * arena.span());
        Some(arena)
    }

    /// Makes the arena empty, with zeros.
    pub fn init_arena(&mut self, arena: Arena) {
        let base = self.scratch_base();
        self.zero(Mem { base, off: arena.off as i32 }, arena.size);
        self.cell_set(arena.used, 0);
        self.cell_set(arena.base, base);
    }

    /// `alloca(size)`; `never` is the fault of a size that a clause can never have.
    pub fn alloca(&mut self, size: &Expr, never: Fault) -> Result<Value> {
        let arena = self.arena()?;
        let size = self.scalar(size)?;
        if never != Fault::NoScratch {
            self.abort_if(never, Cond::Ugt, size, i64::from(arena.size), size)?;
        }
        let used = self.cell_get(arena.used);
        let negated = self.f.b.neg(used);
        let room = self.f.b.add(negated, i64::from(arena.size));
        let none = self.f.b.iconst(0);
        self.abort_if(Fault::NoScratch, Cond::Ugt, size, room, none)?;
        let whole = self.f.b.add(size, 7);
        let whole = self.f.b.and(whole, -8);
        self.cell_add(arena.used, whole);
        let base = self.cell_get(arena.base);
        let start = self.f.b.add(base, used);
        Ok(self.f.b.add(start, i64::from(arena.off)))
    }

    /// `*address = value` in the arena, or in a variable whose address that is.
    pub fn store_number(&mut self, addr: &Expr, value: &Expr) -> Result<()> {
        if is_own(addr) {
            return self.store_member(addr, value);
        }
        let arena = self.arena()?;
        let size = width(&value.ty);
        let value = self.scalar(value)?;
        let addr = self.scalar(addr)?;
        let off = self.arena_offset(arena, addr);
        self.in_arena(arena, off, i64::from(size.bytes()).into(), addr)?;
        let to = self.arena_place(arena, off);
        self.f.b.store(to.base, to.off, size, value);
        Ok(())
    }

    /// Faults if bytes at an address, which is so far from the start of the arena, are not all in what was asked for.
    fn in_arena(&mut self, arena: Arena, off: Value, len: Operand, addr: Value) -> Result<()> {
        let used = self.cell_get(arena.used);
        self.abort_if(Fault::BadAddress, Cond::Ugt, off, used, addr)?;
        let end = self.f.b.add(off, len);
        self.abort_if(Fault::BadAddress, Cond::Ugt, end, used, addr)
    }

    /// Faults if bytes that are to be read are near the arena and not in it.
    pub fn check_near_arena(&mut self, space: Space, addr: Value, len: impl Into<Operand>) -> Result<()> {
        let Some(arena) = self.arena.filter(|_| space == Space::Kernel) else { return Ok(()) };
        let off = self.arena_offset(arena, addr);
        let from_before = self.f.b.add(off, i64::from(NEAR));
        let [near, end] = [(); 2].map(|()| self.f.b.create_block());
        self.f.b.branch(Cond::Ult, from_before, i64::from(arena.size + 2 * NEAR), near, &[], end, &[]);
        self.f.b.switch_to(near);
        self.in_arena(arena, off, len.into(), addr)?;
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// A member of a variable.
    fn store_member(&mut self, addr: &Expr, value: &Expr) -> Result<()> {
        let len = value.ty.c_size().unwrap_or(0);
        let to = match self.program_place(addr, len)? {
            Some(to) => to,
            None => self.program_element(addr, len)?,
        };
        if !value.ty.is_scalar() {
            // Stored values are padded; what is behind the member is not to be touched.
            let mark = self.mark();
            let from = self.memory(value)?;
            self.copy(to, from, len);
            self.release(mark);
            return Ok(());
        }
        let size = width(&value.ty);
        let value = self.scalar(value)?;
        self.f.b.store(to.base, to.off, size, value);
        Ok(())
    }

    /// `copy(from, to, size)` into the arena.
    pub fn copy_in(&mut self, space: Space, args: &[Expr]) -> Result<()> {
        let [from, to, size] = args else { return Err(self.model_error("copy() takes three arguments")) };
        let arena = self.arena()?;
        let (space, from) = self.memory_source(from, space)?;
        let (to, size) = (self.scalar(to)?, self.scalar(size)?);
        let most = i64::from(arena.size);
        self.abort_if(Fault::BadSize, Cond::Ugt, size, most, size)?;
        let off = self.arena_offset(arena, to);
        let used = self.cell_get(arena.used);
        self.abort_if(Fault::BadAddress, Cond::Ugt, off, used, to)?;
        let end = self.f.b.add(off, size);
        self.abort_if(Fault::BadSize, Cond::Ugt, end, used, size)?;
        self.check_near_arena(space, from, size)?;
        let place = self.arena_place(arena, off);
        let place = self.address(place);
        let size = self.f.b.and(size, i64::from(2 * arena.span()) - 1);
        let failed = self.read_bytes(space, place, size, from);
        let shown = self.faulty(space, from);
        self.abort_if(Fault::BadAddress, Cond::Ne, failed, 0, shown)
    }

    /// `copyout(from, to, size)`.
    pub fn copy_out(&mut self, args: &[Expr]) -> Result<()> {
        let [from, to, size] = args else { return Err(self.model_error("copyout() takes three arguments")) };
        let most = self.g.program.config.scratch_bytes.max(8);
        let mark = self.mark();
        let mask = (most + 1).next_power_of_two() - 1;
        let buffer = self.alloc_scratch(layout::round_up(mask + 1));
        let (from, to, size) = (self.scalar(from)?, self.scalar(to)?, self.scalar(size)?);
        self.abort_if(Fault::BadSize, Cond::Ugt, size, i64::from(most), size)?;
        self.check_near_arena(Space::Kernel, from, size)?;
        let size = self.f.b.and(size, i64::from(mask));
        let address = self.address(buffer);
        let failed = self.f.b.call(helper::PROBE_READ_KERNEL, &[address, size, from]);
        self.abort_if(Fault::BadAddress, Cond::Ne, failed, 0, from)?;
        self.write_out(to, buffer, size)?;
        self.release(mark);
        Ok(())
    }

    /// `copyoutstr(text, to, max)`.
    pub fn copy_out_text(&mut self, args: &[Expr]) -> Result<()> {
        let [text, to, most] = args else { return Err(self.model_error("copyoutstr() takes three arguments")) };
        let mark = self.mark();
        let text = self.loaded_text(text)?;
        let (to, most) = (self.scalar(to)?, self.scalar(most)?);
        let len = self.cell_get(text.len);
        let whole = self.f.b.add(len, 1);
        let size = self.f.b.select(Cond::Ult, most, whole, most, whole);
        let size = self.f.b.and(size, i64::from((text.cap + 1).next_power_of_two()) - 1);
        let from = self.bytes_memory(text.bytes);
        self.write_out(to, from, size)?;
        self.release(mark);
        Ok(())
    }

    /// Writes to the process; what cannot be written to is a bad address.
    fn write_out(&mut self, to: Value, from: Mem, size: Value) -> Result<()> {
        self.write_user(to, from, size, |lower, failed| lower.abort_if(Fault::BadAddress, Cond::Ne, failed, 0, to))
    }

    fn arena(&self) -> Result<Arena> {
        self.arena.ok_or_else(|| self.model_error("memory of a clause without an arena"))
    }

    /// The distance of an address from the start of the arena.
    fn arena_offset(&mut self, arena: Arena, addr: Value) -> Value {
        let base = self.cell_get(arena.base);
        let off = self.f.b.sub(addr, base);
        self.f.b.sub(off, i64::from(arena.off))
    }

    /// The place at an offset that was compared with the size; the verifier wants to see it bounded.
    fn arena_place(&mut self, arena: Arena, off: Value) -> Mem {
        let inside = self.f.b.and(off, i64::from(arena.span()) - 1);
        let base = self.scratch_base();
        Mem { base: self.f.b.add(base, inside), off: arena.off as i32 }
    }
}

/// Whether an address is one of memory that the program itself owns.
fn is_own(addr: &Expr) -> bool {
    matches!(addr.ty, Type::Pointer { space: Space::Program, .. })
}

fn uses_arena(node: Node<'_>) -> bool {
    match node {
        Node::Stmt(stmt) => matches!(&stmt.kind, StmtKind::Store { addr, .. } if !is_own(addr)),
        Node::Expr(e) => matches!(e.kind, ExprKind::Call(Function::Alloca(_) | Function::Copy(_), _)),
        Node::End(_) => false,
    }
}

/// Whether the predicate of a clause uses the arena.
pub(super) fn predicate_uses_arena(clause: &Clause) -> bool {
    let mut used = false;
    if let Some(predicate) = &clause.predicate {
        walk::expr(predicate, &mut |node| used |= uses_arena(node));
    }
    used
}
