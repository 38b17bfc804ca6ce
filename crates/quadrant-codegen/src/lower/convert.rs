//! Conversions of values that are kept in memory.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::arith::width;
use super::error::Result;
use super::expr::layout_equal;
use super::memory::Mem;
use super::text::TextSource;
use super::unit::Lower;
use crate::ssa::Operand;
use crate::ssa::Size;

impl Lower<'_, '_> {
    /// Stores a conversion.
    pub fn store_cast(&mut self, inner: &Expr, ty: &Type, to: Mem) -> Result<()> {
        match (&inner.ty, ty) {
            (Type::String { .. }, Type::String { cap }) => self.store_text(inner, *cap, to),
            (Type::Array { .. } | Type::Record(_) | Type::Buffer { .. }, Type::String { cap }) => {
                let source = self.bytes_as_text(inner)?;
                self.read_padded(source, *cap, to)
            }
            (from, Type::Array { .. } | Type::Record(_)) if from.is_scalar() => self.store_number_bytes(inner, ty, to),
            (Type::String { .. }, Type::Array { .. }) | (Type::Array { .. }, Type::Array { .. }) => {
                self.store_resized(inner, ty, to)
            }
            (Type::Array { .. } | Type::Record(_), Type::Buffer { cap }) => {
                let len = inner.ty.c_size().unwrap_or(0).min(*cap);
                self.zero(to, layout::size(ty));
                self.f.b.store(to.base, to.off, Size::B8, i64::from(len));
                let from = self.memory(inner)?;
                self.copy(to.at(8), from, len);
                Ok(())
            }
            _ => self.store_as(inner, ty, to),
        }
    }

    /// Bytes that need not end with a NUL, as the source of a text.
    fn bytes_as_text(&mut self, inner: &Expr) -> Result<TextSource> {
        let len = match &inner.ty {
            Type::Buffer { cap } => *cap,
            ty => ty.c_size().unwrap_or(0),
        };
        let limit = Some(Operand::Imm(len.into()));
        if let ExprKind::Deref { addr, space } = &inner.kind {
            let (space, addr) = self.memory_source(addr, *space)?;
            return Ok(TextSource { space, addr, limit });
        }
        let mem = self.memory(inner)?;
        match inner.ty {
            Type::Buffer { cap } => {
                let len = self.f.b.load(mem.base, mem.off, Size::B8);
                let (len, _) = self.bounded_length(len, cap);
                Ok(TextSource {
                    space: Space::Program,
                    addr: self.address(mem.at(8)),
                    limit: Some(Operand::Value(len)),
                })
            }
            _ => Ok(TextSource { space: Space::Program, addr: self.address(mem), limit }),
        }
    }

    /// The bytes of a number, lowest first.
    fn store_number_bytes(&mut self, inner: &Expr, ty: &Type, to: Mem) -> Result<()> {
        let value = self.scalar(inner)?;
        self.zero(to, layout::size(ty));
        let bytes = ty.c_size().unwrap_or(0).min(width(&inner.ty).bytes());
        let size = Size::from_bytes(bytes);
        let size = size.ok_or_else(|| self.model_error(format_args!("a number as {bytes} bytes")))?;
        self.f.b.store(to.base, to.off, size, value);
        Ok(())
    }

    /// Bytes cut or filled with zeros to the size of another type.
    pub fn store_resized(&mut self, inner: &Expr, ty: &Type, to: Mem) -> Result<()> {
        if layout_equal(&inner.ty, ty) {
            return self.store(inner, to);
        }
        let from = self.memory(inner)?;
        self.resize(from, &inner.ty, to, ty);
        Ok(())
    }

    /// Copies bytes to a place of another size, cut or filled with zeros.
    pub fn resize(&mut self, from: Mem, own: &Type, to: Mem, ty: &Type) {
        let whole = layout::size(ty);
        let len = bytes(own).min(bytes(ty)).min(whole);
        self.copy(to, from, len);
        self.zero(to.at(len), whole - len);
    }
}

/// Bytes of a value in memory that are not padding.
fn bytes(ty: &Type) -> u32 {
    ty.c_size().unwrap_or_else(|| layout::size(ty))
}
