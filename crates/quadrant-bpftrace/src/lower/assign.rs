//! Assignments and declarations of variables.

use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Place};
use quadrant_program::map::{Aggregation, MapValue};
use quadrant_program::span::Span;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;

use super::Lower;
use super::call::Called;
use super::expand::plain;
use super::join::{join, width};
use super::map::{Element, is_storable, number_type};
use super::truth::SoFar;
use crate::ast::{self, BinOp, Ident, TypeExpr};

impl Lower<'_> {
    /// `target = value`, `target op= value`
    pub(super) fn assign(
        &mut self,
        target: &ast::Expr,
        op: Option<BinOp>,
        value: &ast::Expr,
        span: Span,
    ) -> Option<StmtKind> {
        match (&target.kind, op) {
            (ast::ExprKind::Name(name), None) if name == "_" => self.discard(value),
            (ast::ExprKind::Var(name), None) => self.assign_var(name, target.span, value, span),
            (ast::ExprKind::Map { name, key }, None) => self.assign_map(name, key, value, span, target.span),
            (ast::ExprKind::Var(name), Some(op)) => {
                let new = self.combined(target, op, value, span)?;
                let id = self.widen_var(name, &new, span)?;
                let ty = self.var_type(id);
                self.style_cut(&new, &ty, span);
                Some(self.updated(Place::Var(id), ty, new))
            }
            (ast::ExprKind::Map { name, key }, Some(op)) => self.update_map(name, key, target, op, value, span),
            (ast::ExprKind::Error, _) => None,
            (ast::ExprKind::TupleField { .. }, _) => {
                let help = "make a new one and assign that";
                self.error_help(target.span, "tuples and records do not change once they are made", help)
            }
            _ => self.error_help(
                target.span,
                "this cannot be assigned to",
                "a variable (`$x`) or a map (`@x`, `@x[key]`) can; memory of the traced program is only read",
            ),
        }
    }

    /// `_ = value`: what is done for its effect, with or without a value.
    fn discard(&mut self, value: &ast::Expr) -> Option<StmtKind> {
        match &value.kind {
            ast::ExprKind::Call { callee, args } => self.call(callee, args, value.span).map(|called| match called {
                Called::Value(value) => StmtKind::Expr(value),
                Called::Effect(kind) => kind,
            }),
            _ => self.expr(value).map(StmtKind::Expr),
        }
    }

    fn assign_var(&mut self, name: &str, at: Span, value: &ast::Expr, span: Span) -> Option<StmtKind> {
        let has_value = self.has_value(value, "a variable").and_then(|()| self.not_copied(value, "a variable"));
        let value = has_value.and_then(|()| self.stored_value(value));
        self.assign_value(name, at, value, span)
    }

    /// Assigns a value to a variable, declared here if there is none; without a value, its type is not known yet.
    pub(super) fn assign_value(&mut self, name: &str, at: Span, value: Option<Expr>, span: Span) -> Option<StmtKind> {
        if self.local(name).is_none() {
            self.declare(name, at, None, false);
        }
        self.update_local(name, |local| local.assigned = true);
        let value = value?;
        let id = self.widen_var(name, &value, span)?;
        let ty = self.var_type(id);
        self.warn_of_sign(&value, &ty);
        self.holds_text(name, &value, &ty, span)?;
        let value = self.fit_variable(name, value, &ty)?;
        Some(StmtKind::Assign(Place::Var(id), value))
    }

    /// Refuses a text that may be longer than the one that a variable is declared for; what str() reads ends where there is room.
    fn holds_text(&mut self, name: &str, value: &Expr, ty: &Type, span: Span) -> Option<()> {
        match (ty, &value.ty) {
            (Type::String { cap }, Type::String { cap: other })
                if other > cap && !matches!(value.kind, ExprKind::Call(..)) =>
            {
                let name = plain(name);
                let message = format!("`${name}` is declared as string[{cap}], and this is string[{other}]");
                self.error_help(span, message, format!("declare it as string[{other}]"))
            }
            _ => Some(()),
        }
    }

    /// Warns of an unsigned number that is kept as a signed one, as [`Lower::style`] does.
    fn warn_of_sign(&mut self, value: &Expr, ty: &Type) {
        if *ty == Type::I64 && value.ty == Type::U64 {
            self.style(value.span, "uint64 is taken as a signed number here");
        }
    }

    fn assign_map(
        &mut self,
        name: &Ident,
        key: &[ast::Expr],
        value: &ast::Expr,
        span: Span,
        at: Span,
    ) -> Option<StmtKind> {
        if let ast::ExprKind::Call { callee, args } = &value.kind
            && super::call::is_aggregation(&callee.name)
        {
            return self.aggregate(name, key, at, callee, args, value.span);
        }
        let has_value = self
            .has_value(value, "a map")
            .and_then(|()| self.not_copied(value, &format!("another map, `@{}`", name.name)));
        let lowered = has_value.and_then(|()| self.stored_value(value));
        if lowered.is_none() {
            self.set_assigned(&name.name);
            self.inferred.map_mut(&name.name).composed |= is_composed(value);
        }
        let element = self.element(name, key, at);
        if let (None, Some(value)) = (&element, &lowered) {
            // A key whose type is not known yet must not keep what is known of the value.
            let map = self.inferred.map_id(&name.name, name.span);
            self.set_plain(&Element { map, name: name.name.clone(), key: None, span }, value);
        }
        let (value, element) = (lowered?, element?);
        let ty = self.set_plain(&Element { span, ..element.clone() }, &value)?;
        self.warn_of_sign(&value, &ty);
        let value = self.convert(value, &ty);
        Some(StmtKind::Assign(place(element), value))
    }

    /// As [`Self::not_copied`], for a part of something: what stats() has found is a record, and may be one.
    pub(super) fn not_a_part(&mut self, value: &ast::Expr, of: &str) -> Option<()> {
        match self.several_numbers(value) {
            Some((_, MapValue::Aggregation(Aggregation::Stats { .. }))) => Some(()),
            _ => self.not_copied(value, of),
        }
    }

    /// Refuses calls that are made for their effect.
    fn has_value(&mut self, value: &ast::Expr, target: &str) -> Option<()> {
        match &value.kind {
            ast::ExprKind::Call { callee, .. } if super::call::is_effect(&callee.name) => {
                self.error(value.span, format!("{}() has no value to assign to {target}", callee.name))
            }
            _ => Some(()),
        }
    }

    /// Refuses what a map has aggregated and is not one number.
    fn not_copied(&mut self, value: &ast::Expr, to: &str) -> Option<()> {
        let ast::ExprKind::Map { name, .. } = &value.kind else { return Some(()) };
        match self.map_value(&name.name) {
            Some(MapValue::Aggregation(aggregation)) if number_type(&aggregation).is_none() => {
                let function = aggregation.function();
                let message = format!("the values of {function}() cannot be copied to {to}");
                self.error_help(value.span, message, format!("feed another map, too: `@name = {function}(...)`"))
            }
            _ => Some(()),
        }
    }

    fn update_map(
        &mut self,
        name: &Ident,
        key: &[ast::Expr],
        target: &ast::Expr,
        op: BinOp,
        value: &ast::Expr,
        span: Span,
    ) -> Option<StmtKind> {
        // An update is as good as an assignment: what was not there counts as zero.
        if self.map_value(&name.name).is_none() {
            let element = self.element(name, key, target.span)?;
            self.set_assigned(&name.name);
            let value = self.expr(value)?;
            self.set_plain(&Element { span, ..element }, &value)?;
            return None;
        }
        let new = self.combined(target, op, value, span);
        let element = self.element(name, key, target.span);
        let (new, element) = (new?, element?);
        let ty = self.set_plain(&Element { span, ..element.clone() }, &new)?;
        Some(self.updated(place(element), ty, new))
    }

    /// `target op value` as an expression.
    fn combined(&mut self, target: &ast::Expr, op: BinOp, value: &ast::Expr, span: Span) -> Option<Expr> {
        let (left, right) = (self.expr(target), self.operand(value));
        let (left, right) = (left?, right?);
        let (left, right) = self.of_one_sign(op, (target, left), (value, right));
        self.binary(op, left, right, span)
    }

    /// Stores `new`, which is an operation on what is in `place`.
    fn updated(&mut self, place: Place, ty: Type, new: Expr) -> StmtKind {
        match new.kind {
            ExprKind::Binary(op, _, right) if is_word(&ty) && updates(op) => {
                StmtKind::Update(place, op, self.convert(*right, &ty))
            }
            _ => StmtKind::Assign(place, self.cast(new, &ty)),
        }
    }

    /// Warns of a result that is kept in a narrower variable, as [`Lower::style`] does.
    fn style_cut(&mut self, new: &Expr, ty: &Type, span: Span) {
        if new.ty.is_integer() && ty.is_integer() && width(ty) < width(&new.ty) {
            let (from, name) = (self.describe(&new.ty), self.describe(ty));
            self.style(span, format!("{from} is cut to {name}"));
        }
    }

    /// A value that can be stored.
    fn stored_value(&mut self, ast: &ast::Expr) -> Option<Expr> {
        if let ast::ExprKind::Call { callee, .. } = &ast.kind
            && super::call::is_aggregation(&callee.name)
        {
            return self.error_help(
                ast.span,
                format!("{}() has a value only in a map", callee.name),
                format!("assign it: `@name = {}(...)`", callee.name),
            );
        }
        let value = self.kept(ast)?;
        if is_storable(&value.ty) { Some(value) } else { self.error(ast.span, "this has no value") }
    }

    /// `let $x : ty = value`
    pub(super) fn let_stmt(
        &mut self,
        var: &Ident,
        ty: Option<&TypeExpr>,
        value: Option<&ast::Expr>,
        span: Span,
    ) -> Option<StmtKind> {
        if let Some(local) = self.local(&var.name) {
            let line = self.line(local.declared);
            let message = format!("`${}` already exists (line {line})", plain(&var.name));
            return self.error_help(var.span, message, "use another name: a variable cannot hide another");
        }
        let declared = ty.map(|ty| self.type_of(ty));
        let value = value.map(|value| self.stored_value(value));
        let Some(declared) = declared else {
            self.declare(&var.name, var.span, None, false);
            return self.assign_value(&var.name, var.span, value?, span);
        };
        let id = self.declare(&var.name, var.span, declared.clone(), true);
        let failed = declared.is_none() || value.is_some();
        self.update_local(&var.name, |local| local.assigned = failed);
        let value = value??;
        let ty = self.var_type(id?);
        if self.join_value(&ty, SoFar::default(), &value).is_none() {
            let (wanted, got) = (self.describe(&ty), self.describe(&value.ty));
            return self.error(span, format!("`${}` is declared as {wanted}, and this is {got}", plain(&var.name)));
        }
        self.holds_text(&var.name, &value, &ty, span)?;
        let value = self.fit_variable(&var.name, value, &ty)?;
        Some(StmtKind::Assign(Place::Var(id?), value))
    }

    fn fit_variable(&mut self, name: &str, value: Expr, ty: &Type) -> Option<Expr> {
        let variable = format!("`${}`", plain(name));
        self.fit_in(value, ty, Some(&variable))
    }

    /// Converts a value to a type that may be too narrow for it: constants must fit.
    pub(super) fn fit(&mut self, value: Expr, ty: &Type) -> Option<Expr> {
        self.fit_in(value, ty, None)
    }

    /// The same; what holds the value is named in messages.
    fn fit_in(&mut self, value: Expr, ty: &Type, holder: Option<&str>) -> Option<Expr> {
        if let (ExprKind::Str(text), Type::String { cap }) = (&value.kind, ty)
            && text.len() >= *cap as usize
        {
            let message = format!("this text has {} bytes, and string[{cap}] holds {}", text.len(), cap - 1);
            return self.error(value.span, message);
        }
        if let (ExprKind::Int(number @ ..0), true, Type::Int { signed: false, .. }) =
            (&value.kind, value.ty.is_signed(), ty)
        {
            let number = number.to_string();
            return self.too_great(value.span, &number, ty, holder);
        }
        let joined = join(self.env.types, &value.ty, ty);
        if joined.as_ref() == Some(ty) || !value.ty.is_integer() || !ty.is_integer() {
            return Some(self.convert(value, ty));
        }
        if let ExprKind::Int(number) = value.kind {
            return self.constant_of(&value, ty).or_else(|| {
                let number = number_of(number, &value.ty);
                self.too_great(value.span, &number.to_string(), ty, holder)
            });
        }
        if value.ty == Type::Bool {
            return Some(self.cast(value, ty));
        }
        let (from, name) = (self.describe(&value.ty), self.describe(ty));
        self.warning(value.span, format!("{from} is cut to {name}"));
        Some(self.cast(value, ty))
    }

    /// A constant as one of this type, if that holds it.
    pub(super) fn constant_of(&mut self, value: &Expr, ty: &Type) -> Option<Expr> {
        let ExprKind::Int(number) = value.kind else { return None };
        let cast = self.cast(value.clone(), ty);
        match cast.kind {
            ExprKind::Int(same) if number_of(same, ty) == number_of(number, &value.ty) => Some(cast),
            _ => None,
        }
    }

    fn too_great<T>(&mut self, span: Span, number: &str, ty: &Type, holder: Option<&str>) -> Option<T> {
        let ty = self.describe(ty);
        match holder {
            Some(holder) => self.error(span, format!("{holder} holds {ty}, and {number} does not fit")),
            None => self.error(span, format!("{number} does not fit in {ty}")),
        }
    }

    /// `x++` and its like.
    pub(super) fn inc_dec(&mut self, target: &ast::Expr, increment: bool, prefix: bool, span: Span) -> Option<Expr> {
        let (place, ty) = match &target.kind {
            ast::ExprKind::Var(name) => self.counted_var(name, target, increment, span)?,
            ast::ExprKind::Map { name, key } => self.counted_map(name, key, target, increment, span)?,
            ast::ExprKind::Error => return None,
            _ => return self.error(target.span, "only a variable or a map can be counted up or down"),
        };
        let step = match &ty {
            Type::Pointer { to, .. } => {
                if self.portable_size(*to, span)?.is_some() {
                    return self.error_help(
                        span,
                        "an object cannot count by structs of the kernel in this way",
                        "write it out: `$p = $p + 1`",
                    );
                }
                self.stride(*to).unwrap_or(1)
            }
            _ => 1,
        };
        let delta = if increment { step } else { -step };
        Some(Expr::new(ExprKind::IncDec { target: Box::new(place), delta, post: !prefix }, ty, span))
    }

    fn counted_var(&mut self, name: &str, target: &ast::Expr, increment: bool, span: Span) -> Option<(Place, Type)> {
        let old = self.expr(target)?;
        let takes_numbers = self.takes_numbers(name);
        let ty = self.counted_type(&old.ty, takes_numbers, &format!("${name}"), increment, span)?;
        let id = self.widen_var(name, &Expr { ty, ..old }, span)?;
        Some((Place::Var(id), self.var_type(id)))
    }

    fn counted_map(
        &mut self,
        name: &Ident,
        key: &[ast::Expr],
        target: &ast::Expr,
        increment: bool,
        span: Span,
    ) -> Option<(Place, Type)> {
        let element = self.element(name, key, target.span)?;
        let ty = match self.map_value(&name.name) {
            Some(MapValue::Plain(old)) => {
                let takes_numbers = self.inferred.map(&name.name).is_some_and(|info| !info.values.truths);
                self.counted_type(&old, takes_numbers, &format!("@{}", name.name), increment, span)?
            }
            _ => Type::I64,
        };
        let counted = Expr::new(ExprKind::MapGet { map: element.map, key: None }, ty, span);
        let ty = self.set_plain(&Element { span, ..element.clone() }, &counted)?;
        Some((place(element), ty))
    }

    /// The type of something that is counted: integers need all their 64 bits, and what is counted down may fall below zero.
    /// `takes_numbers` says that truth values there are results of comparisons.
    fn counted_type(
        &mut self,
        old: &Type,
        takes_numbers: bool,
        name: &str,
        increment: bool,
        span: Span,
    ) -> Option<Type> {
        match old {
            Type::Pointer { .. } => Some(old.clone()),
            Type::Bool if takes_numbers => Some(Type::I64),
            old if old.is_number() => {
                let signed = !increment || old.is_signed() || super::join::width(old) < 8;
                Some(Type::Int { bytes: 8, signed })
            }
            old => {
                let ty = self.describe(old);
                self.error(span, format!("`{name}` holds {ty}, which cannot be counted up or down"))
            }
        }
    }
}

/// Whether what is written is a tuple or a record, whatever it is made of.
fn is_composed(value: &ast::Expr) -> bool {
    matches!(value.kind, ast::ExprKind::Tuple(_) | ast::ExprKind::Record(_))
}

/// The place that an element is.
pub(super) fn place(element: Element) -> Place {
    Place::Map { map: element.map, key: element.key }
}

/// Whether the type fills a register.
fn is_word(ty: &Type) -> bool {
    matches!(ty, Type::Int { bytes: 8, .. })
}

fn updates(op: BinaryOp) -> bool {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    !matches!(op, Eq | Ne | Lt | Le | Gt | Ge)
}

/// The number that a constant is.
fn number_of(value: i64, ty: &Type) -> i128 {
    if ty.is_signed() { value.into() } else { i128::from(value as u64) }
}
