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
        let limit = match call.args.first() {
            None => i64::from(usual),
            Some(arg) => {
                let value = self.expr(arg)?;
                match value.constant() {
                    Some(frames) if frames >= 0 => frames,
                    _ => {
                        let (tag, name) =
                            if user { ("D_USTACK_FRAMES", call.name) } else { ("D_STACK_SIZE", call.name) };
                        return self.fail(
                            arg.span,
                            tag,
                            format!("{name}( ) argument #1 must be a non-zero positive integer constant"),
                        );
                    }
                }
            }
        };
        if let Some(size) = call.args.get(1) {
            self.constant(size)?;
        }
        let limit = if limit == 0 { i64::from(usual) } else { limit };
        let ty = Type::Stack(StackType { user, limit: limit.clamp(1, MAX_FRAMES) as u8, mode: StackMode::Dtrace });
        let expr = Expr::new(ExprKind::Call(Function::Stack, Vec::new()), ty.clone(), call.span);
        Some(Value { expr, ty: Ty::Special(ty) })
    }
}

/// An address shown by name.
pub(in super::super) fn symbol(address: Expr, user: bool, part: SymbolPart) -> Value {
    let ty = Type::Symbol { user, part };
    let span = address.span;
    Value { expr: Expr::new(ExprKind::Call(Function::Symbol, vec![address]), ty.clone(), span), ty: Ty::Special(ty) }
}
