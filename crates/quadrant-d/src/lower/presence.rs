//! Texts that are not there: elements to which nothing was assigned, and what a search did not find. They are equal to NULL, and a fault
//! where their bytes are wanted.

use quadrant_program::expr::{Expr, ExprKind, Function, TextFunction};
use quadrant_program::stmt::Stmt;
use quadrant_program::ty::{Space, Type};

use super::Lower;
use super::value::{Int, Value};

impl Lower<'_> {
    /// A text whose bytes are wanted.
    pub(super) fn present(&self, text: Expr) -> Expr {
        let is_text = is_text(&text);
        let Expr { kind, ty, span } = text;
        let kind = match kind {
            ExprKind::Ternary { cond, then, other } => {
                ExprKind::Ternary { cond, then: Box::new(self.present(*then)), other: Box::new(self.present(*other)) }
            }
            ExprKind::Block(body, value) => ExprKind::Block(body, Box::new(self.present(*value))),
            kind if is_text && (self.may_be_absent(&kind) || is_search(&kind)) => {
                ExprKind::Call(Function::Present, vec![Expr::new(kind, ty.clone(), span)])
            }
            kind => kind,
        };
        Expr::new(kind, ty, span)
    }

    /// Text, or a null pointer in its place.
    pub(super) fn text_or_null(&self, value: Value) -> Option<Value> {
        if value.is_zero() && !value.is_text() {
            return Some(self.text_at(self.cut(value.expr.clone(), Int::ULONG), Space::Kernel, value.expr.span));
        }
        self.to_text(value)
    }

    /// Whether an element has a text at all; `None` if that is not known of this value.
    pub(super) fn is_there(&self, text: &Expr) -> Option<Expr> {
        match &text.kind {
            kind @ ExprKind::MapGet { map, key } if is_text(text) && self.may_be_absent(kind) => {
                Some(Expr::new(ExprKind::MapHas { map: *map, key: key.clone() }, Type::Bool, text.span))
            }
            _ => None,
        }
    }

    /// Statements that keep a text which may not be there, and whether it is; `None` for other texts.
    pub(super) fn kept_if_there(&mut self, text: &Expr) -> Option<(Stmt, Expr, Expr)> {
        let there = self.is_there(text);
        if there.is_none() && !is_search(&text.kind) {
            return None;
        }
        let (keep, kept) = self.keep(text.clone());
        let there = there.unwrap_or_else(|| {
            let none = self.literal_text(b"", text.span).expr;
            let kind = ExprKind::MemEq { lhs: Box::new(kept.clone()), rhs: Box::new(none), negate: true };
            Expr::new(kind, Type::Bool, text.span)
        });
        Some((keep, kept, there))
    }

    /// A text of an element that takes memory only while something is assigned to it.
    fn may_be_absent(&self, kind: &ExprKind) -> bool {
        matches!(kind, ExprKind::MapGet { map, key: Some(_) } if !self.is_array_of_c(*map))
    }
}

/// A search for a part of a text, which never finds an empty one.
fn is_search(kind: &ExprKind) -> bool {
    use TextFunction::{Strchr, Strstr, Strtok};
    matches!(kind, ExprKind::Call(Function::Text(Strchr { .. } | Strstr | Strtok), _))
}

fn is_text(e: &Expr) -> bool {
    matches!(e.ty, Type::String { .. })
}
