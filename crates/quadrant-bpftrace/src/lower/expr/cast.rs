//! Conversions, explicit and implied; sizes and offsets of types.

use std::sync::Arc;

use quadrant_program::build::place_of;
use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind, Place, UnaryOp};
use quadrant_program::map::MapValue;
use quadrant_program::probe::ProbeKind;
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{EnumType, Space, SymbolPart, Type};
use quadrant_types::TypeId;

use super::super::Lower;
use super::super::fields::is_script_record;
use super::super::join::{describe_value, join};
use super::super::map::tuple;
use super::literal;
use super::named::is_named;
use super::texts::as_pointer;
use crate::ast::{self, Ident, TypeArg, TypeExpr, TypeKind};

impl Lower<'_> {
    /// Converts a value to a type that holds all its values.
    pub(in super::super) fn convert(&mut self, value: Expr, ty: &Type) -> Expr {
        match (&value.ty, ty) {
            (from, to) if from == to => value,
            (Type::Tuple(_), Type::Tuple(parts)) => {
                let parts = parts.clone();
                self.convert_tuple(value, &parts)
            }
            (Type::Record(_), Type::Record(to)) if is_script_record(to) => {
                let to = to.clone();
                self.convert_record(value, &to)
            }
            (from, Type::String { .. }) if is_named(from) => self.name_text(value),
            // A place with room for all of an array of characters gets all of it.
            (Type::String { cap: from }, Type::String { cap: to }) if to > from => self.whole(value),
            // Stored text and bytes carry their length: a larger capacity changes nothing.
            (Type::String { .. }, Type::String { .. })
            | (Type::Buffer { .. }, Type::Buffer { .. })
            | (Type::Record(_), Type::Record(_))
            | (Type::Array { .. }, Type::Array { .. }) => value,
            (Type::ProbeFunc, Type::Symbol { user: false, .. }) => self.function_symbol(value),
            (Type::Stack(_), Type::Stack(_)) => Expr { ty: ty.clone(), ..value },
            _ => self.cast(value, ty),
        }
    }

    /// `func` as a symbol of the kernel.
    fn function_symbol(&mut self, value: Expr) -> Expr {
        let user = matches!(self.scope.kind, ProbeKind::Uprobe | ProbeKind::Uretprobe);
        if user || value.kind != ExprKind::Builtin(Builtin::Point) {
            self.error::<()>(
                value.span,
                "this function's name is no symbol of the kernel, which is what is kept there",
            );
        }
        Expr::new(
            ExprKind::Builtin(Builtin::Function),
            Type::Symbol { user: false, part: SymbolPart::Symbol },
            value.span,
        )
    }

    /// Converts a scalar, cutting it if need be.
    pub(in super::super) fn cast(&mut self, value: Expr, ty: &Type) -> Expr {
        if value.ty == *ty {
            return value;
        }
        let span = value.span;
        match (&value.kind, ty) {
            (ExprKind::Int(number), Type::Bool) => Expr::int(i64::from(*number != 0), Type::Bool, span),
            (ExprKind::Int(number), Type::Int { .. } | Type::Enum(_)) => Expr::int(cut(*number, ty), ty.clone(), span),
            (_, Type::Bool) => {
                let not = Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(value)), Type::Bool, span);
                Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(not)), Type::Bool, span)
            }
            _ => Expr::new(ExprKind::Cast(Box::new(value)), ty.clone(), span),
        }
    }

    fn convert_tuple(&mut self, value: Expr, types: &[Type]) -> Expr {
        let span = value.span;
        if let ExprKind::Tuple(parts) = value.kind {
            let parts = parts.into_iter().zip(types).map(|(part, ty)| self.convert(part, ty)).collect();
            return tuple_of(parts, types, span);
        }
        let (keep, kept) = self.keep(value);
        let Type::Tuple(old) = kept.ty.clone() else { return kept };
        let fields = old.iter().enumerate().zip(types).map(|((at, old), ty)| {
            let field = ExprKind::TupleField(Box::new(kept.clone()), at as u32);
            self.convert(Expr::new(field, old.clone(), span), ty)
        });
        let converted = tuple_of(fields.collect(), types, span);
        let ty = converted.ty.clone();
        Expr::new(ExprKind::Block(vec![keep], Box::new(converted)), ty, span)
    }

    /// Evaluates a value once: a statement that keeps it, and what was kept.
    pub(in super::super) fn keep(&mut self, value: Expr) -> (Stmt, Expr) {
        let value = self.whole(value);
        let (span, ty) = (value.span, value.ty.clone());
        let id = self.temporary(ty.clone());
        let keep = Stmt::new(StmtKind::Assign(Place::Var(id), value), span);
        (keep, Expr::new(ExprKind::Var(id), ty, span))
    }

    /// `(ty)operand`
    pub(super) fn cast_expr(&mut self, ty: &TypeExpr, operand: &ast::Expr, span: Span) -> Option<Expr> {
        let (target, value) = match &ty.kind {
            TypeKind::Array(elem, None) => {
                let (elem, value) = (self.type_of(elem), self.expr(operand));
                (self.fitting_array(elem?, value.as_ref()?, ty.span), value)
            }
            _ => match (self.type_of(ty), self.several_numbers(operand)) {
                (Some(target), Some((_, value))) => return self.no_number(&value, &target, span),
                (target, _) => (target, self.expr(operand)),
            },
        };
        let (target, value) = (target?, value?);
        let target = in_space_of(&value.ty, target);
        if value.ty == target && !self.is_aggregation(operand) {
            let shown = self.describe(&target);
            let parentheses = Span::new(ty.span.start.saturating_sub(1).max(span.start), ty.span.end + 1);
            self.style(parentheses, format!("Unnecessary cast: expression is already of type {shown}"));
        }
        let mut cast = self.explicit(value, target, span)?;
        cast.span = span;
        if matches!(cast.kind, ExprKind::Int(_)) {
            self.casts.insert(span);
        }
        Some(cast)
    }

    /// Whether this is what a map has aggregated: a cast says that its number is wanted.
    fn is_aggregation(&self, value: &ast::Expr) -> bool {
        let ast::ExprKind::Map { name, .. } = &value.kind else { return false };
        self.map_value(&name.name).is_some_and(|value| !matches!(value, MapValue::Plain(_)))
    }

    /// `elem[]`, as long as the value.
    fn fitting_array(&mut self, elem: Type, value: &Expr, span: Span) -> Option<Type> {
        match (value.ty.c_size(), elem.c_size()) {
            (Some(bytes), Some(size @ 1..)) if bytes % size == 0 => {
                Some(Type::Array { elem: Arc::new(elem), len: bytes / size })
            }
            _ => {
                let (value, elem) = (self.describe(&value.ty), self.describe(&elem));
                self.error(span, format!("{value} is no whole number of {elem}"))
            }
        }
    }

    fn explicit(&mut self, value: Expr, target: Type, span: Span) -> Option<Expr> {
        let value = match target {
            Type::Bool => value,
            _ if is_plain(&target) => as_pointer(value),
            _ => value,
        };
        match (&value.ty, &target) {
            (from, to) if from == to => Some(value),
            // Programs know of such a number only its whole part.
            (Type::Float { bytes: 4 | 8 }, Type::Int { .. }) => Some(self.cast(value, &target)),
            (_, Type::Enum(named)) if lacks(named, &value) => {
                let message =
                    format!("Enum: {} doesn't contain a variant value of {}", named.name, self.text(value.span));
                self.error(span, message)
            }
            (from, to) if is_plain(from) && is_plain(to) => Some(self.cast(value, &target)),
            (Type::Array { .. }, to) if to.is_integer() && value.ty.c_size() == to.c_size() => {
                Some(self.reinterpret(value, target))
            }
            (Type::String { .. }, Type::Bool) => self.truth(value),
            (Type::String { cap }, Type::Array { .. }) if target.c_size() == Some(*cap) => {
                Some(self.reinterpret(value, target))
            }
            (Type::String { cap: from }, Type::String { cap: to }) if from <= to => {
                Some(Expr::new(ExprKind::Cast(Box::new(value)), target, span))
            }
            (from, to) if join(self.env.types, from, to).as_ref() == Some(to) => Some(self.convert(value, &target)),
            (from, Type::Array { .. }) if from.is_integer() => self.number_as_array(value, target, span),
            (from, Type::Record(record)) if is_plain(from) => {
                let help = format!("cast to a pointer: `({} *)...`", record.name);
                self.error_help(span, format!("{} cannot be cast to {}", self.describe(from), record.name), help)
            }
            (from, to) => self.no_cast(from, to, "", span),
        }
    }

    /// Refuses to cast what a map has aggregated and is not one number.
    fn no_number<T>(&mut self, value: &MapValue, target: &Type, span: Span) -> Option<T> {
        let (value, target) = (describe_value(self.env.types, value), self.describe(target));
        self.error(span, format!("{value} cannot be cast to {target}"))
    }

    fn no_cast<T>(&mut self, from: &Type, to: &Type, why: &str, span: Span) -> Option<T> {
        let (from, to) = (self.describe(from), self.describe(to));
        self.error(span, format!("{from} cannot be cast to {to}{why}"))
    }

    /// The bytes of a number, lowest first, as an array of at most eight bytes.
    fn number_as_array(&mut self, value: Expr, target: Type, span: Span) -> Option<Expr> {
        let mask = match target.c_size() {
            Some(8) => None,
            Some(size @ 1..8) => Some((1i64 << (8 * size)) - 1),
            _ => return self.no_cast(&value.ty, &target, ": a number has 8 bytes", span),
        };
        if let (Some(mask), ExprKind::Int(number)) = (mask, &value.kind)
            && !(-1..=mask).contains(number)
        {
            return self.no_cast(&value.ty, &target, ", which has no room for it", span);
        }
        let value = self.cast(value, &Type::U64);
        let value = match (mask, &value.kind) {
            (None, _) => value,
            (Some(mask), ExprKind::Int(number)) => Expr::int(number & mask, Type::U64, span),
            (Some(mask), _) => {
                // What is beyond the array is zero, so that equal arrays have equal bytes.
                let mask = Box::new(Expr::int(mask, Type::U64, span));
                Expr::new(ExprKind::Binary(BinaryOp::And, Box::new(value), mask), Type::U64, span)
            }
        };
        Some(self.reinterpret(value, target))
    }

    /// The same bytes as another type.
    pub(in super::super) fn reinterpret(&mut self, value: Expr, ty: Type) -> Expr {
        let span = value.span;
        let (addr, space) = place_of(value);
        Expr::new(ExprKind::Deref { addr: Box::new(addr), space }, ty, span)
    }

    /// `sizeof(arg)`
    pub(super) fn sizeof(&mut self, arg: &TypeArg, span: Span) -> Option<Expr> {
        let ty = self.type_arg(arg)?;
        if let Some(size) = self.portable_size_of(&ty, span)? {
            return Some(self.cast(size, &Type::U64));
        }
        Some(literal::int(self.c_layout(&ty).0, span))
    }

    /// Size and alignment in bytes that a value would have in C; of what C does not have, as it is stored.
    fn c_layout(&self, ty: &Type) -> (u64, u64) {
        let (size, align) = match ty {
            Type::Tuple(parts) => {
                let place = |(end, align): (u64, u64), (size, own): (u64, u64)| {
                    (end.next_multiple_of(own) + size, align.max(own))
                };
                let (end, align) = parts.iter().map(|part| self.c_layout(part)).fold((0, 1), place);
                return (end.next_multiple_of(align), align);
            }
            Type::Pointer { space: Space::User, .. } if self.is_narrow() => (Some(4), 4),
            Type::Array { elem, len } => {
                let (size, align) = self.c_layout(elem);
                let size =
                    u32::try_from(size).ok().filter(|_| self.is_narrow()).and_then(|size| size.checked_mul(*len));
                (size.or_else(|| ty.c_size()), align)
            }
            Type::String { .. } => (ty.c_size(), 1),
            Type::Record(record) if !is_script_record(record) => (ty.c_size(), self.env.types.align_of(record.ctype)),
            Type::Record(_) => (ty.c_size(), 8),
            _ => (ty.c_size(), ty.c_size().map_or(8, u64::from)),
        };
        (size.unwrap_or_else(|| quadrant_program::layout::size(ty)).into(), align)
    }

    /// `offsetof(of, path)`
    pub(in super::super) fn offsetof(&mut self, of: &TypeArg, path: &[Ident], span: Span) -> Option<Expr> {
        let mut record = match self.type_arg(of)? {
            Type::Record(record) => record.ctype,
            ty => {
                let ty = self.describe(&ty);
                return self.error(span, format!("{ty} has no members"));
            }
        };
        let (whole, mut bits, mut names) = (record, 0, Vec::new());
        for name in path {
            for part in self.parts_to(record, name) {
                record = self.env.types.resolve(record);
                let Some(member) = self.env.types.find_member(record, &part.name) else {
                    let nothing = self.no_member(record, &part);
                    self.messages.reword(|message| format!("offsetof: {message}"));
                    return nothing;
                };
                bits += member.bit_offset;
                record = member.ty;
                names.push(part.name);
            }
        }
        match self.portable_offset(whole, &names, (record, bits / 8), span)? {
            Some(bytes) => Some(self.cast(bytes, &Type::U64)),
            None => Some(literal::int(bits / 8, span)),
        }
    }

    /// A member, or what stands for it where this kernel has it under another name.
    fn parts_to(&mut self, record: TypeId, name: &Ident) -> Vec<Ident> {
        let record = self.env.types.resolve(record);
        let renamed = match self.env.types.find_member(record, &name.name) {
            Some(_) => None,
            None => self.renamed_path(record, name),
        };
        renamed.unwrap_or_else(|| vec![name.clone()])
    }

    /// `has_field(of, path)`: also false when there is no such type.
    pub(super) fn has_field(&mut self, of: &TypeArg, path: &[Ident], span: Span) -> Option<Expr> {
        let before = self.messages.len();
        let holder = self.type_arg(of);
        self.messages.take_back(before);
        let mut record = match holder {
            Some(Type::Record(record)) => Some(record.ctype),
            Some(Type::Pointer { to, .. }) => Some(to),
            _ => None,
        };
        for name in path {
            let resolved = record.map(|record| self.env.types.resolve(record));
            record = resolved.and_then(|record| self.env.types.find_member(record, &name.name)).map(|member| member.ty);
        }
        Some(Expr::int(i64::from(record.is_some()), Type::Bool, span))
    }

    /// The type that the operand of `sizeof` and its like is or has.
    pub(in super::super) fn type_arg(&mut self, arg: &TypeArg) -> Option<Type> {
        match arg {
            TypeArg::Type(ty) => self.type_of(ty),
            TypeArg::Expr(expr) => match &expr.kind {
                ast::ExprKind::Name(name) if !self.is_value_name(name) => {
                    let ty = self.named_type(name, expr.span);
                    if ty.is_none() {
                        // Nothing says that it was to be a type.
                        self.messages.reword(|message| message.replacen("unknown type `", "unknown name `", 1));
                    }
                    ty
                }
                _ => {
                    // Only its type counts: what it would do is not done.
                    let value = self.expr(expr)?;
                    Some(value.ty)
                }
            },
        }
    }

    /// The C type that a value's type stands for, if there is one.
    pub(in super::super) fn c_type(&self, ty: &Type) -> Option<TypeId> {
        let types = self.env.types;
        Some(match ty {
            Type::Bool => types.bool(),
            Type::Int { bytes, signed } => types.int(u32::from(*bytes), *signed),
            Type::Enum(of) => {
                let found = types.lookup_enum(&of.name);
                found.unwrap_or_else(|| types.int(u32::from(of.bytes), of.signed))
            }
            Type::Float { bytes } => types.float_of(u32::from(*bytes)),
            Type::Pointer { to, .. } => types.pointer_to(*to),
            Type::Record(record) => record.ctype,
            Type::Array { elem, len } => types.array_of(self.c_type(elem)?, u64::from(*len)),
            Type::String { cap } => types.array_of(types.char(), u64::from(*cap)),
            _ => return None,
        })
    }
}

