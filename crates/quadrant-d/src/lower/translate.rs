//! Inlines and translators: values that stand for other expressions.

use std::collections::HashMap;
use std::rc::Rc;

use quadrant_program::expr::{Builtin, Expr, ExprKind, Function, TextFunction};
use quadrant_program::span::Span;
use quadrant_program::stmt::Stmt;
use quadrant_program::ty::Space;
use quadrant_program::visit::{self, Visitor};
use quadrant_types::{CType, TypeId, suggest};

use super::Lower;
use super::absent;
use super::expr::block;
use super::value::{Ty, Value};
use crate::ast::{self, Ident, Inline, Translator, TypeExpr};
use crate::message::counted;

/// What `xlate` makes: its members are evaluated one by one, as they are used.
#[derive(Clone, Debug)]
pub(super) struct Xlated {
    /// The type as messages call it.
    pub name: String,
    /// The struct.
    pub output: TypeId,
    translator: Rc<Translator>,
    input: Value,
    /// What comes before a member is evaluated.
    before: Vec<Stmt>,
}

/// A translator and the types that it is for.
#[derive(Debug)]
pub(super) struct Known {
    output: TypeId,
    input: Ty,
    translator: Rc<Translator>,
}

/// Names that an expression sees while what it belongs to is put in its place.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub names: HashMap<String, Value>,
    /// `arg0`, ... are the point's own words, rather than the probe's arguments.
    pub words: bool,
    /// Where in the script it is used: faults and messages are about that place.
    pub at: Span,
}

