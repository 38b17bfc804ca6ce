//! Expressions: numbers into registers, everything else into memory.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::expr::Place;
use quadrant_program::expr::VarId;
use quadrant_program::layout;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// The value of a scalar expression, extended to 64 bits by its type.
    pub fn scalar(&mut self, e: &Expr) -> Result<Value> {
        if !e.ty.is_scalar() {
            return Err(self.model_error(format_args!("a {:?} where a number is needed", e.ty)));
        }
        let outer = self.span;
        self.at(e.span);
        let value = self.scalar_kind(e);
        self.at(outer);
        value
    }

    fn scalar_kind(&mut self, e: &Expr) -> Result<Value> {
        match &e.kind {
            ExprKind::Int(value) => Ok(self.f.b.iconst(*value)),
            ExprKind::Core(relocation) => {
                let core = self.g.core(relocation);
                Ok(self.f.b.core(core, relocation.value as i32))
            }
            ExprKind::Var(var) => Ok(self.variable(*var)),
            ExprKind::MapGet { map, key } => self.map_get(*map, key.as_deref()),
            ExprKind::MapHas { map, key } => self.map_has(*map, key.as_deref()),
            ExprKind::MapLen(map) => self.map_len(*map),
            ExprKind::MapDelete { map, key } => self.map_delete(*map, key.as_deref()),
            ExprKind::Builtin(builtin) => self.builtin(*builtin, &e.ty),
            ExprKind::Arg(_) | ExprKind::Retval | ExprKind::Reg(_) | ExprKind::ArgAt(_) => self.argument(e),
            ExprKind::ContextAddr(off) => self.context_address(*off),
            ExprKind::DataLoc { offset, relative } => self.data_loc(*offset, *relative),
            ExprKind::Deref { addr, space } => self.read_scalar(addr, *space, &e.ty),
            ExprKind::AddrOf(inner) => {
                let address = self.address_of(inner)?;
                Ok(if is_plain_address(&e.ty) { self.forget_pointer(address) } else { address })
            }
            ExprKind::Bits { value, shift, width } => self.bits(value, *shift, *width, &e.ty),
            ExprKind::Unary(op, inner) => self.unary(*op, inner, &e.ty),
            ExprKind::Binary(op, lhs, rhs) => self.binary(*op, lhs, rhs, &e.ty),
            ExprKind::Logical { .. } | ExprKind::MemEq { .. } => self.truth(e),
            ExprKind::Ternary { cond, then, other } => self.ternary(cond, then, other),
            ExprKind::Cast(inner) => self.cast(inner, &e.ty),
            ExprKind::IncDec { target, delta, post } => self.inc_dec(target, *delta, *post, true),
            ExprKind::TupleField(tuple, index) => self.tuple_field(tuple, *index),
            ExprKind::Call(function, args) => self.call(*function, args, &e.ty),
            ExprKind::Block(body, value) => {
                self.block(body)?;
                self.scalar(value)
            }
            ExprKind::Str(_) | ExprKind::Tuple(_) => Err(self.model_error("a number that is kept in memory")),
        }
    }

    /// A scalar as an operand: constants stay constants.
    pub fn operand(&mut self, e: &Expr) -> Result<Operand> {
        match e.kind {
            ExprKind::Int(value) => Ok(Operand::Imm(value)),
            _ => self.scalar(e).map(Operand::Value),
        }
    }

    /// Evaluates and drops the value.
    pub fn effect(&mut self, e: &Expr) -> Result<()> {
        match &e.kind {
            ExprKind::IncDec { target, delta, post } => {
                self.inc_dec(target, *delta, *post, false)?;
            }
            ExprKind::Block(body, value) => {
                self.block(body)?;
                self.effect(value)?;
            }
            ExprKind::Tuple(parts) => parts.iter().try_for_each(|part| self.effect(part))?,
            _ if e.ty.is_scalar() => drop(self.scalar(e)?),
            ExprKind::Int(_) => {}
            ExprKind::Call(function, args) if e.ty == Type::None => {
                let outer = self.span;
                self.at(e.span);
                self.act(*function, args)?;
                self.at(outer);
            }
            _ => drop(self.memory(e)?),
        }
        Ok(())
    }

    /// Where the stored form of a value is: its own place if it has one, else a temporary.
    pub fn memory(&mut self, e: &Expr) -> Result<Mem> {
        let outer = self.span;
        self.at(e.span);
        let mem = self.memory_kind(e);
        self.at(outer);
        mem
    }

    fn memory_kind(&mut self, e: &Expr) -> Result<Mem> {
        match &e.kind {
            ExprKind::Str(text) => Ok(self.constant(text.to_vec(), layout::size(&e.ty))),
            ExprKind::Var(var) => self.variable_place(*var, e),
            ExprKind::MapGet { map, key } if !e.ty.is_scalar() => self.map_memory(*map, key.as_deref()),
            ExprKind::Call(Function::Present, args) => self.present(args),
            ExprKind::TupleField(tuple, index) => self.tuple_field_memory(tuple, *index, &e.ty),
            ExprKind::Block(body, value) => {
                self.block(body)?;
                self.memory_as(value, &e.ty)
            }
            // A number may be cut.
            ExprKind::Cast(inner) if !e.ty.is_scalar() && layout_equal(&inner.ty, &e.ty) => self.memory(inner),
            ExprKind::Deref { addr, space: Space::Program } => match self.program_place(addr, layout::size(&e.ty))? {
                Some(mem) if !matches!(e.ty, Type::String { .. }) => Ok(mem),
                _ => self.temporary(e, &e.ty),
            },
            _ => self.temporary(e, &e.ty),
        }
    }

    fn variable_place(&mut self, var: VarId, e: &Expr) -> Result<Mem> {
        match self.variable_memory(var) {
            Some(mem) => Ok(mem),
            None if e.ty.is_scalar() => self.temporary(e, &e.ty),
            None => Err(self.model_error("a variable without a place")),
        }
    }

    /// The stored form of a value, as type `ty`, in memory of its own.
    pub fn temporary(&mut self, e: &Expr, ty: &Type) -> Result<Mem> {
        let mem = self.alloc(ty);
        self.store_as(e, ty, mem)?;
        Ok(mem)
    }

    /// The stored form of a value as type `ty`: in its own place if it has that type, else in a temporary.
    pub fn memory_as(&mut self, e: &Expr, ty: &Type) -> Result<Mem> {
        if layout_equal(&e.ty, ty) { self.memory(e) } else { self.temporary(e, ty) }
    }

    /// Stores a value as [`layout`] says for type `ty`, which may be wider than its own.
    pub fn store_as(&mut self, e: &Expr, ty: &Type, to: Mem) -> Result<()> {
        match (&e.ty, ty) {
            (Type::String { cap: from }, Type::String { cap }) if from != cap => self.store_text(e, *cap, to),
            (Type::Tuple(from), Type::Tuple(parts)) if from != parts => self.store_tuple_as(e, from, parts, to),
            (Type::Buffer { cap: from }, Type::Buffer { cap }) if from < cap => {
                self.zero(to, layout::size(ty));
                self.store(e, to)
            }
            (from, _) if layout_equal(from, ty) => self.store(e, to),
            (Type::Array { .. } | Type::Record(_), Type::Array { .. } | Type::Record(_)) => {
                self.store_resized(e, ty, to)
            }
            (from, _) => Err(self.model_error(format_args!("a {from:?} stored as {ty:?}"))),
        }
    }

    /// Stores a value as [`layout`] says for its type.
    pub fn store(&mut self, e: &Expr, to: Mem) -> Result<()> {
        if e.ty.is_scalar() {
            let value = self.operand(e)?;
            self.f.b.store(to.base, to.off, Size::B8, value);
            return Ok(());
        }
        let outer = self.span;
        self.at(e.span);
        let stored = self.store_kind(e, to);
        self.at(outer);
        stored
    }

    fn store_kind(&mut self, e: &Expr, to: Mem) -> Result<()> {
        match &e.kind {
            ExprKind::Str(text) => {
                let mut bytes = text.to_vec();
                bytes.resize(layout::size(&e.ty) as usize, 0);
                self.write(to, &bytes);
                Ok(())
            }
            ExprKind::Builtin(builtin) => match e.ty {
                Type::String { cap } => self.store_builtin(*builtin, cap, to),
                _ => Err(self.model_error(format_args!("a builtin as {:?}", e.ty))),
            },
            ExprKind::Tuple(parts) => self.store_parts(parts, &e.ty, to),
            ExprKind::Deref { addr, space } => self.store_deref(addr, *space, &e.ty, to),
            ExprKind::Ternary { cond, then, other } => self.store_ternary(cond, [then, other], &e.ty, to),
            ExprKind::Cast(inner) => self.store_cast(inner, &e.ty, to),
            ExprKind::Call(function, args) => self.store_call(*function, args, &e.ty, to),
            ExprKind::Block(body, value) => {
                self.block(body)?;
                self.store_as(value, &e.ty, to)
            }
            ExprKind::Var(_) | ExprKind::MapGet { .. } | ExprKind::TupleField(..) => {
                let from = self.memory_kind(e)?;
                self.copy(to, from, layout::size(&e.ty));
                Ok(())
            }
            kind => Err(self.model_error(format_args!("{kind:?} is not a value in memory"))),
        }
    }

    fn store_parts(&mut self, parts: &[Expr], ty: &Type, to: Mem) -> Result<()> {
        let Type::Tuple(types) = ty else { return Err(self.model_error("a tuple of another type")) };
        if types.len() != parts.len() {
            return Err(self.model_error("a tuple of another length"));
        }
        let mut at = 0;
        for (part, ty) in parts.iter().zip(types.iter()) {
            self.store_as(part, ty, to.at(at))?;
            at += layout::size(ty);
        }
        Ok(())
    }

    /// Stores a tuple as a tuple with wider texts.
    fn store_tuple_as(&mut self, e: &Expr, from: &[Type], parts: &[Type], to: Mem) -> Result<()> {
        if let ExprKind::Tuple(values) = &e.kind {
            return self.store_parts(values, &Type::Tuple(parts.into()), to);
        }
        if from.len() != parts.len() {
            return Err(self.model_error("a tuple of another length"));
        }
        let source = self.memory(e)?;
        let (mut read, mut write) = (0, 0);
        for (from, ty) in from.iter().zip(parts) {
            self.convert(source.at(read), from, to.at(write), ty)?;
            read += layout::size(from);
            write += layout::size(ty);
        }
        Ok(())
    }

    fn store_ternary(&mut self, cond: &Expr, sides: [&Expr; 2], ty: &Type, to: Mem) -> Result<()> {
        let [then, other] = [self.f.b.create_block(), self.f.b.create_block()];
        let end = self.f.b.create_block();
        self.condition(cond, then, other)?;
        for (side, block) in sides.into_iter().zip([then, other]) {
            self.f.b.switch_to(block);
            self.branch(|lower| lower.store_as(side, ty, to))?;
            self.f.b.jump(end, &[]);
        }
        self.f.b.switch_to(end);
        Ok(())
    }

    fn ternary(&mut self, cond: &Expr, then: &Expr, other: &Expr) -> Result<Value> {
        let [yes, no] = [self.f.b.create_block(), self.f.b.create_block()];
        let (end, result) = self.join();
        self.condition(cond, yes, no)?;
        for (side, block) in [(then, yes), (other, no)] {
            self.f.b.switch_to(block);
            let value = self.branch(|lower| lower.scalar(side))?;
            self.f.b.jump(end, &[value]);
        }
        self.f.b.switch_to(end);
        Ok(result)
    }

    /// A block with one parameter, and the parameter.
    pub fn join(&mut self) -> (Block, Value) {
        let block = self.f.b.create_block();
        (block, self.f.b.append_param(block))
    }

    fn tuple_field(&mut self, tuple: &Expr, index: u32) -> Result<Value> {
        if let ExprKind::Tuple(parts) = &tuple.kind {
            return self.only_part(parts, index, |lower, part| lower.scalar(part));
        }
        let mem = self.tuple_field_memory(tuple, index, &Type::U64)?;
        Ok(self.f.b.load(mem.base, mem.off, Size::B8))
    }

    fn tuple_field_memory(&mut self, tuple: &Expr, index: u32, ty: &Type) -> Result<Mem> {
        if let ExprKind::Tuple(parts) = &tuple.kind {
            return self.only_part(parts, index, |lower, part| lower.memory_as(part, ty));
        }
        let Type::Tuple(types) = &tuple.ty else { return Err(self.model_error("an element of what is no tuple")) };
        if index as usize >= types.len() {
            return Err(self.model_error("an element that a tuple does not have"));
        }
        let mem = self.memory(tuple)?;
        Ok(mem.at(layout::tuple_offset(types, index)))
    }

    /// One part of a tuple that is written out: the others only have their effects.
    fn only_part<T>(
        &mut self,
        parts: &[Expr],
        index: u32,
        mut lower: impl FnMut(&mut Self, &Expr) -> Result<T>,
    ) -> Result<T> {
        let mut result = None;
        for (at, part) in parts.iter().enumerate() {
            if at == index as usize {
                result = Some(lower(self, part)?);
            } else {
                self.effect(part)?;
            }
        }
        result.ok_or_else(|| self.model_error("an element that a tuple does not have"))
    }

    /// The address of an operand.
    fn address_of(&mut self, inner: &Expr) -> Result<Value> {
        match &inner.kind {
            ExprKind::Deref { addr, .. } => self.scalar(addr),
            ExprKind::MapGet { map, key } => self.map_address(*map, key.as_deref()),
            _ => {
                let mem = self.memory(inner)?;
                Ok(self.address(mem))
            }
        }
    }

    /// `++` or `--`.
    fn inc_dec(&mut self, target: &Place, delta: i64, post: bool, used: bool) -> Result<Value> {
        match target {
            Place::Var(var) => {
                let ty = self.variable_type(*var)?;
                let old = self.variable(*var);
                let sum = self.f.b.add(old, delta);
                let new = self.cut(sum, &ty);
                self.set_variable(*var, new);
                Ok(if post { old } else { new })
            }
            Place::Map { map, key } => self.map_inc_dec(*map, key.as_ref(), delta, post, used),
        }
    }
}

/// Whether an address of the program's memory is read like any other of the kernel.
fn is_plain_address(ty: &Type) -> bool {
    matches!(ty, Type::Pointer { space: Space::Kernel, .. })
}

/// Whether two types are stored alike.
pub(super) fn layout_equal(a: &Type, b: &Type) -> bool {
    a == b || (a.is_scalar() && b.is_scalar()) || (!a.is_scalar() && !b.is_scalar() && same_shape(a, b))
}

fn same_shape(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::String { cap: a }, Type::String { cap: b }) | (Type::Buffer { cap: a }, Type::Buffer { cap: b }) => {
            a == b
        }
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| layout_equal(a, b))
        }
        (Type::Record(_) | Type::Array { .. }, Type::Record(_) | Type::Array { .. }) => {
            layout::size(a) == layout::size(b)
        }
        _ => false,
    }
}
