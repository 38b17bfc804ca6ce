//! Members of structs, elements of arrays.

use quadrant_program::build::{bit_field, offset, offset_by, place_of};
use quadrant_program::expr::{BinaryOp, Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, Member, TypeId, suggest};

use super::super::Lower;
use super::super::absent;
use super::super::value::{Int, Ty, Value};
use super::super::vars::variable_named;
use super::store::own_element;
use crate::ast::{self, Ident, Scope};

impl Lower<'_> {
    /// `base.name`, `base->name`
    pub(super) fn field(&mut self, base: &ast::Expr, arrow: bool, name: &Ident, span: Span) -> Option<Value> {
        if self.no_value(base)?.is_some() {
            let nothing = Ty::C(TypeId::VOID);
            return if arrow { self.no_pointer(&nothing, false, span) } else { self.no_record(&nothing, span) };
        }
        let is_argument = is_argument(base);
        let base = self.expr(base)?;
        if let Ty::Xlated(made) = &base.ty {
            let made = made.clone();
            return self.translated_member(&made, name, span);
        }
        let (record, addr, space) = match self.kind(&base.ty) {
            Some(CType::Ptr { to, .. }) if arrow => (to, base.expr, Space::Kernel),
            Some(CType::Struct { .. }) if !arrow => {
                let Ty::C(id) = base.ty else { return None };
                let (addr, space) = place_of(base.expr);
                (id, addr, space)
            }
            Some(CType::Array { elem, .. }) if arrow => {
                let (addr, space) = place_of(base.expr);
                (elem, addr, space)
            }
            _ if arrow => return self.no_pointer(&base.ty, is_argument, span),
            _ => return self.no_record(&base.ty, span),
        };
        let member = self.member_of(record, name, "D_TYPE_MEMBER")?;
        self.read_member(addr, space, &member, span)
    }

    fn no_pointer<T>(&mut self, ty: &Ty, is_argument: bool, span: Span) -> Option<T> {
        let message = "operator -> must be applied to a pointer";
        let help = match (self.kind(ty), self.clause.point.as_deref().and_then(|point| point.strip_prefix("sdt:"))) {
            (Some(CType::Struct { .. }), _) => "use `.` here".to_owned(),
            // Its arguments are the fields of the event.
            (_, Some(event)) if is_argument => format!("`rawtp:{event}` has the kernel's own arguments"),
            _ => return self.fail(span, "D_OP_PTR", message),
        };
        self.fail_help(span, "D_OP_PTR", message, help)
    }

    fn no_record<T>(&mut self, ty: &Ty, span: Span) -> Option<T> {
        let name = match ty {
            Ty::C(id) => self.type_name(&Ty::C(self.types.resolve(*id))),
            Ty::Text => format!("char [{}]", self.settings.strsize),
            _ => self.type_name(ty),
        };
        let message = format!("operator . cannot be applied to type \"{name}\"; must be applied to a struct or union");
        match self.kind(ty) {
            Some(CType::Ptr { .. }) => self.fail_help(span, "D_OP_SOU", message, "use `->` here"),
            _ => self.fail(span, "D_OP_SOU", message),
        }
    }

    /// The member of a struct or union.
    pub(in super::super) fn member_of(&mut self, record: TypeId, name: &Ident, tag: &'static str) -> Option<Member> {
        let record = self.types.resolve(record);
        if let Some(member) = self.types.find_member(record, &name.name) {
            return Some(member);
        }
        let shown = self.types.display(record);
        match self.types.kind(record) {
            CType::Struct { complete: true, .. } => {
                let names = self.types.member_names(record);
                let near = suggest(&name.name, names.iter().map(|name| &**name));
                let message = format!("{} is not a member of {shown}", name.name);
                self.fail_absent(absent::MEMBERS, (&name.name, name.span), tag, message, near)
            }
            CType::Struct { .. } => self.fail(
                name.span,
                "D_OP_INCOMPLETE",
                format!("operator -> cannot be applied to a forward declaration: no {shown} definition is available"),
            ),
            _ => {
                let message = format!(
                    "operator -> cannot be applied to pointer to type \"{shown}\"; must be applied to a struct or union pointer"
                );
                self.fail(name.span, "D_OP_SOU", message)
            }
        }
    }

    /// A member of a record at an address.
    pub(in super::super) fn read_member(
        &mut self,
        addr: Expr,
        space: Space,
        member: &Member,
        span: Span,
    ) -> Option<Value> {
        match member.bitfield_size {
            Some(bits) => self.bit_field(addr, space, member, bits, span),
            None => self.read_at(offset_by(addr, member.byte_offset(), span), member.ty, space, span),
        }
    }

    fn bit_field(&mut self, addr: Expr, space: Space, member: &Member, bits: u8, span: Span) -> Option<Value> {
        let ty = Ty::C(member.ty);
        let int = self.int_of(&ty)?;
        let field = bit_field(addr, space, (member.bit_offset, bits), int.bytes.into(), int.model(), span);
        let Some(expr) = field else {
            return self.fail(span, "D_OP_BITFIELD", "bit-field spans more than 8 bytes, which cannot be read at once");
        };
        Some(Value { expr, ty })
    }

    /// `base[keys]`
    pub(super) fn index(&mut self, base: &ast::Expr, keys: &[ast::Expr], span: Span) -> Option<Value> {
        if let ast::ExprKind::Name(name) = &base.kind
            && let Some(value) = self.indexed_name(name, base.span, keys, span)
        {
            return value;
        }
        if let Some((scope, name, None)) = variable_named(base)
            && (scope != Scope::Global || self.variable(scope, name).is_some())
            && self.variable(scope, name).is_none_or(|variable| variable.declared.keys.is_some())
        {
            let element = self.element(scope, name, Some(keys), span)?;
            return self.read_element(&element, span);
        }
        if let ast::ExprKind::Name(name) = &base.kind
            && self.is_unknown(name)
        {
            return self.fail(span, "D_VAR_UNDEF", format!("{name} has not yet been declared or assigned"));
        }
        if let Some(what) = self.no_value(base)? {
            let position = self.expr(keys.first()?)?;
            let names = (what.to_owned(), self.type_name(&position.ty));
            return self.incompatible_types("+", names, span);
        }
        let what = indexed(base);
        let (base, first) = (self.expr(base), self.expr(keys.first()?));
        let (base, position) = (base?, first?);
        if keys.len() > 1 {
            return self.fail(span, "D_ARR_BADREF", format!("cannot access {what} as an associative array"));
        }
        if self.int_of(&position.ty).is_none() {
            return self.incompatible("+", &base, &position, position.expr.span);
        }
        self.element_of(base, position, span)
    }

    fn element_of(&mut self, base: Value, position: Value, span: Span) -> Option<Value> {
        match self.kind(&base.ty) {
            Some(CType::Ptr { to, .. }) => {
                let addr = self.pointer_binary(ast::BinOp::Add, base, position, span)?;
                self.read_at(addr.expr, to, Space::Kernel, span)
            }
            Some(CType::Array { elem, len }) => self.array_element(base, elem, len, position, span),
            None if base.is_text() => self.character(base, position, span),
            _ => self.fail(span, "D_DEREF_NONPTR", "cannot dereference non-pointer type"),
        }
    }

    /// A character of a text.
    fn character(&mut self, text: Value, position: Value, span: Span) -> Option<Value> {
        let char = self.types.char();
        if let (Some(bytes), Some(at)) = (text.literal(), position.constant()) {
            let byte =
                usize::try_from(at).ok().and_then(|at| bytes.get(at).copied().or((at == bytes.len()).then_some(0)));
            let Some(byte) = byte else { return self.outside(at, bytes.len() as u64 + 1, span) };
            return Some(Value {
                expr: Expr::int(byte.cast_signed().into(), self.scalar_model(char), span),
                ty: Ty::C(char),
            });
        }
        let Type::String { cap } = text.expr.ty else { return None };
        self.array_element(text, char, cap.into(), position, span)
    }

    fn array_element(&mut self, base: Value, elem: TypeId, len: u64, position: Value, span: Span) -> Option<Value> {
        let size = self.pointed_size(elem, span)?;
        let (addr, space) = place_of(base.expr);
        if let Some(at) = position.constant() {
            // A length of 0 is an array whose length C does not tell.
            let Some(at) = u64::try_from(at).ok().filter(|at| len == 0 || *at < len) else {
                return self.outside(at, len, span);
            };
            let Some(bytes) = at.checked_mul(size as u64) else {
                return self.outside(at.cast_signed(), len, span);
            };
            return self.read_at(offset_by(addr, bytes, span), elem, space, span);
        }
        let mut position = self.to_int(position, Int::LONG).expr;
        if space == Space::Program {
            position = self.in_bounds(vec![position], len)?.pop()?;
        }
        let size = Expr::int(size, Type::I64, span);
        let bytes = Expr::new(ExprKind::Binary(BinaryOp::Mul, Box::new(position), Box::new(size)), Type::I64, span);
        if space == Space::Program {
            return self.read_at(own_element(&addr, bytes, span), elem, space, span);
        }
        // The context is kernel memory, and there an address may be computed.
        self.read_at(offset(addr, false, bytes, span), elem, Space::Kernel, span)
    }
}

/// What messages call what is indexed.
fn indexed(base: &ast::Expr) -> String {
    match &base.kind {
        ast::ExprKind::Name(name) => format!("scalar {name}"),
        ast::ExprKind::Scoped { name, .. } => format!("scalar {}", name.name),
        ast::ExprKind::Field { arrow: true, .. } => "operator ->".to_owned(),
        ast::ExprKind::Field { arrow: false, .. } => "operator .".to_owned(),
        _ => "this expression".to_owned(),
    }
}

/// Whether it is `args[...]`.
fn is_argument(expr: &ast::Expr) -> bool {
    matches!(&expr.kind, ast::ExprKind::Index { base, .. } if matches!(&base.kind, ast::ExprKind::Name(name) if name == "args"))
}
