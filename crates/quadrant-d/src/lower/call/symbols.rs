//! Stacks, and addresses shown by name.

use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::ty::{StackMode, StackType, SymbolPart, Type};

use super::super::Lower;
use super::super::value::{Ty, Value};
use super::Call;

/// The most frames that the kernel takes.
const MAX_FRAMES: i64 = 127;

impl Lower<'_> {
    pub(super) fn symbol_call(&mut self, call: &Call) -> Option<Value> {
        let (user, part) = match call.name {
            "stack" => return self.stack_call(call, false),
            "ustack" | "jstack" => return self.stack_call(call, true),
            "sym" | "func" => (false, SymbolPart::Function),
            "mod" => (false, SymbolPart::Module),
            "usym" | "ufunc" => (true, SymbolPart::Function),
            "umod" => (true, SymbolPart::Module),
            _ => (true, SymbolPart::Address),
        };
        let address = self.address_arg(call, 1)?;
        Some(symbol(address, user, part))
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
