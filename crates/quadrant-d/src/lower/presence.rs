//! Texts that are not there: elements to which nothing was assigned, and what a search did not find. They are equal to NULL, and a fault
//! where their bytes are wanted.

use std::sync::Arc;

use quadrant_program::expr::{Expr, ExprKind, Function, Place, TextFunction};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};

use super::Lower;
use super::value::{Int, Value};
use super::vars::{assign_if, delete};

impl Lower<'_> {
    /// A text whose bytes are wanted.
    pub(super) fn present(&self, text: Expr) -> Expr {
        chosen(text, &|text| {
            if let Some(present) = self.present_by_mark(&text) {
                return present;
            }
            if !is_text(&text) || !(self.may_be_absent(&text.kind) || is_search(&text.kind)) {
                return text;
            }
            let (ty, span) = (text.ty.clone(), text.span);
            Expr::new(ExprKind::Call(Function::Present, vec![text]), ty, span)
        })
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
            _ => self.is_unmarked(text),
        }
    }

    /// Whether a text may be NULL.
    pub(super) fn may_be_null(&self, text: &Expr) -> bool {
        match &text.kind {
            ExprKind::Ternary { then, other, .. } => self.may_be_null(then) || self.may_be_null(other),
            ExprKind::Block(_, value) => self.may_be_null(value),
            kind => is_null(text) || is_search(kind) || self.is_there(text).is_some(),
        }
    }

    /// Statements that keep a text which may not be there, and whether it is; `None` for other texts.
    pub(super) fn kept_if_there(&mut self, text: &Expr) -> Option<(Vec<Stmt>, Expr, Expr)> {
        let (mut text, mut keeps) = (text.clone(), Vec::new());
        if self.is_there(&text).is_some()
            && let ExprKind::MapGet { key: Some(key), .. } = &mut text.kind
        {
            // Asked for twice, it may do something twice.
            let (keep, kept) = self.keep((**key).clone());
            keeps.push(keep);
            **key = kept;
        }
        let there = self.is_there(&text);
        if there.is_none() && !is_search(&text.kind) {
            return None;
        }
        let (keep, kept) = self.keep(text.clone());
        keeps.push(keep);
        let there = there.unwrap_or_else(|| {
            let none = self.literal_text(b"", text.span).expr;
            let kind = ExprKind::MemEq { lhs: Box::new(kept.clone()), rhs: Box::new(none), negate: true };
            Expr::new(kind, Type::Bool, text.span)
        });
        Some((keeps, kept, there))
    }

    /// Statements that give an element a text, or take it away where there is none.
    pub(super) fn store_text(&mut self, place: &Place, text: Expr, span: Span) -> Vec<Stmt> {
        match text.kind {
            ExprKind::Ternary { cond, then, other } => {
                let (then, other) = (self.store_text(place, *then, span), self.store_text(place, *other, span));
                vec![Stmt::new(StmtKind::If { cond: *cond, then, other }, span)]
            }
            ExprKind::Block(mut body, value) => {
                body.extend(self.store_text(place, *value, span));
                body
            }
            _ if is_null(&text) => vec![delete(place, span)],
            _ => match self.kept_if_there(&text) {
                Some((mut keeps, kept, there)) => {
                    keeps.push(assign_if(place, there, kept, span));
                    keeps
                }
                None => vec![Stmt::new(StmtKind::Assign(place.clone(), text), span)],
            },
        }
    }

    /// A text of an element that takes memory only while something is assigned to it.
    fn may_be_absent(&self, kind: &ExprKind) -> bool {
        matches!(kind, ExprKind::MapGet { map, key: Some(_) } if !self.is_array_of_c(*map))
    }
}

/// A search for a part of a text, which never finds an empty one. What is searched for must be known not to be empty: `strstr` finds that.
pub(super) fn is_search(kind: &ExprKind) -> bool {
    use TextFunction::{Strchr, Strstr, Strtok};
    match kind {
        ExprKind::Call(Function::Text(Strstr), args) => {
            matches!(args.get(1).map(|part| &part.kind), Some(ExprKind::Str(part)) if !part.is_empty())
        }
        ExprKind::Call(Function::Text(function), _) => matches!(function, Strchr { .. } | Strtok),
        _ => false,
    }
}

/// NULL in the place of a text.
pub(super) fn is_null(text: &Expr) -> bool {
    matches!(&text.kind, ExprKind::Call(Function::Str(Space::Kernel), args) if matches!(args[..], [Expr { kind: ExprKind::Int(0), .. }]))
}

/// A text with an empty one wherever it is NULL: for variables that have no mark for that.
pub(super) fn without_null(text: Expr) -> Expr {
    chosen(text, &|text| match is_null(&text) {
        true => Expr::new(ExprKind::Str(Arc::from(&b""[..])), text.ty, text.span),
        false => text,
    })
}

/// Puts something in the place of what an expression chooses from.
fn chosen(e: Expr, change: &dyn Fn(Expr) -> Expr) -> Expr {
    let Expr { kind, ty, span } = e;
    let inner = |e: Box<Expr>| Box::new(chosen(*e, change));
    let kind = match kind {
        ExprKind::Ternary { cond, then, other } => ExprKind::Ternary { cond, then: inner(then), other: inner(other) },
        ExprKind::Block(body, value) => ExprKind::Block(body, inner(value)),
        kind => return change(Expr::new(kind, ty, span)),
    };
    Expr::new(kind, ty, span)
}

fn is_text(e: &Expr) -> bool {
    matches!(e.ty, Type::String { .. })
}
