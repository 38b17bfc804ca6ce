//! Arithmetic on integers of all widths. Values are always extended to 64 bits; results that can leave their width are cut to it.

use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::UnaryOp;
use quadrant_program::program::Fault;
use quadrant_program::ty::Type;

use super::condition::comparison;
use super::error::Result;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// Cuts a number to the width of a type and extends it by its sign.
    pub fn cut(&mut self, value: Value, ty: &Type) -> Value {
        match width(ty) {
            Size::B8 => value,
            size => self.f.b.ext(value, size, ty.is_signed()),
        }
    }

    /// One-operand operators.
    pub fn unary(&mut self, op: UnaryOp, inner: &Expr, ty: &Type) -> Result<Value> {
        let value = self.scalar(inner)?;
        Ok(match op {
            UnaryOp::Not => self.f.b.compare(Cond::Eq, value, 0),
            UnaryOp::Neg => {
                let result = self.f.b.neg(value);
                self.cut(result, ty)
            }
            UnaryOp::BitNot => {
                let result = self.f.b.not(value);
                self.cut(result, ty)
            }
        })
    }

    /// Two-operand operators.
    pub fn binary(&mut self, op: BinaryOp, lhs: &Expr, rhs: &Expr, ty: &Type) -> Result<Value> {
        let left = self.scalar(lhs)?;
        let right = self.operand(rhs)?;
        match comparison(op, lhs.ty.is_signed()) {
            Some(cond) => Ok(self.f.b.compare(cond, left, right)),
            None => {
                let result = self.arithmetic(op, left, right, lhs.ty.is_signed());
                Ok(self.cut(result, ty))
            }
        }
    }

    /// An arithmetic operator on 64 bits. Shift counts are taken modulo 64; division by zero gives a number of its own and is counted.
    pub fn arithmetic(&mut self, op: BinaryOp, left: Value, right: Operand, signed: bool) -> Value {
        let b = &mut self.f.b;
        match op {
            BinaryOp::Add => b.add(left, right),
            BinaryOp::Sub => b.sub(left, right),
            BinaryOp::Mul => b.mul(left, right),
            BinaryOp::And => b.and(left, right),
            BinaryOp::Or => b.or(left, right),
            BinaryOp::Xor => b.xor(left, right),
            BinaryOp::Shl => b.shl(left, right),
            BinaryOp::Shr if signed => b.sar(left, right),
            BinaryOp::Shr => b.shr(left, right),
            BinaryOp::Div | BinaryOp::Rem => self.division(op == BinaryOp::Div, left, right, signed),
            // Comparisons were handled before; their value is theirs.
            _ => match comparison(op, signed) {
                Some(cond) => b.compare(cond, left, right),
                None => left,
            },
        }
    }

    fn division(&mut self, quotient: bool, left: Value, right: Operand, signed: bool) -> Value {
        let divisor = match right {
            Operand::Imm(value) if value != 0 => return self.divide(quotient, left, right, signed),
            right => self.f.b.operand_value(right),
        };
        let (end, result) = self.join();
        let [bad, good] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Eq, divisor, 0, bad, &[], good, &[]);
        self.f.b.switch_to(bad);
        let [address, instead] = [0, self.g.program.config.by_zero].map(|number| self.f.b.iconst(number));
        self.failed((Fault::DivideByZero, LossKind::Division), address);
        self.f.b.jump(end, &[instead]);
        self.f.b.switch_to(good);
        let value = self.divide(quotient, left, divisor.into(), signed);
        self.f.b.jump(end, &[value]);
        self.f.b.switch_to(end);
        result
    }

    fn divide(&mut self, quotient: bool, left: Value, right: Operand, signed: bool) -> Value {
        let b = &mut self.f.b;
        match (quotient, signed) {
            (true, false) => b.udiv(left, right),
            (true, true) => b.sdiv(left, right),
            (false, false) => b.umod(left, right),
            (false, true) => b.smod(left, right),
        }
    }

    /// Some bits of a number.
    pub fn bits(&mut self, value: &Expr, shift: u8, bits: u8, ty: &Type) -> Result<Value> {
        if bits == 0 || u32::from(shift) + u32::from(bits) > 64 {
            return Err(self.model_error("a bit-field outside its container"));
        }
        let value = self.scalar(value)?;
        let (above, unused) = (64 - bits - shift, 64 - bits);
        let top = self.f.b.shl(value, i64::from(above));
        Ok(match ty.is_signed() {
            true => self.f.b.sar(top, i64::from(unused)),
            false => self.f.b.shr(top, i64::from(unused)),
        })
    }

    /// A conversion to a scalar type.
    pub fn cast(&mut self, inner: &Expr, ty: &Type) -> Result<Value> {
        if !inner.ty.is_scalar() {
            return self.number_in_memory(inner, ty);
        }
        if let (ExprKind::Arg(_), Type::Pointer { .. }) = (&inner.kind, ty) {
            // The kernel takes it back as a pointer only if it knows it as one.
            return self.argument(&Expr::new(inner.kind.clone(), ty.clone(), inner.span));
        }
        let value = self.scalar(inner)?;
        Ok(match ty {
            Type::Int { .. } if matches!(inner.ty, Type::Float { .. }) => {
                let whole = self.whole_part(value, width(&inner.ty));
                self.cut(whole, ty)
            }
            Type::Bool if inner.ty != Type::Bool => self.f.b.compare(Cond::Ne, value, 0),
            Type::Int { .. } if matches!(inner.ty, Type::Pointer { .. }) => {
                let number = self.forget_pointer(value);
                self.cut(number, ty)
            }
            _ if fits(&inner.ty, ty) => value,
            _ => self.cut(value, ty),
        })
    }

    /// A few bytes of memory as a number: `(uint32)` of an array.
    fn number_in_memory(&mut self, inner: &Expr, ty: &Type) -> Result<Value> {
        let bytes = inner.ty.c_size().unwrap_or(0);
        let mem = match &inner.kind {
            ExprKind::Deref { addr, space } => {
                let size = Size::from_bytes(bytes.min(8));
                if let Some(size) = size {
                    let value = self.read_number(addr, *space, size, false)?;
                    return Ok(self.cut(value, ty));
                }
                self.memory(inner)?
            }
            _ => self.memory(inner)?,
        };
        if bytes == 0 {
            return Err(self.model_error(format_args!("a {:?} as a number", inner.ty)));
        }
        // Stored values are padded with zeros to a multiple of 8.
        let value = self.f.b.load(mem.base, mem.off, Size::B8);
        Ok(self.cut(value, ty))
    }
}

/// The width of a scalar type's numbers.
pub(super) fn width(ty: &Type) -> Size {
    match ty {
        Type::Bool => Size::B1,
        Type::Int { bytes, .. } | Type::Float { bytes } => Size::from_bytes((*bytes).into()).unwrap_or(Size::B8),
        Type::Enum(e) => Size::from_bytes(e.bytes.into()).unwrap_or(Size::B8),
        _ => Size::B8,
    }
}

/// Whether every number of type `from` is the same as a number of type `to`.
fn fits(from: &Type, to: &Type) -> bool {
    let (a, b) = (width(from), width(to));
    match (from.is_signed(), to.is_signed()) {
        _ if b == Size::B8 => true,
        (false, true) => a < b,
        (true, false) => false,
        _ => a <= b,
    }
}
