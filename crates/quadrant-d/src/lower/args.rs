//! What a probe offers: `arg0`, `args[0]`, `errno`, as its provider describes them.

use std::rc::Rc;

use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::probe::{ArgLoc, Field, FieldPlace, Operand};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::CType;

use super::Lower;
use super::facts::Fact;
use super::translate::{Frame, Whose};
use super::value::{Int, Ty, Value};
use crate::ast;
use crate::message::counted;
use crate::providers::{ArgType, Value as Place};

impl Lower<'_> {
    /// `arg0` to `arg9`: 64-bit numbers.
    pub(super) fn raw_argument(&mut self, number: u8, span: Span) -> Option<Value> {
        if self.frames.last().is_some_and(|frame| frame.words) {
            return self.input(number, span);
        }
        let index = usize::from(number);
        self.consult(Fact::Raw(index));
        if self.clause.at_error {
            return Some(self.typed(ExprKind::Arg(number), Type::I64, "int64_t", span));
        }
        let place = self.clause.layout.as_ref().and_then(|layout| layout.raw.get(index).cloned());
        let Some(place) = place else {
            return Some(self.typed(ExprKind::Int(0), Type::I64, "int64_t", span));
        };
        let value = self.placed(&place, span)?;
        self.as_number(value, span)
    }

    /// `arg0` in a text of the provider.
    fn input(&mut self, number: u8, span: Span) -> Option<Value> {
        self.consult(Fact::Inputs);
        let place = self.clause.layout.as_ref().and_then(|layout| layout.inputs.get(usize::from(number)).cloned());
        let value = self.placed(&place.unwrap_or(Place::Word(number)), span)?;
        self.as_number(value, span)
    }

    /// What an argument is as a number: itself, or where it is.
    fn as_number(&mut self, value: Value, span: Span) -> Option<Value> {
        let expr = match (value.expr.ty.is_scalar(), value.expr.kind) {
            (true, kind) => Expr { kind, ..value.expr },
            // Text of varying length: what counts is its address.
            (false, ExprKind::Call(Function::Str(_), mut args)) => args.swap_remove(0),
            (false, kind) => quadrant_program::build::place_of(Expr { kind, ..value.expr }).0,
        };
        let expr = self.cut(expr, Int::LONG);
        Some(self.typed(expr.kind, Int::LONG.model(), "int64_t", span))
    }

    /// The key of `args[]` or `uregs[]`.
    pub(super) fn constant_index(&mut self, key: &ast::Expr, array: &str) -> Option<i64> {
        let value = self.expr(key)?;
        if let Some(index) = value.constant() {
            return Some(index);
        }
        let got = self.type_name(&value.ty);
        self.fail(
            key.span,
            "D_PROTO_ARG",
            format!("{array}[ ] argument #1 is incompatible with prototype:\n\tprototype: integer constant\n\t argument: {got}"),
        )
    }

    /// `args[n]`
    pub(super) fn argument(&mut self, keys: &[ast::Expr], span: Span) -> Option<Value> {
        let [key] = keys else {
            let got = counted(keys.len(), "arg");
            return self.fail(span, "D_PROTO_LEN", format!("args[ ] prototype mismatch: {got} passed, 1 expected"));
        };
        let index = self.constant_index(key, "args")?;
        self.consult(Fact::Args);
        let Some(layout) = self.clause.layout.clone() else {
            return Some(self.typed(ExprKind::Int(0), Type::I64, "int64_t", span));
        };
        if layout.args_vary {
            return self.fail(
                span,
                "D_ARGS_MULTI",
                "args[ ] may not be referenced because probe description matches an unstable set of probes",
            );
        }
        let Some(arg) = usize::try_from(index).ok().and_then(|index| layout.args.get(index)) else {
            let described = &self.clause.described;
            let message = format!("index {index} is out of range for {described} args[ ]");
            return self.fail(key.span, "D_ARGS_IDX", message);
        };
        let ty = match &arg.ty {
            ArgType::C(id) => self.ty_of(*id),
            ArgType::D(text) => self.layout_type(text, span)?,
        };
        let value = self.placed(&arg.value, span)?;
        self.shaped_argument(value, &ty, span)
    }

    fn shaped_argument(&mut self, value: Value, ty: &Ty, span: Span) -> Option<Value> {
        match (ty, &value.ty) {
            (Ty::C(a), Ty::C(b)) if self.types.same(*a, *b) => Some(Value { ty: ty.clone(), ..value }),
            (Ty::C(_), Ty::Text) => Some(value),
            _ => self.shaped(value, ty, span, Whose::Argument),
        }
    }

    /// `errno`: the number of the error with which the system call failed, or 0.
    pub(super) fn errno(&mut self, span: Span) -> Option<Value> {
        self.consult(Fact::Errno);
        let text = self.clause.layout.as_ref().and_then(|layout| layout.errno.clone());
        match text {
            Some(text) => {
                let value = self.layout_text(&text, span)?;
                Some(self.to_int(value, Int::INT))
            }
            None => Some(self.number(0, Int::INT, span)),
        }
    }

    /// The value of a piece of D that the provider gives.
    pub(super) fn layout_text(&mut self, text: &str, span: Span) -> Option<Value> {
        let expr = self.piece_of_d(text);
        let frame = Frame { words: true, at: span, ..Frame::default() };
        let mut value = self.within(frame, |lower| lower.expr(&expr))?;
        value.expr.span = span;
        Some(value)
    }

    pub(super) fn piece_of_d(&mut self, text: &str) -> Rc<ast::Expr> {
        if let Some(known) = self.pieces.get(text) {
            return known.clone();
        }
        let part = self.texts.add("provider", None, text);
        let (expr, diagnostics) = crate::parse_expr_part(&self.texts.text, part);
        self.diagnostics.extend(diagnostics);
        let expr = Rc::new(expr);
        self.pieces.insert(text.to_owned(), expr.clone());
        expr
    }

    fn layout_type(&mut self, text: &str, span: Span) -> Option<Ty> {
        let part = self.texts.add("provider", None, text);
        let (ty, diagnostics) = crate::parse_type_part(&self.texts.text, part);
        if !diagnostics.is_empty() {
            return self.fail(span, "D_ARGS_TYPE", format!("failed to resolve the type of an argument: {text}"));
        }
        self.type_expr(&ty)
    }

    /// The value at a place that the provider describes.
    fn placed(&mut self, place: &Place, span: Span) -> Option<Value> {
        match place {
            Place::Field(field) => self.argument_field(field, span),
            Place::Word(number) => Some(self.typed(ExprKind::Arg(*number), Type::U64, "int64_t", span)),
            Place::Result => Some(self.typed(ExprKind::Retval, Type::U64, "int64_t", span)),
            Place::At(place) => self.operand(place, span),
            Place::Pc(user) => {
                let kind = ExprKind::Call(Function::InstructionPointer(*user), Vec::new());
                Some(self.typed(kind, Type::U64, "uint64_t", span))
            }
            Place::Constant(value) => Some(self.number(*value, Int::LONG, span)),
            Place::Text(text) => self.layout_text(text, span),
        }
    }

    fn operand(&mut self, place: &ArgLoc, span: Span) -> Option<Value> {
        if let Operand::Unavailable = place.operand {
            return self.fail(span, "D_ARGS_TYPE", "argument is in a register or memory that eBPF cannot read");
        }
        if place.float {
            return self.fail(
                span,
                "D_ARGS_TYPE",
                "argument is a floating-point number, which D does not compute with",
            );
        }
        Some(self.of_int(ExprKind::ArgAt(*place), Int { bytes: place.bytes, signed: place.signed }, span))
    }

    fn argument_field(&mut self, field: &Field, span: Span) -> Option<Value> {
        let ty = self.ty_of(field.ty);
        match field.place {
            FieldPlace::Context { offset, .. } => {
                let pointer = Type::Pointer { to: field.ty, space: Space::Context };
                let addr = Expr::new(ExprKind::ContextAddr(offset), pointer, span);
                self.read_at(addr, field.ty, Space::Context, span)
            }
            FieldPlace::DataLoc { offset, relative } => self.dynamic_field(field, offset, relative, span),
            // D's providers number what user functions get.
            FieldPlace::User(_) => self.fail(span, "D_ARGS_TYPE", "argument of a user function has no name in D"),
            FieldPlace::Arg(_) | FieldPlace::Result => {
                let kind = match field.place {
                    FieldPlace::Arg(number) => ExprKind::Arg(number),
                    _ => ExprKind::Retval,
                };
                let value = Expr::new(kind, Type::U64, span);
                let expr = match (self.int_of(&ty), &ty) {
                    (Some(int), _) => self.cut(value, int),
                    (None, Ty::C(id)) if self.pointee(&ty).is_some() => self.pointer(value, *id),
                    _ => return self.fail(span, "D_ARGS_TYPE", "argument that is a whole struct cannot be referenced"),
                };
                Some(Value { expr, ty })
            }
        }
    }

    /// An argument of varying length, somewhere behind the fixed ones: text, or a pointer to its elements.
    fn dynamic_field(&mut self, field: &Field, offset: u32, relative: bool, span: Span) -> Option<Value> {
        let elem = match self.types.kind(field.ty) {
            CType::Array { elem, .. } => elem,
            _ => field.ty,
        };
        let pointer = Type::Pointer { to: elem, space: Space::Kernel };
        let addr = Expr::new(ExprKind::DataLoc { offset, relative }, pointer, span);
        if self.is_char(elem) {
            return Some(self.text_at(addr, Space::Kernel, span));
        }
        Some(Value { expr: addr, ty: Ty::C(self.types.pointer_to(elem)) })
    }
}
