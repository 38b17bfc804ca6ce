//! Macros: a call is replaced by the body, with the arguments in the parameters' places.

use std::rc::Rc;

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};

use super::Lower;
use super::call::{self, Called};
use super::stmt::last_value;
use crate::ast::{self, Ident, MacroDef, MacroParam};
use crate::substitute::{Given, Substitution};

/// Macros and functions that may be open in each other.
pub(super) const MAX_OPEN: usize = 32;

/// Expressions that all expansions of a round may have together.
pub(super) const MAX_EXPANDED: usize = 1 << 20;

/// Separates a variable's name from the number of the call of a macro that it belongs to.
pub(super) const MARK: char = '#';

/// A variable's name as the script writes it.
pub(super) fn plain(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

/// The number of the call of a macro that a variable belongs to; 0 for none.
pub(super) fn expansion(name: &str) -> u32 {
    name.split_once(MARK).and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

/// The number of a call within another: the same for the same call in every round, and different for different calls.
pub(super) fn nested(outer: u32, span: Span) -> u32 {
    outer.wrapping_mul(31).wrapping_add(span.start + 1) & 0x7fff_ffff
}

impl Lower<'_> {
    /// Remembers a macro.
    pub(super) fn define_macro(&mut self, def: &MacroDef) {
        for param in &def.params {
            if let MacroParam::Type(ident) = param {
                let help = "take an expression, and use `typeof` of it in the body";
                self.unsupported::<()>(ident.span, "a type as a macro's parameter", help);
            }
        }
        self.parameters_differ(def);
        let others = self.macros.get(&def.name.name);
        if let Some(first) = others.and_then(|others| others.iter().find(|other| alike(other, def))) {
            let line = self.line(first.span);
            let help = "macros of one name differ in the number or the kinds of their arguments";
            let message = format!("the macro `{}` already exists (line {line})", def.name.name);
            let diagnostic = Diagnostic::error(head(def), message).place(head(first), "it is defined here");
            self.report(diagnostic.help(help));
            return;
        }
        self.macros.entry(def.name.name.clone()).or_default().push(Rc::new(def.clone()));
    }

    fn parameters_differ(&mut self, def: &MacroDef) {
        for (at, param) in def.params.iter().enumerate() {
            let (kind, ident) = (std::mem::discriminant(param), param_name(param));
            let mut before = def.params[..at].iter();
            if before.any(|other| std::mem::discriminant(other) == kind && param_name(other).name == ident.name) {
                let message = format!("the macro `{}` has a parameter `{}` already", def.name.name, ident.name);
                self.error::<()>(ident.span, message);
            }
        }
    }

    /// A call of a macro; the outer `None` if there is none of that name.
    pub(super) fn macro_call(&mut self, callee: &Ident, args: &[ast::Expr], span: Span) -> Option<Option<Called>> {
        let defs = self.macros.get(&callee.name)?.clone();
        let fits = |def: &&Rc<MacroDef>| def.params.len() == args.len() && def.params.iter().zip(args).all(matches);
        // A variable or a map is nearer than any expression.
        match defs.iter().filter(fits).min_by_key(|def| expressions(def)) {
            Some(def) => Some(self.expand(&def.clone(), args, span)),
            None => Some(self.no_macro_fits(&defs, callee, args, span)),
        }
    }

    fn no_macro_fits<T>(&mut self, defs: &[Rc<MacroDef>], callee: &Ident, args: &[ast::Expr], span: Span) -> Option<T> {
        let name = &callee.name;
        let usages: Vec<String> = defs.iter().map(|def| usage(def)).collect();
        let nearest = defs.iter().find(|def| def.params.len() == args.len());
        let what = if nearest.is_some() { "something else" } else { "another number of arguments" };
        let diagnostic = Diagnostic::error(span, format!("the macro `{name}` takes {what}"));
        let diagnostic = diagnostic.help(format!("usage: {}", usages.join(", ")));
        self.report(match (nearest, defs.first()) {
            (Some(def), _) => {
                def.params.iter().zip(args).fold(diagnostic, |so_far, pair| differing(so_far, name, pair))
            }
            (None, Some(def)) => {
                let (takes, given) = (def.params.len(), args.len());
                diagnostic.place(head(def), format!("parameters of the nearest `{name}`: {takes}, not {given}"))
            }
            (None, None) => diagnostic,
        });
        None
    }

    fn expand(&mut self, def: &MacroDef, args: &[ast::Expr], span: Span) -> Option<Called> {
        let name = &def.name.name;
        self.may_expand(&def.name, span)?;
        let outer = self.scope.expansion;
        self.scope.expansion = nested(outer, span);
        let mut body = def.body.clone();
        let mut substitution = self.substitution(def, args);
        substitution.block(&mut body);
        self.expansion_budget = substitution.budget;
        if self.expansion_budget == 0 {
            self.scope.expansion = outer;
            let message = format!("macros make more than {MAX_EXPANDED} expressions of this script");
            return self.error_help(
                span,
                message,
                "an argument is put wherever its parameter stands: keep it in a variable",
            );
        }
        let before = self.messages.len();
        self.strays(name, &substitution.strays);
        self.scope.expanding.push(def.name.clone());
        let called = self.body(&body);
        self.scope.expanding.pop();
        self.scope.expansion = outer;
        self.messages.explain(before, span, &format!("in the macro `{name}`, called here"));
        called.map(|called| match called {
            Called::Value(value) => Called::Value(Expr { span, ..value }),
            effect => effect,
        })
    }

    /// Whether a macro may be put in here; reports it if not. Macros of one name are told apart by where they stand.
    fn may_expand(&mut self, def: &Ident, span: Span) -> Option<()> {
        let open = &self.scope.expanding;
        if let Some(first) = open.iter().position(|open| open.span == def.span) {
            let chain: Vec<&str> = open[first..].iter().map(|open| open.name.as_str()).collect();
            let name = &def.name;
            let message = format!("the macro `{name}` calls itself: {} > {name}", chain.join(" > "));
            return self.error(span, message);
        }
        if open.len() >= MAX_OPEN {
            return self.error(span, format!("more than {MAX_OPEN} macros call each other"));
        }
        Some(())
    }

    /// Refuses maps that a macro names and does not take.
    fn strays(&mut self, name: &str, strays: &[Ident]) {
        for stray in strays {
            let message = format!("the macro `{name}` is not given `@{}`", stray.name);
            self.error_help::<()>(
                stray.span,
                message,
                "a macro has only the maps that it takes: name it as a parameter",
            );
        }
    }

    fn substitution(&mut self, def: &MacroDef, args: &[ast::Expr]) -> Substitution {
        let suffix = format!("{MARK}{}", self.scope.expansion);
        let mut substitution = Substitution { suffix, budget: self.expansion_budget, ..Substitution::default() };
        for (param, arg) in def.params.iter().zip(args) {
            match (param, &arg.kind) {
                (MacroParam::Var(ident), ast::ExprKind::Var(name)) => {
                    if self.local(name).is_none() {
                        self.declare(name, arg.span, None, false);
                    }
                    substitution.vars.insert(ident.name.clone(), name.clone());
                }
                (MacroParam::Map(ident), ast::ExprKind::Map { name, .. }) => {
                    substitution.maps.insert(ident.name.clone(), name.name.clone());
                }
                (MacroParam::Expr(ident) | MacroParam::Type(ident), _) => {
                    substitution.exprs.insert(ident.name.clone(), self.argument_of_macro(arg));
                }
                _ => {}
            }
        }
        substitution
    }

    /// What stands in a parameter's place. What means the same everywhere stays as it is, so
    /// that it can be a format or a map.
    fn argument_of_macro(&self, arg: &ast::Expr) -> Given {
        let expr = match &arg.kind {
            ast::ExprKind::Name(_)
            | ast::ExprKind::Tagged(..)
            | ast::ExprKind::Str(_)
            | ast::ExprKind::Int(_)
            | ast::ExprKind::Bool(_)
            | ast::ExprKind::Param(_)
            | ast::ExprKind::Var(_) => arg.clone(),
            ast::ExprKind::Map { key, .. } if key.is_empty() => arg.clone(),
            _ => {
                let kind = ast::ExprKind::Given { open: self.scope.expanding.len(), inner: Box::new(arg.clone()) };
                ast::Expr::new(arg.span, kind)
            }
        };
        Given { size: crate::walk::size(&expr), expr }
    }

    /// An argument of a macro: it means what it means where the call stands, outside the macro.
    pub(super) fn given(&mut self, open: usize, inner: &ast::Expr, at: Span) -> Option<Expr> {
        self.outside(open, at, |lower| lower.expr(inner))
    }

    /// Does something with an argument, which stands there in a macro, where so many macros are open.
    pub(super) fn outside<T>(&mut self, open: usize, at: Span, work: impl FnOnce(&mut Self) -> T) -> T {
        let inside = self.scope.expanding.split_off(open.min(self.scope.expanding.len()));
        let before = self.messages.len();
        let result = work(self);
        self.messages.explain(before, at, "the argument stands here in the macro");
        self.scope.expanding.extend(inside);
        result
    }

    /// A body as a value if it ends with one, otherwise as a statement.
    fn body(&mut self, body: &ast::Block) -> Option<Called> {
        self.scoped(|lower| {
            let (last, before) = match last_value(body) {
                (Some(last), before) if has_value(last) => (Some(last), before),
                _ => (None, body.stmts.as_slice()),
            };
            let mut stmts = lower.open_block(&ast::Block::new(body.span, before.to_vec(), None));
            let called = match (&body.tail, last) {
                (Some(tail), _) => lower.value_or_effect(tail)?,
                (None, Some(last)) => Called::Value(lower.value_of(last)?),
                (None, None) => return Some(Called::Effect(StmtKind::Block(stmts))),
            };
            Some(match called {
                Called::Value(value) if stmts.is_empty() => Called::Value(value),
                Called::Value(value) => {
                    let (ty, span) = (value.ty.clone(), value.span);
                    Called::Value(Expr::new(ExprKind::Block(stmts, Box::new(value)), ty, span))
                }
                Called::Effect(kind) => {
                    stmts.push(Stmt::new(kind, body.span));
                    Called::Effect(StmtKind::Block(stmts))
                }
            })
        })
    }

    /// The last expression of a macro, or an argument that stands there: it may be there for its effect only.
    fn value_or_effect(&mut self, last: &ast::Expr) -> Option<Called> {
        match &last.kind {
            ast::ExprKind::Call { callee, args } => self.call(callee, args, last.span),
            ast::ExprKind::Name(name) => self.name_or_effect(name, last.span),
            ast::ExprKind::Given { open, inner } => {
                self.outside(*open, last.span, |lower| lower.value_or_effect(inner))
            }
            ast::ExprKind::Block(block) => self.body(block),
            _ => self.expr(last).map(Called::Value),
        }
    }
}

/// Whether a statement has a value on every way through it.
fn has_value(stmt: &ast::Stmt) -> bool {
    match &stmt.kind {
        ast::StmtKind::If(parts) => {
            parts.other.as_ref().is_some_and(ends_in_value) && parts.arms.iter().all(|(_, body)| ends_in_value(body))
        }
        ast::StmtKind::Block(block) => ends_in_value(block),
        _ => false,
    }
}

fn ends_in_value(block: &ast::Block) -> bool {
    match &block.tail {
        Some(tail) => !is_effect(tail),
        None => block.stmts.last().is_some_and(has_value),
    }
}

/// Whether an expression may have no value: what macros give is not known before they are called.
fn is_effect(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Call { callee, .. } => !call::has_value(&callee.name),
        ast::ExprKind::Ternary { other, .. } => is_effect(other),
        ast::ExprKind::Given { inner, .. } => is_effect(inner),
        ast::ExprKind::Block(block) => !ends_in_value(block),
        ast::ExprKind::If(_) => true,
        _ => false,
    }
}