/// What promised a value of some type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose<'a> {
    Inline(&'a str),
    /// A member of what a translator makes.
    Member(&'a str),
    /// An element of `args[]`.
    Argument,
}

impl Lower<'_> {
    /// Makes an inline known.
    pub(super) fn define_inline(&mut self, inline: &Inline) {
        self.inlines.insert(inline.name.name.clone(), Rc::new(inline.clone()));
    }

    /// Makes a translator known.
    pub(super) fn define_translator(&mut self, translator: &Translator) {
        let (output, input) = (self.type_id(&translator.output), self.type_expr(&translator.input.ty));
        let (Some(output), Some(input)) = (output, input) else { return };
        if !matches!(self.types.kind(output), CType::Struct { .. }) {
            let message = "translator output type must be a struct or union";
            self.fail::<()>(translator.output.span, "D_XLATE_SOU", message);
            return;
        }
        if self.types.size_of(output).is_none() {
            let message = format!("incomplete struct/union/enum {}", self.types.display(output));
            self.fail::<()>(translator.output.span, "D_XLATE_SOU", message);
            return;
        }
        let output = self.types.resolve(output);
        self.check_members(translator, output);
        if self.is_translated(output, &input) {
            let (from, to) = (self.type_name(&input), self.types.display(output));
            let message = format!("translator from {from} to {to} has already been declared");
            self.fail::<()>(translator.output.span, "D_XLATE_REDECL", message);
            return;
        }
        self.translators.push(Known { output, input, translator: Rc::new(translator.clone()) });
    }

    /// Members that are given values must be there.
    fn check_members(&mut self, translator: &Translator, output: TypeId) {
        for (name, _) in &translator.members {
            if self.types.find_member(output, &name.name).is_none() {
                let (member, record) = (&name.name, self.types.display(output));
                let message = format!("translator member {member} is not a member of {record}");
                self.fail::<()>(name.span, "D_XLATE_MEMB", message);
            }
        }
    }

    fn is_translated(&self, output: TypeId, input: &Ty) -> bool {
        self.translators.iter().any(|known| match (&known.input, input) {
            (Ty::C(a), Ty::C(b)) => self.types.same(known.output, output) && self.types.same(*a, *b),
            _ => false,
        })
    }

    /// The value of an inline, if there is one of that name.
    pub(super) fn inline(&mut self, name: &str, keys: &[ast::Expr], span: Span) -> Option<Option<Value>> {
        let inline = self.inlines.get(name).cloned()?;
        Some(self.inline_value(&inline, keys, span))
    }

    fn inline_value(&mut self, inline: &Inline, keys: &[ast::Expr], span: Span) -> Option<Value> {
        let params = inline.params.as_deref().unwrap_or_default();
        if params.len() != keys.len() {
            let (name, got, wanted) = (&inline.name.name, keys.len(), params.len());
            if got == 0 {
                let message = format!("associative array '{name}' may not be referenced as scalar");
                return self.fail(span, "D_IDENT_BADREF", message);
            }
            let message = format!("{name}[ ] prototype mismatch: {} passed, {wanted} expected", counted(got, "key"));
            return self.fail(span, "D_PROTO_LEN", message);
        }
        let frame = self.parameters(inline, params, keys, span)?;
        let ty = self.type_expr(&inline.ty)?;
        let value = self.within(frame, |lower| lower.expr(&inline.value))?;
        self.shaped(value, &ty, span, Whose::Inline(&inline.name.name))
    }

    /// The parameters of an inline: each stands for its argument, which is evaluated as often as it is used.
    fn parameters(&mut self, inline: &Inline, params: &[ast::Param], keys: &[ast::Expr], span: Span) -> Option<Frame> {
        let mut frame = Frame { at: span, ..Frame::default() };
        for (number, (param, key)) in (1..).zip(params.iter().zip(keys)) {
            let ty = self.type_expr(&param.ty)?;
            let value = self.expr(key)?;
            let Some(value) = self.passed(value.clone(), &ty) else {
                let (wanted, got) = (self.type_name(&ty), self.type_name(&value.ty));
                return self.fail(
                    key.span,
                    "D_PROTO_ARG",
                    format!(
                        "{}[ ] key #{number} is incompatible with prototype:\n\tprototype: {wanted}\n\t      key: {got}",
                        inline.name.name
                    ),
                );
            };
            if let Some(name) = &param.name {
                frame.names.insert(name.name.clone(), value);
            }
        }
        Some(frame)
    }

    /// A value as an inline's parameter, which may be what a translator makes.
    fn passed(&self, value: Value, ty: &Ty) -> Option<Value> {
        if self.is_made(&value, ty) { Some(value) } else { self.assignable(value, ty) }
    }

    /// Whether a translator makes the value, and the type is that of what it makes or of a pointer to it.
    pub(super) fn is_made(&self, value: &Value, ty: &Ty) -> bool {
        let Ty::Xlated(made) = &value.ty else { return false };
        let to = self.pointee(ty).or(match ty {
            Ty::C(id) => Some(*id),
            _ => None,
        });
        to.is_some_and(|to| self.types.same(to, made.output))
    }

    /// Evaluates in a frame of its own.
    pub(super) fn within<T>(&mut self, frame: Frame, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.frames.push(frame);
        let result = inner(self);
        self.frames.pop();
        result
    }

    /// A value as what was promised; what a translator makes stays that.
    pub(super) fn shaped(&mut self, value: Value, ty: &Ty, span: Span, whose: Whose) -> Option<Value> {
        if matches!(value.ty, Ty::Xlated(_)) {
            return Some(value);
        }
        if matches!(self.kind(ty), Some(CType::Array { elem, .. }) if self.is_char(elem)) && self.is_textual(&value.ty)
        {
            return self.to_text(value);
        }
        if let Some(same) = self.assignable(value.clone(), ty) {
            return Some(same);
        }
        if let (Ty::C(id), true) = (ty, self.is_scalar(&value.ty) && self.is_scalar(ty)) {
            let expr = match self.int_of(ty) {
                Some(int) => self.cut(value.expr, int),
                None => self.pointer(value.expr, *id),
            };
            return Some(Value { expr, ty: ty.clone() });
        }
        let got = self.type_name(&value.ty);
        self.misshaped(whose, ty, &got, span)
    }

    /// A value is not what was promised.
    pub(super) fn misshaped<T>(&mut self, whose: Whose, ty: &Ty, got: &str, span: Span) -> Option<T> {
        let wanted = self.type_name(ty);
        let (tag, of) = match whose {
            Whose::Inline(name) => ("D_OP_INCOMPAT", format!("inline {name}")),
            Whose::Member(name) => ("D_XLATE_INCOMPAT", format!("translator member {name}")),
            Whose::Argument => ("D_OP_INCOMPAT", "argument".to_owned()),
        };
        self.fail(span, tag, format!("{of} definition uses incompatible types: \"{wanted}\" = \"{got}\""))
    }

    /// `xlate <ty> (operand)`
    pub(super) fn xlate(&mut self, ty: &TypeExpr, operand: &ast::Expr, span: Span) -> Option<Value> {
        let target = self.type_id(ty);
        let input = self.expr(operand);
        self.translated(target?, input?, span)
    }

    fn translated(&mut self, target: TypeId, input: Value, span: Span) -> Option<Value> {
        let named = self.types.pointee(target).unwrap_or(target);
        let record = self.types.resolve(named);
        self.need_translators(named);
        self.need_translators(record);
        let Some(translator) = self.translator(record, &input) else {
            let (to, from) = (self.types.display(target), self.type_name(&input.ty));
            return self.fail(span, "D_XLATE_NONE", format!("cannot translate from \"{from}\" to \"{to}\""));
        };
        let name = self.types.display(record);
        let (before, input) = self.evaluated_once(input);
        let expr = input.expr.clone();
        let made = Xlated { name, output: record, translator, input, before };
        Some(Value { expr, ty: Ty::Xlated(Rc::new(made)) })
    }

    /// What is translated, for all members that are made from it: where evaluating it changes something, that happens once.
    fn evaluated_once(&mut self, value: Value) -> (Vec<Stmt>, Value) {
        if !changes(&value.expr) || !(self.is_scalar(&value.ty) || value.is_text()) {
            return (Vec::new(), value);
        }
        let (keeps, expr) = match value.is_text() && self.may_be_null(&value.expr) {
            true => self.keep_with_mark(value.expr),
            false => {
                let (keep, kept) = self.keep(value.expr);
                (vec![keep], kept)
            }
        };
        (keeps, Value { expr, ty: value.ty })
    }

    fn translator(&self, output: TypeId, input: &Value) -> Option<Rc<Translator>> {
        let fitting = || self.translators.iter().filter(|known| self.types.same(known.output, output));
        let exact = |known: &&Known| match (&known.input, &input.ty) {
            (Ty::C(a), Ty::C(b)) => self.types.same(*a, *b),
            (Ty::Text, Ty::Text) => true,
            _ => false,
        };
        let found = fitting()
            .find(exact)
            .or_else(|| fitting().find(|known| self.compatible(input.clone(), &known.input).is_some()));
        found.map(|known| known.translator.clone())
    }

    /// A member of what a translator makes. A library may know several ways to it; the first that this kernel knows counts.
    pub(super) fn translated_member(&mut self, made: &Xlated, name: &Ident, span: Span) -> Option<Value> {
        let translator = made.translator.clone();
        let ways: Vec<&ast::Expr> =
            translator.members.iter().filter(|(member, _)| member.name == name.name).map(|(_, way)| way).collect();
        let Some((last, others)) = ways.split_last() else {
            return self.untranslated(made, name);
        };
        let member = self.types.find_member(made.output, &name.name)?;
        let ty = self.ty_of(member.ty);
        let input = translator.input.name.as_ref().map(|name| name.name.clone()).unwrap_or_default();
        let attempt = |lower: &mut Self, way: &ast::Expr| {
            let frame = Frame { names: HashMap::from([(input.clone(), made.input.clone())]), words: false, at: span };
            let value = lower.within(frame, |lower| lower.expr(way))?;
            lower.member_value(value, made, &ty, name)
        };
        for way in others {
            let before = self.diagnostics.len();
            if let Some(value) = attempt(self, way) {
                return Some(value);
            }
            self.diagnostics.truncate(before);
        }
        attempt(self, last)
    }

    fn member_value(&mut self, value: Value, made: &Xlated, ty: &Ty, name: &Ident) -> Option<Value> {
        let span = value.expr.span;
        let value = self.shaped(value, ty, span, Whose::Member(&name.name))?;
        Some(after(made.before.clone(), value))
    }

    fn untranslated(&mut self, made: &Xlated, name: &Ident) -> Option<Value> {
        let names = made.translator.members.iter().map(|(member, _)| member.name.as_str());
        let near = suggest(&name.name, names).map(str::to_owned);
        let message = format!("translator does not define conversion for member: {}", name.name);
        self.fail_absent(absent::MEMBERS, (&name.name, name.span), "D_XLATE_NOCONV", message, near)
    }
}

/// Statements, then a value, or what a translator makes of it.
fn after(before: Vec<Stmt>, value: Value) -> Value {
    let Ty::Xlated(made) = &value.ty else { return block(before, value) };
    let before = before.into_iter().chain(made.before.iter().cloned()).collect();
    let made = Xlated { before, ..Xlated::clone(made) };
    Value { expr: value.expr, ty: Ty::Xlated(Rc::new(made)) }
}

/// Whether evaluating it twice is not the same as once.
fn changes(value: &Expr) -> bool {
    struct Changes(bool);
    impl Visitor for Changes {
        fn expr(&mut self, e: &Expr) {
            self.0 |= match &e.kind {
                ExprKind::Block(..) | ExprKind::IncDec { .. } | ExprKind::Builtin(Builtin::Rand) => true,
                ExprKind::Call(function, _) => is_different_each_time(*function),
                _ => false,
            };
        }
    }
    let mut changes = Changes(false);
    visit::expr(value, &mut changes);
    changes.0
}

fn is_different_each_time(function: Function) -> bool {
    matches!(
        function,
        Function::Alloca(_)
            | Function::Copy(_)
            | Function::Speculation
            | Function::Str(Space::User)
            | Function::Text(TextFunction::Strtok)
    )
}
