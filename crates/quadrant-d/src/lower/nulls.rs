//! Texts of variables that take no memory of their own when they are NULL: global and clause-local ones, which are empty before anything
//! is assigned to them. Whether such a one is NULL is kept beside it, in a mark; only variables to which NULL may be assigned have one.
//!
//! A script is read once, from its start, and a clause may use a text that a later one makes NULL: `nullable` finds them beforehand.

use std::collections::{HashMap, HashSet};

use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function, Place};
use quadrant_program::map::MapValue;
use quadrant_program::program::{Fault, Variable as ModelVariable};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;

use super::Lower;
use super::presence::without_null;
use super::vars::{Home, spelled};
use crate::ast::Scope;

/// Variables by their names.
pub(super) type Names = HashSet<(Scope, String)>;

/// Marks of texts.
#[derive(Debug, Default)]
pub(super) struct Nulls {
    /// Variables that have a mark.
    marked: Names,
    marks: HashMap<Home, Home>,
}

impl Nulls {
    /// With marks for these variables.
    pub fn of(marked: Names) -> Nulls {
        Nulls { marked, marks: HashMap::new() }
    }
}

impl Lower<'_> {
    /// Makes the mark of a text, if it is to have one.
    pub(super) fn add_mark(&mut self, scope: Scope, name: &str, text: Home, span: Span) {
        if !self.nulls.marked.contains(&(scope, name.to_owned())) {
            return;
        }
        let spelled = format!("{} is NULL", spelled(scope, name));
        let mark = match text {
            Home::Var(_) => self.new_variable(ModelVariable { name: spelled, ty: Type::U64, shared: true }),
            Home::Map(_) => Home::Map(self.new_map(spelled, None, MapValue::Plain(Type::U64), span)),
        };
        self.nulls.marks.insert(text, mark);
    }

    /// The mark of a text that has one: 1 if it is NULL, else 0.
    fn mark(&self, text: &Expr) -> Option<Home> {
        let home = match &text.kind {
            ExprKind::Var(id) => Home::Var(*id),
            ExprKind::MapGet { map, key: None } => Home::Map(*map),
            _ => return None,
        };
        self.nulls.marks.get(&home).copied()
    }

    /// Whether a text with a mark is not NULL.
    pub(super) fn is_unmarked(&self, text: &Expr) -> Option<Expr> {
        let mark = Box::new(read(self.mark(text)?, Type::U64, text.span));
        let zero = Box::new(Expr::int(0, Type::U64, text.span));
        Some(Expr::new(ExprKind::Binary(BinaryOp::Eq, mark, zero), Type::Bool, text.span))
    }

    /// A text with a mark, which faults where it is NULL.
    pub(super) fn present_by_mark(&self, text: &Expr) -> Option<Expr> {
        const { assert!(Fault::BadAddress as u64 == 1, "the mark is the kind of fault") };
        let (mark, span) = (self.mark(text)?, text.span);
        let args = vec![read(mark, Type::U64, span), Expr::int(0, Type::U64, span)];
        let raise = Expr::new(ExprKind::Call(Function::Raise, args), Type::None, span);
        let before = vec![Stmt::new(StmtKind::Expr(raise), span)];
        Some(Expr::new(ExprKind::Block(before, Box::new(text.clone())), text.ty.clone(), span))
    }

    /// Evaluates a text once, as [`Lower::keep`] does, and keeps whether it is NULL.
    pub(super) fn keep_with_mark(&mut self, text: Expr) -> (Vec<Stmt>, Expr) {
        let (span, ty) = (text.span, text.ty.clone());
        let mut kept = |ty: Type| self.new_variable(ModelVariable { name: "$".to_owned(), ty, shared: false });
        let (home, mark) = (kept(ty.clone()), kept(Type::U64));
        self.nulls.marks.insert(home, mark);
        let stores = self.store_whole_text(&home.place(), text, span);
        (stores, read(home, ty, span))
    }

    /// Whether NULL can be assigned to an element.
    pub(super) fn takes_null(&self, place: &Place) -> bool {
        home(place).is_none_or(|home| self.nulls.marks.contains_key(&home))
    }

    /// Statements that give a text to a variable that takes no memory of its own when it is NULL.
    pub(super) fn store_whole_text(&mut self, place: &Place, text: Expr, span: Span) -> Vec<Stmt> {
        match home(place).and_then(|home| self.nulls.marks.get(&home).copied()) {
            Some(mark) => self.store_marked((place, mark), text, span),
            None => {
                debug_assert!(!self.may_be_null(&text), "`nullable` finds all texts that may be NULL");
                vec![Stmt::new(StmtKind::Assign(place.clone(), text), span)]
            }
        }
    }

    fn store_marked(&mut self, (place, mark): (&Place, Home), text: Expr, span: Span) -> Vec<Stmt> {
        // A text that faults leaves both as they were.
        let assign = |text: Expr, null: Expr| {
            let text = Stmt::new(StmtKind::Assign(place.clone(), without_null(text)), span);
            vec![text, Stmt::new(StmtKind::Assign(mark.place(), null), span)]
        };
        let known = |null: i64| Expr::int(null, Type::U64, span);
        match text.kind {
            ExprKind::Ternary { cond, then, other } => {
                let then = self.store_marked((place, mark), *then, span);
                let other = self.store_marked((place, mark), *other, span);
                vec![Stmt::new(StmtKind::If { cond: *cond, then, other }, span)]
            }
            ExprKind::Block(mut body, value) => {
                body.extend(self.store_marked((place, mark), *value, span));
                body
            }
            _ if super::presence::is_null(&text) => assign(text, known(1)),
            _ => match self.kept_if_there(&text) {
                Some((mut keeps, kept, there)) => {
                    let then = Box::new(known(0));
                    let null = ExprKind::Ternary { cond: Box::new(there), then, other: Box::new(known(1)) };
                    keeps.extend(assign(kept, Expr::new(null, Type::U64, span)));
                    keeps
                }
                None => assign(text, known(0)),
            },
        }
    }
}

/// The variable that a place is the whole of.
fn home(place: &Place) -> Option<Home> {
    match place {
        Place::Var(id) => Some(Home::Var(*id)),
        Place::Map { map, key: None } => Some(Home::Map(*map)),
        Place::Map { key: Some(_), .. } => None,
    }
}

/// What is in a variable without keys.
fn read(home: Home, ty: Type, span: Span) -> Expr {
    let kind = match home {
        Home::Map(map) => ExprKind::MapGet { map, key: None },
        Home::Var(id) => ExprKind::Var(id),
    };
    Expr::new(kind, ty, span)
}
