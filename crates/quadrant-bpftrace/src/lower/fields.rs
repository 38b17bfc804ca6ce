//! Records of the script: `(a = 1, b = "x")`.
//!
//! A record is stored as the tuple of its values, and is shown like a C struct: its type has a
//! member for each value, at the place that the value has in the tuple.

use std::sync::Arc;

use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::layout;
use quadrant_program::span::Span;
use quadrant_program::ty::{RecordField, RecordType, Space, Type};
use quadrant_types::{TypeId, Types, suggest};

use super::Lower;
use super::join::{describe, join};
use super::map::{is_storable, tuple};
use crate::ast::{self, Ident};

/// How the names of these types start; no C type's name does.
const PREFIX: &str = "record { ";

/// Whether the type is that of a record of the script rather than a C struct.
pub(super) fn is_script_record(record: &RecordType) -> bool {
    record.name.starts_with(PREFIX)
}

/// The type that holds the values of both; the names have to be the same, in any order.
pub(super) fn join_records(types: &Types, a: &RecordType, b: &RecordType) -> Option<Type> {
    if !is_script_record(a) || !is_script_record(b) || a.fields.len() != b.fields.len() {
        return None;
    }
    let join_field = |field: &RecordField| {
        let other = b.fields.iter().find(|other| other.name == field.name)?;
        Some((field.name.clone(), join(types, &field.ty, &other.ty)?))
    };
    let fields: Option<Vec<(String, Type)>> = a.fields.iter().map(join_field).collect();
    Some(record_type(types, fields?))
}

fn record_type(types: &Types, fields: Vec<(String, Type)>) -> Type {
    let shown: Vec<String> = fields.iter().map(|(name, ty)| format!(".{name} = {}", describe(types, ty))).collect();
    let mut size = 0;
    let place = |(name, ty): (String, Type)| {
        let bit_offset = size * 8;
        size += layout::size(&ty);
        RecordField { name, ty, type_name: String::new(), bit_offset, bit_width: None }
    };
    let fields = fields.into_iter().map(place).collect();
    Type::Record(Arc::new(RecordType {
        name: format!("{PREFIX}{} }}", shown.join(", ")),
        ctype: TypeId::VOID,
        size,
        fields,
        variants: None,
    }))
}

/// A record of these values.
pub(super) fn record_of(types: &Types, fields: Vec<(String, Expr)>, span: Span) -> Expr {
    let ty = record_type(types, fields.iter().map(|(name, value)| (name.clone(), value.ty.clone())).collect());
    let (addr, space) = place_of(tuple(fields.into_iter().map(|(_, value)| value).collect(), span));
    Expr::new(ExprKind::Deref { addr: Box::new(addr), space }, ty, span)
}

impl Lower<'_> {
    /// `(name = value, ...)`
    pub(super) fn record_value(&mut self, fields: &[(Ident, ast::Expr)], span: Span) -> Option<Expr> {
        let values = fields.iter().map(|(_, value)| self.not_a_part(value, "a record").and_then(|()| self.part(value)));
        let values: Vec<Option<Expr>> = values.collect();
        for (at, (name, value)) in fields.iter().enumerate() {
            if fields[..at].iter().any(|(earlier, _)| earlier.name == name.name) {
                return self
                    .error(name.span.to(value.span), format!("this record already has a member `{}`", name.name));
            }
        }
        let values: Vec<Expr> = values.into_iter().collect::<Option<_>>()?;
        if let Some(value) = values.iter().find(|value| !is_storable(&value.ty)) {
            return self.error(value.span, "this has no value");
        }
        let names = fields.iter().map(|(name, _)| name.name.clone());
        Some(record_of(self.env.types, names.zip(values).collect(), span))
    }

    /// `record.name`
    pub(super) fn record_member(&mut self, base: Expr, name: &Ident, span: Span) -> Option<Expr> {
        let Type::Record(record) = base.ty.clone() else { return None };
        match record.fields.iter().position(|field| field.name == name.name) {
            Some(at) => self.tuple_field(as_tuple(base, &record), at as u32, span),
            None => {
                let near = suggest(&name.name, record.fields.iter().map(|field| field.name.as_str()));
                self.error_near(name.span, format!("{} has no member `{}`", record.name, name.name), near)
            }
        }
    }

    /// Converts a record to one with the same names whose members hold more.
    pub(super) fn convert_record(&mut self, value: Expr, to: &RecordType) -> Expr {
        let Type::Record(from) = value.ty.clone() else { return value };
        let span = value.span;
        let (keep, kept) = self.keep(as_tuple(value, &from));
        let convert = |field: &RecordField| {
            let at = from.fields.iter().position(|old| old.name == field.name).unwrap_or(0);
            let old = from.fields.get(at).map_or(Type::I64, |old| old.ty.clone());
            let part = Expr::new(ExprKind::TupleField(Box::new(kept.clone()), at as u32), old, span);
            self.convert(part, &field.ty)
        };
        let parts = to.fields.iter().map(convert).collect();
        let types: Vec<Type> = to.fields.iter().map(|field| field.ty.clone()).collect();
        let parts = Expr { ty: Type::Tuple(types.into()), ..tuple(parts, span) };
        let ty = Type::Record(Arc::new(to.clone()));
        let record = self.reinterpret(parts, ty.clone());
        Expr::new(ExprKind::Block(vec![keep], Box::new(record)), ty, span)
    }
}

/// The tuple that a record is stored as.
fn as_tuple(record: Expr, of: &RecordType) -> Expr {
    let types: Vec<Type> = of.fields.iter().map(|field| field.ty.clone()).collect();
    let (ty, span) = (Type::Tuple(types.into()), record.span);
    let addr = match record.kind {
        ExprKind::Deref { addr, space: Space::Program } => match addr.kind {
            // Written out here: only the member that is asked for is computed.
            ExprKind::AddrOf(inner) if matches!(inner.kind, ExprKind::Tuple(_)) => return *inner,
            _ => addr,
        },
        _ => {
            let pointer = Type::Pointer { to: TypeId::VOID, space: Space::Program };
            Box::new(Expr::new(ExprKind::AddrOf(Box::new(record)), pointer, span))
        }
    };
    Expr::new(ExprKind::Deref { addr, space: Space::Program }, ty, span)
}
