//! Members of structs, elements of arrays and tuples, characters of texts.

use quadrant_program::build::{bit_field, offset, offset_by, place_of};
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, Member, TypeId, suggest};

use super::super::Lower;
use super::super::fields::is_script_record;
use super::super::truth::truth;
use crate::ast::{self, Ident};

impl Lower<'_> {
    /// `base.name`, `base->name`
    pub(super) fn field(&mut self, base: &ast::Expr, name: &Ident, span: Span) -> Option<Expr> {
        if matches!(&base.kind, ast::ExprKind::Name(word) if word == "args") {
            return self.argument(name, base.span, span);
        }
        if matches!(&base.kind, ast::ExprKind::Name(word) if word == "config") {
            return self.config_value(name, span);
        }
        let base = self.expr(base)?;
        self.member(base, name, span)
    }

    pub(super) fn member(&mut self, base: Expr, name: &Ident, span: Span) -> Option<Expr> {
        let record = match &base.ty {
            Type::Pointer { to, .. } => *to,
            Type::Record(record) if is_script_record(record) => return self.record_member(base, name, span),
            Type::Record(record) => record.ctype,
            ty => {
                let ty = self.describe(ty);
                return self.error(name.span, format!("{ty} has no members, and so no `{}`", name.name));
            }
        };
        let record = self.env.types.resolve(record);
        let Some(member) = self.env.types.find_member(record, &name.name) else {
            return self.renamed_member(&base, record, name, span).unwrap_or_else(|| self.no_member(record, name));
        };
        let (addr, space) = match base.ty {
            Type::Pointer { space, .. } => (base, space),
            _ => place_of(base),
        };
        self.read_member(addr, space, (record, &member), span)
    }

    pub(super) fn no_member<T>(&mut self, record: TypeId, name: &Ident) -> Option<T> {
        let types = self.env.types;
        let shown = types.display(record);
        match types.kind(record) {
            CType::Struct { complete: true, .. } => {
                let names = types.member_names(record);
                let near = suggest(&name.name, names.iter().map(|name| &**name));
                self.error_near(name.span, format!("`{shown}` has no member `{}`", name.name), near)
            }
            CType::Struct { .. } if self.preamble.broken_types => None,
            CType::Struct { .. } => self.error_help(
                name.span,
                format!("the members of `{shown}` are not known"),
                "the kernel's type information only has its name; define it in the script",
            ),
            _ => {
                let ty =
                    self.value_type(record, Space::Kernel, name.span).map_or(shown.clone(), |ty| self.describe(&ty));
                self.error(name.span, format!("{ty} has no members, and so no `{}`", name.name))
            }
        }
    }

    /// A member of a record at an address.
    pub(in super::super) fn read_member(
        &mut self,
        addr: Expr,
        space: Space,
        (record, member): (TypeId, &Member),
        span: Span,
    ) -> Option<Expr> {
        if let Some(value) = self.portable_member(&addr, (record, member), space, span)? {
            return Some(self.truth_of(value, member.ty));
        }
        match member.bitfield_size {
            Some(bits) => self.bit_field(addr, space, member, bits, span),
            None => self.read(offset_by(addr, member.byte_offset(), span), member.ty, space, span),
        }
    }

    fn bit_field(&mut self, addr: Expr, space: Space, member: &Member, bits: u8, span: Span) -> Option<Expr> {
        let ty = self.value_type(member.ty, space, span)?;
        let declared = ty.c_size().unwrap_or(4);
        let field = bit_field(addr, space, (member.bit_offset, bits), declared, ty, span);
        let field = field.map(|value| self.truth_of(value, member.ty));
        field.or_else(|| self.unsupported(span, "a bit-field that spans more than 8 bytes", "read the bytes around it"))
    }

    /// `base[index]`
    pub(super) fn index(&mut self, base: &ast::Expr, index: &ast::Expr, span: Span) -> Option<Expr> {
        self.short_pointers = None;
        let base = self.expr(base);
        let pointers = self.short_pointers.take();
        let (position, base) = (self.expr(index), base?);
        let position = position?;
        if !position.ty.is_integer() {
            let ty = self.describe(&position.ty);
            return self.error(index.span, format!("an index is a number, and this is {ty}"));
        }
        match base.ty.clone() {
            Type::Pointer { to, space } => {
                let addr = self.pointer_binary(ast::BinOp::Add, base, position, span)?;
                self.read(addr, to, space, span)
            }
            Type::Array { elem, len } => match pointers.filter(|(at, _)| *at == base.span) {
                Some((_, pointer)) => self.short_pointer_of(base, len, position, pointer, span),
                None => self.element_of(base, &elem, len, position, span),
            },
            Type::String { cap } => {
                let char = Type::Int { bytes: 1, signed: true };
                self.element_of(base, &char, cap, position, span)
            }
            Type::Tuple(_) => match position.kind {
                ExprKind::Int(at) => self.tuple_field(base, u32::try_from(at).unwrap_or(u32::MAX), span),
                _ => self.error(index.span, "the member of a tuple is given by a constant"),
            },
            ty => {
                let ty = self.describe(&ty);
                self.error(span, format!("{ty} has no elements"))
            }
        }
    }

    /// An element of an array of pointers of a program of 32 bits.
    fn short_pointer_of(&mut self, base: Expr, len: u32, position: Expr, pointer: TypeId, span: Span) -> Option<Expr> {
        let number = self.element_of(base, &Type::U32, len, position, span)?;
        let ty = self.value_type(pointer, Space::User, span)?;
        Some(self.cast(number, &ty))
    }

    fn element_of(&mut self, base: Expr, elem: &Type, len: u32, position: Expr, span: Span) -> Option<Expr> {
        let size = u64::from(elem.c_size().unwrap_or(1));
        let adjusted = self.portable_size_of(elem, span)?;
        let (addr, space) = place_of(base);
        if let (ExprKind::Int(at), None) = (&position.kind, &adjusted) {
            let at = *at;
            // A length of 0 is an array whose length C does not tell.
            let Some(at) = u64::try_from(at).ok().filter(|at| len == 0 || *at < u64::from(len)) else {
                return self.error(position.span, format!("index {at} is outside the array of {len}"));
            };
            let Some(bytes) = at.checked_mul(size) else {
                return self.error(position.span, "this index is too large");
            };
            let addr = Box::new(offset_by(addr, bytes, span));
            return Some(element(addr, space, elem, span));
        }
        let space = match space {
            // The context is kernel memory, and there an address may be computed.
            Space::Context => Space::Kernel,
            other => other,
        };
        let position = self.convert(position, &Type::I64);
        let position = match space {
            // Reads of the program's own memory are checked anyway. Of length 1 are old headers' arrays without a known length.
            Space::Program => position,
            _ if len <= 1 => position,
            _ => {
                let length = Expr::int(i64::from(len), Type::I64, span);
                Expr::new(ExprKind::Call(Function::Within, vec![position, length]), Type::I64, span)
            }
        };
        let size = adjusted.unwrap_or_else(|| Expr::int(size as i64, Type::I64, span));
        let bytes = Expr::new(
            ExprKind::Binary(quadrant_program::expr::BinaryOp::Mul, Box::new(position), Box::new(size)),
            Type::I64,
            span,
        );
        let addr = Box::new(offset(addr, false, bytes, span));
        Some(element(addr, space, elem, span))
    }

    /// `tuple.index`
    pub(in super::super) fn tuple_field(&mut self, base: Expr, index: u32, span: Span) -> Option<Expr> {
        let Type::Tuple(parts) = &base.ty else {
            let ty = self.describe(&base.ty);
            return self.error(span, format!("{ty} is not a tuple"));
        };
        let Some(ty) = parts.get(index as usize).cloned() else {
            let count = parts.len();
            return self.error(span, format!("there is no member {index} in a tuple of {count}"));
        };
        Some(Expr::new(ExprKind::TupleField(Box::new(base), index), ty, span))
    }
}

/// What is at the address of an element.
fn element(addr: Box<Expr>, space: Space, elem: &Type, span: Span) -> Expr {
    let read = |ty| Expr::new(ExprKind::Deref { addr, space }, ty, span);
    match elem {
        Type::Bool => truth(read(Type::Int { bytes: 1, signed: false })),
        _ => read(elem.clone()),
    }
}
