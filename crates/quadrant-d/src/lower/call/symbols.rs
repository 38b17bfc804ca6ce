//! Stacks, and addresses shown by name.

use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::span::Span;
use quadrant_program::ty::{StackMode, StackType, SymbolPart, Type};

use super::super::Lower;
use super::super::value::{Ty, Value};
use super::Call;
use crate::ast;

/// The most frames that the kernel takes.
const MAX_FRAMES: i64 = 127;

/// What functions show of an address: whether it is a user's, and which part of its name.
const SYMBOLS: &[(&str, bool, SymbolPart)] = &[
    ("func", false, SymbolPart::Function),
    ("mod", false, SymbolPart::Module),
    ("sym", false, SymbolPart::Function),
    ("uaddr", true, SymbolPart::Address),
    ("ufunc", true, SymbolPart::Function),
    ("umod", true, SymbolPart::Module),
    ("usym", true, SymbolPart::Function),
];

/// Whether a function shows an address by name.
pub(in super::super) fn is_symbol(name: &str) -> bool {
    SYMBOLS.iter().any(|(known, ..)| *known == name)
}

impl Lower<'_> {
    /// A value that is recorded as it is, as a key or by a statement of its own: also an address by its name.
    pub(in super::super) fn recorded(&mut self, expr: &ast::Expr) -> Option<Value> {
        match &expr.kind {
            ast::ExprKind::Call { callee, args } if is_symbol(&callee.name) => {
                let call = Call { name: &callee.name, args, span: expr.span };
                self.count_args(&call, 1, 1)?;
                self.symbol_call(&call)
            }
            _ => self.expr(expr),
        }
    }

    fn symbol_call(&mut self, call: &Call) -> Option<Value> {
        let (_, user, part) = *SYMBOLS.iter().find(|(known, ..)| *known == call.name)?;
        let address = self.address_arg(call, 1)?;
        Some(symbol(address, user, part))
    }

    /// An address by its name is nothing to go on with.
    pub(super) fn symbol_as_value(&mut self, call: &Call) -> Option<Value> {
        self.symbol_call(call)?;
        self.refuse_symbol(call.name, call.span)
    }

    fn refuse_symbol<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let message =
            format!("tracing function {name}( ) may not be called from a D expression (D program context required)");
        let help = "it is a statement of its own, or a key; `printf(\"%a\", address)` shows a name, too";
        self.fail_help(span, "D_CG_EXPR", message, help)
    }

    /// What is shown is no address by its name.
    pub(in super::super) fn check_no_symbol(&mut self, arg: &ast::Expr, value: &Value) -> Option<()> {
        match (&value.ty, &arg.kind) {
            (Ty::Special(Type::Symbol { .. }), ast::ExprKind::Call { callee, .. }) => {
                self.refuse_symbol(&callee.name, arg.span)
            }
            _ => Some(()),
        }
    }

    pub(super) fn stack_value(&mut self, call: &Call) -> Option<Value> {
        self.stack_call(call, call.name != "stack")
    }

    fn stack_call(&mut self, call: &Call, user: bool) -> Option<Value> {
        let usual = if user { self.settings.ustackframes } else { self.settings.stackframes };
        let tag = if user { "D_USTACK_FRAMES" } else { "D_STACK_SIZE" };
        let limit = self.stack_arg(call, 1, 1, (tag, "a non-zero positive"))?.unwrap_or(usual.into());
        self.stack_arg(call, 2, 0, ("D_USTACK_STRSIZE", "a positive"))?;
        let ty = Type::Stack(StackType { user, limit: limit.clamp(1, MAX_FRAMES) as u8, mode: StackMode::Dtrace });
        let expr = Expr::new(ExprKind::Call(Function::Stack, Vec::new()), ty.clone(), call.span);
        Some(Value { expr, ty: Ty::Special(ty) })
    }

    /// An argument of a stack, if there is one: a constant that is not less than `least`.
    fn stack_arg(
        &mut self,
        call: &Call,
        number: usize,
        least: i64,
        (tag, what): (&'static str, &str),
    ) -> Option<Option<i64>> {
        let Some(arg) = call.args.get(number - 1) else { return Some(None) };
        let value = self.expr(arg)?;
        if self.int_of(&value.ty).is_none() {
            return self.bad_arg(call, number, "uint32_t", &value);
        }
        match value.constant() {
            Some(constant) if constant >= least => Some(Some(constant)),
            _ => {
                let name = call.name;
                self.fail(arg.span, tag, format!("{name}( ) argument #{number} must be {what} integer constant"))
            }
        }
    }
}

/// An address shown by name.
pub(in super::super) fn symbol(address: Expr, user: bool, part: SymbolPart) -> Value {
    let ty = Type::Symbol { user, part };
    let span = address.span;
    Value { expr: Expr::new(ExprKind::Call(Function::Symbol, vec![address]), ty.clone(), span), ty: Ty::Special(ty) }
}
