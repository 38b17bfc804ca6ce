//! `typeinfo(x)`: a record that says of what type something is.

use quadrant_program::expr::Expr;
use quadrant_program::map::MapValue;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::Lower;
use super::expr::literal_text;
use super::fields::{is_script_record, record_of};
use super::unstable::Feature;
use crate::ast::{ExprKind, TypeArg};

impl Lower<'_> {
    /// The record; bpftrace's `btf_id` is 0 for every type, and so it is here.
    pub(super) fn typeinfo(&mut self, arg: &TypeArg, span: Span) -> Option<Expr> {
        self.unstable(Feature::Typeinfo, span)?;
        let (base, full) = match self.value_of_map(arg) {
            Some(MapValue::Aggregation(aggregation)) => {
                let name = format!("{}_t", aggregation.function());
                (name.clone(), name)
            }
            Some(MapValue::Plain(ty)) => (base(&ty).to_owned(), self.full(&ty)),
            None => {
                let ty = self.type_arg(arg)?;
                (base(&ty).to_owned(), self.full(&ty))
            }
        };
        let text = |text: &str| literal_text(text.as_bytes(), span);
        let fields = vec![
            ("btf_id".to_owned(), Expr::int(0, Type::U64, span)),
            ("base_type".to_owned(), text(&base)),
            ("full_type".to_owned(), text(&full)),
        ];
        Some(record_of(self.env.types, fields, span))
    }

    /// What a map holds, whether a key is given or not.
    fn value_of_map(&self, arg: &TypeArg) -> Option<MapValue> {
        let TypeArg::Expr(expr) = arg else { return None };
        let ExprKind::Map { name, .. } = &expr.kind else { return None };
        self.map_value(&name.name)
    }

    /// A type's whole name, as bpftrace writes it.
    fn full(&self, ty: &Type) -> String {
        match ty {
            Type::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.full(part)).collect();
                format!("({})", parts.join(","))
            }
            Type::Record(of) if is_script_record(of) => {
                let fields: Vec<String> =
                    of.fields.iter().map(|field| format!(".{} = {}", field.name, self.full(&field.ty))).collect();
                format!("record {{ {} }}", fields.join(", "))
            }
            Type::Symbol { user, .. } => if *user { "usym_t" } else { "ksym_t" }.to_owned(),
            _ => self.describe(ty),
        }
    }
}

/// The kind of a type.
fn base(ty: &Type) -> &'static str {
    match ty {
        Type::Bool | Type::Int { .. } | Type::Enum(_) => "int",
        Type::Float { .. } => "float",
        Type::Pointer { .. } => "pointer",
        Type::Record(of) if is_script_record(of) => "record",
        Type::Record(_) => "c_type",
        Type::Array { .. } => "array",
        Type::String { .. } => "string",
        Type::Buffer { .. } => "buffer",
        Type::Tuple(_) => "tuple",
        Type::Stack(stack) => {
            if stack.user {
                "ustack"
            } else {
                "kstack"
            }
        }
        Type::Symbol { user: true, .. } => "usym_t",
        Type::Symbol { user: false, .. } => "ksym_t",
        Type::Inet => "inet",
        Type::Mac => "mac_address",
        Type::Username => "username",
        Type::Time(_) => "timestamp",
        _ => "value",
    }
}