/// Whether all calls that fit one macro fit the other.
fn alike(a: &MacroDef, b: &MacroDef) -> bool {
    let kinds = |def: &MacroDef| def.params.iter().map(std::mem::discriminant).collect::<Vec<_>>();
    kinds(a) == kinds(b)
}

fn param_name(param: &MacroParam) -> &Ident {
    let (MacroParam::Var(ident) | MacroParam::Map(ident) | MacroParam::Expr(ident) | MacroParam::Type(ident)) = param;
    ident
}

/// `macro name`
fn head(def: &MacroDef) -> Span {
    Span::new(def.span.start, def.name.span.end)
}

/// Adds what an argument is, and what the macro takes there, if these differ.
fn differing(diagnostic: Diagnostic, name: &str, (param, arg): (&MacroParam, &ast::Expr)) -> Diagnostic {
    if matches((param, arg)) {
        return diagnostic;
    }
    let (takes, sigil) = if matches!(param, MacroParam::Map(_)) { ("a map", '@') } else { ("a variable", '$') };
    let given = match &arg.kind {
        ast::ExprKind::Var(_) => "a variable",
        ast::ExprKind::Map { key, .. } if key.is_empty() => "a map",
        _ => "an expression",
    };
    let param = param_name(param);
    diagnostic
        .place(arg.span, format!("`{name}` takes {takes} for `{sigil}{}`, and this is {given}", param.name))
        .place(param.span, "this is the macro's parameter")
}

/// How many arguments may be any expression.
fn expressions(def: &MacroDef) -> usize {
    def.params.iter().filter(|param| matches!(param, MacroParam::Expr(_))).count()
}

/// Whether an argument can stand for a parameter.
fn matches((param, arg): (&MacroParam, &ast::Expr)) -> bool {
    match param {
        MacroParam::Var(_) => matches!(arg.kind, ast::ExprKind::Var(_)),
        MacroParam::Map(_) => matches!(&arg.kind, ast::ExprKind::Map { key, .. } if key.is_empty()),
        MacroParam::Expr(_) | MacroParam::Type(_) => true,
    }
}

fn usage(def: &MacroDef) -> String {
    let params = def.params.iter().map(|param| match param {
        MacroParam::Var(ident) => format!("${}", ident.name),
        MacroParam::Map(ident) => format!("@{}", ident.name),
        MacroParam::Expr(ident) => ident.name.clone(),
        MacroParam::Type(ident) => format!("typeof({})", ident.name),
    });
    format!("{}({})", def.name.name, params.collect::<Vec<_>>().join(", "))
}