/// A tuple of exactly these types.
fn tuple_of(parts: Vec<Expr>, types: &[Type], span: Span) -> Expr {
    Expr { ty: Type::Tuple(types.into()), ..tuple(parts, span) }
}

/// Whether a number of the script is none of an enumeration's constants, of which there are some.
fn lacks(named: &EnumType, value: &Expr) -> bool {
    match value.kind {
        ExprKind::Int(number) => !named.values.is_empty() && named.values.iter().all(|(_, value)| *value != number),
        _ => false,
    }
}

/// A pointer that becomes another one points to the memory to which it did.
fn in_space_of(from: &Type, target: Type) -> Type {
    match (from, target) {
        (Type::Pointer { space, .. }, Type::Pointer { to, .. }) => Type::Pointer { to, space: *space },
        (_, target) => target,
    }
}

/// Numbers and addresses, which can be cast to each other.
fn is_plain(ty: &Type) -> bool {
    ty.is_integer() || matches!(ty, Type::Pointer { .. })
}

/// Cuts a constant to a type's width and extends it by the type's sign.
fn cut(value: i64, ty: &Type) -> i64 {
    let bits = 64 - 8 * u32::from(super::super::join::width(ty));
    if ty.is_signed() { value << bits >> bits } else { ((value as u64) << bits >> bits) as i64 }
}
