//! Functions of the script: `fn f($a : type) : type { }`. A call is its body in the call's place, with variables of its own for the
//! arguments: what a function reads (`args`, memory of a process) means the same as in the probe that calls it.

use std::rc::Rc;

use quadrant_program::expr::{Expr, ExprKind, Place, VarId};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;

use super::Lower;
use super::call::{Called, is_extension, is_function, wrong_count};
use super::expand::MARK;
use super::join::join;
use super::style::block_ends;
use crate::ast::{self, FnDef, Ident, Param, TypeExpr, TypeKind};
use crate::substitute::Substitution;
use crate::walk::size_of_block;

/// A function of the script.
#[derive(Debug)]
pub(super) struct Defined {
    pub def: FnDef,
    /// Whether something calls it.
    pub called: bool,
}

/// The call of a function that is being put into its place.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    name: String,
    /// The type of the result; `Type::None` for `void`.
    ty: Type,
    /// Where the result is kept.
    result: VarId,
    /// Says that a loop of the body was left by `return`.
    returned: VarId,
    /// How many `return`s were in loops so far.
    loop_returns: u32,
}

impl Lower<'_> {
    /// Remembers a function.
    pub(super) fn define_fn(&mut self, def: &FnDef) {
        let name = &def.name.name;
        if let Some(first) = self.functions.get(name) {
            let line = self.line(first.def.span);
            self.error::<()>(def.name.span, format!("the function `{name}` already exists (line {line})"));
            return;
        }
        if is_function(name) && !is_extension(name) || self.macros.contains_key(name) {
            self.error_help::<()>(def.name.span, format!("there is a {name}() already"), "give it another name");
            return;
        }
        self.functions.insert(name.clone(), Rc::new(Defined { def: def.clone(), called: false }));
    }

    /// The body of the function of that name.
    pub(super) fn body_of_fn(&self, name: &str) -> Option<&ast::Block> {
        self.functions.get(name).map(|defined| &defined.def.body)
    }

    /// A call of a function of the script; the outer `None` if there is none of that name.
    pub(super) fn fn_call(&mut self, callee: &Ident, args: &[ast::Expr], span: Span) -> Option<Option<Called>> {
        let defined = Rc::clone(self.functions.get(&callee.name)?);
        if !defined.called {
            let called = Defined { def: defined.def.clone(), called: true };
            self.functions.insert(callee.name.clone(), Rc::new(called));
        }
        Some(self.call_fn(&defined.def, args, span))
    }

    fn call_fn(&mut self, def: &FnDef, args: &[ast::Expr], span: Span) -> Option<Called> {
        let name = &def.name.name;
        if self.scope.expanding.iter().any(|open| open.span == def.name.span) {
            let help = "programs in the kernel have no recursion: use a loop";
            return self.error_help(span, format!("the function `{name}` calls itself"), help);
        }
        if self.scope.expanding.len() >= super::expand::MAX_OPEN {
            return self.error(span, format!("more than {} functions call each other", super::expand::MAX_OPEN));
        }
        if args.len() != def.params.len() {
            let wanted = def.params.len();
            return self.error(span, wrong_count(name, (wanted, wanted), args.len()));
        }
        let values: Vec<Option<Expr>> =
            def.params.iter().zip(args).map(|(param, arg)| self.argument_of_fn(name, param, arg)).collect();
        let result = self.result_type(def)?;
        self.expanded_size(def, span)?;
        let before = self.messages.len();
        let called = self.put_in_place(def, values, result, span);
        self.note_call_of_fn(before, def, span);
        called
    }

    /// The body with these values for the parameters, for a call there.
    pub(super) fn put_in_place(
        &mut self,
        def: &FnDef,
        values: Vec<Option<Expr>>,
        result: Type,
        span: Span,
    ) -> Option<Called> {
        let outer = self.enter(&def.name, span);
        let called = self.scoped(|lower| lower.body_of(def, values, result, span));
        self.scope.expanding.pop();
        self.scope.expansion = outer;
        called
    }

    /// Functions that call each other make large programs quickly.
    fn expanded_size(&mut self, def: &FnDef, span: Span) -> Option<()> {
        self.expansion_budget = self.expansion_budget.saturating_sub(size_of_block(&def.body));
        if self.expansion_budget == 0 {
            return self.error(span, format!("functions make more than {} expressions", super::expand::MAX_EXPANDED));
        }
        Some(())
    }

    fn enter(&mut self, name: &Ident, span: Span) -> u32 {
        let outer = self.scope.expansion;
        self.scope.expansion = super::expand::nested(outer, span);
        self.scope.expanding.push(name.clone());
        outer
    }

    /// An argument as the parameter's type.
    fn argument_of_fn(&mut self, function: &str, param: &Param, arg: &ast::Expr) -> Option<Expr> {
        let (declared, value) = (self.param_type(&param.ty), self.expr(arg));
        let (declared, value) = (declared?, value?);
        let wanted = match (&declared, &value.ty) {
            (Type::Pointer { to, .. }, Type::Pointer { space, .. }) => Type::Pointer { to: *to, space: *space },
            // A text without a length is as long as what is given.
            (Type::String { .. }, Type::String { .. }) if is_unsized(&param.ty) => value.ty.clone(),
            _ => declared,
        };
        let fits = (wanted.is_integer() && value.ty.is_integer()) || join(self.env.types, &wanted, &value.ty).is_some();
        if !fits {
            let (wanted, got) = (self.describe(&wanted), self.describe(&value.ty));
            let message = format!("`${}` of {function}() is {wanted}, and this is {got}", param.name.name);
            return self.error(arg.span, message);
        }
        let value = Expr { span: arg.span, ..value };
        self.fit(value, &wanted)
    }

    pub(super) fn param_type(&mut self, ty: &TypeExpr) -> Option<Type> {
        if is_void(ty) {
            return self.error(ty.span, "a parameter has a type, and `void` is none");
        }
        self.type_of(ty)
    }

    pub(super) fn result_type(&mut self, def: &FnDef) -> Option<Type> {
        match &def.result {
            Some(ty) if is_void(ty) => Some(Type::None),
            Some(ty) => self.type_of(ty),
            None => None,
        }
    }

    /// The body, in a scope that has nothing but the parameters.
    fn body_of(&mut self, def: &FnDef, values: Vec<Option<Expr>>, ty: Type, span: Span) -> Option<Called> {
        let mut body = def.body.clone();
        let suffix = format!("{MARK}{}", self.scope.expansion);
        let mut own = Substitution { suffix: suffix.clone(), budget: usize::MAX, ..Substitution::default() };
        own.block(&mut body);
        let mut stmts = Vec::new();
        let mut complete = true;
        for (param, value) in def.params.iter().zip(values) {
            let given = self.give(&format!("{}{suffix}", param.name.name), param.name.span, value);
            complete &= given.is_some();
            stmts.extend(given);
        }
        if ty != Type::None && !block_ends(&body) {
            let shown = self.describe(&ty);
            let message = format!("`{}` can end without a result, which is {shown}", def.name.name);
            return self.error_help(def.body.span, message, "end it with `return`");
        }
        let called = self.returning(&def.name.name, &body, stmts, ty, span);
        if complete { Some(called) } else { None }
    }

    /// Puts an argument into its parameter.
    fn give(&mut self, name: &str, at: Span, value: Option<Expr>) -> Option<Stmt> {
        let id = self.declare(name, at, value.as_ref().map(|value| value.ty.clone()), true);
        self.update_local(name, |local| local.assigned = true);
        let value = value?;
        let span = value.span;
        Some(Stmt::new(StmtKind::Assign(Place::Var(id?), value), span))
    }

    /// The body in a loop of one round, which `return` leaves.
    fn returning(&mut self, name: &str, body: &ast::Block, mut stmts: Vec<Stmt>, ty: Type, span: Span) -> Called {
        let kept = if ty == Type::None { Type::U64 } else { ty.clone() };
        let (result, returned) = (self.temporary(kept), self.temporary(Type::U64));
        let frame = Frame { name: name.to_owned(), ty: ty.clone(), result, returned, loop_returns: 0 };
        let (outer, around) = (self.scope.frame.replace(frame), std::mem::take(&mut self.scope.around));
        let round = self.open_block(body);
        let frame = std::mem::replace(&mut self.scope.frame, outer);
        self.scope.around = around;
        if frame.is_some_and(|frame| frame.loop_returns > 0) {
            stmts.push(Stmt::new(StmtKind::Assign(Place::Var(returned), Expr::int(0, Type::U64, span)), span));
        }
        stmts.push(Stmt::new(StmtKind::Unroll { count: 1, body: round }, span));
        if ty == Type::None {
            return Called::Effect(StmtKind::Block(stmts));
        }
        let value = Box::new(Expr::new(ExprKind::Var(result), ty.clone(), span));
        Called::Value(Expr::new(ExprKind::Block(stmts, value), ty, span))
    }

    /// `return` in a function.
    pub(super) fn return_from_fn(
        &mut self,
        value: Option<&ast::Expr>,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Option<StmtKind> {
        let frame = self.scope.frame.clone()?;
        let value = value.map(|value| self.expr(value));
        match (value, &frame.ty) {
            (None, Type::None) => {}
            (None, _) => return self.wrong_result(&frame, &Type::None, span),
            (Some(value), ty) => {
                let value = value?;
                if !self.is_result(ty, &value) {
                    return self.wrong_result(&frame, &value.ty, span);
                }
                let value = self.fit(value, ty)?;
                out.push(Stmt::new(StmtKind::Assign(Place::Var(frame.result), value), span));
            }
        }
        if self.scope.around.loops > 0 {
            let set = StmtKind::Assign(Place::Var(frame.returned), Expr::int(1, Type::U64, span));
            out.push(Stmt::new(set, span));
            self.scope.frame.iter_mut().for_each(|frame| frame.loop_returns += 1);
        }
        Some(StmtKind::Break)
    }

    /// Whether a value may be the result of a function of this type: truth values and numbers are two kinds of result.
    fn is_result(&mut self, ty: &Type, value: &Expr) -> bool {
        match (&value.kind, ty, &value.ty) {
            (_, Type::None, _) => false,
            (_, Type::Bool, from) => *from == Type::Bool,
            (_, _, Type::Bool) => false,
            (ExprKind::Int(_), ty, _) if ty.is_integer() => self.constant_of(value, ty).is_some(),
            (_, ty, from) if ty.is_integer() && from.is_integer() => true,
            (_, Type::String { cap: room }, Type::String { cap }) => cap <= room,
            (_, ty, from) => join(self.env.types, ty, from).is_some(),
        }
    }

    fn wrong_result<T>(&mut self, frame: &Frame, got: &Type, span: Span) -> Option<T> {
        let shown = |lower: &Self, ty: &Type| match ty {
            Type::None => "void".to_owned(),
            ty => lower.describe(ty),
        };
        let help = match (&frame.ty, got) {
            (Type::Bool, got) if got.is_integer() => "compare it: `… != 0`".to_owned(),
            (ty, Type::Bool) if ty.is_integer() => format!("make it a number: `({})(…)`", self.describe(ty)),
            _ => String::new(),
        };
        let (wanted, got) = (shown(self, &frame.ty), shown(self, got));
        let span = self.with_semicolon(span);
        let message = format!("the result of `{}` is {wanted}, and this is {got}", frame.name);
        if help.is_empty() { self.error(span, message) } else { self.error_help(span, message, help) }
    }

    /// How many `return`s were in loops of the function so far.
    pub(super) fn loop_returns(&self) -> u32 {
        self.scope.frame.as_ref().map_or(0, |frame| frame.loop_returns)
    }

    /// What follows a loop of which a `return` may have left the function.
    pub(super) fn after_loop_in_fn(&self, before: u32, span: Span) -> Option<Stmt> {
        let frame = self.scope.frame.as_ref().filter(|frame| frame.loop_returns > before)?;
        let cond = Expr::new(ExprKind::Var(frame.returned), Type::U64, span);
        let then = vec![Stmt::new(StmtKind::Break, span)];
        Some(Stmt::new(StmtKind::If { cond, then, other: Vec::new() }, span))
    }

    fn note_call_of_fn(&mut self, from: usize, def: &FnDef, call: Span) {
        let note = format!("in the function `{}`, called on line {}", def.name.name, self.line(call));
        self.messages.note_about(from, def.span, &note);
    }
}

fn is_void(ty: &TypeExpr) -> bool {
    matches!(&ty.kind, TypeKind::Named(name) if name == "void")
}

fn is_unsized(ty: &TypeExpr) -> bool {
    matches!(&ty.kind, TypeKind::Named(name) if name == "string")
}
