//! Functions in C that a script brings in (`import "file.bpf.c"`).

use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::import::{Signature, Target, Value};
use quadrant_program::span::Span;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{BtfKind, TypeId};

use super::super::Lower;
use super::{Called, wrong_count};
use crate::ast::{self, Ident};

impl Lower<'_> {
    /// A call of a function in C; the outer `None` if there is none of that name.
    pub(super) fn import_call(&mut self, callee: &Ident, args: &[ast::Expr], span: Span) -> Option<Option<Called>> {
        let number = self.program.imported_number(&callee.name)?;
        let signature = self.program.imported(number)?.1.clone();
        Some(self.call_import(number, &signature, args, span))
    }

    fn call_import(&mut self, number: u32, signature: &Signature, args: &[ast::Expr], span: Span) -> Option<Called> {
        let Signature { name, params, result } = signature;
        if params.len() != args.len() {
            return self.error(span, wrong_count(name, (params.len(), params.len()), args.len()));
        }
        let given: Vec<Option<Expr>> =
            params.iter().zip(args).map(|(param, arg)| self.import_argument(name, param, arg)).collect();
        let given: Vec<Expr> = given.into_iter().collect::<Option<_>>()?;
        let call = ExprKind::Call(Function::Imported(number), given);
        let Some(result) = result else {
            return Some(Called::Effect(StmtKind::Expr(Expr::new(call, Type::None, span))));
        };
        let ty = self.type_in_c(name, result, span)?;
        Some(Called::Value(Expr::new(call, ty, span)))
    }

    /// An argument: a number, an address, or the place of a value that is kept in memory.
    fn import_argument(&mut self, function: &str, param: &Value, arg: &ast::Expr) -> Option<Expr> {
        let value = self.expr(arg)?;
        let wanted = self.type_in_c(function, param, arg.span)?;
        let fits = value.ty.is_integer() || value.ty == Type::Bool;
        self.in_register(function, value, (&wanted, fits), arg.span)
    }

    fn type_in_c(&mut self, function: &str, value: &Value, span: Span) -> Option<Type> {
        match value {
            Value::Number { bytes, signed } => Some(Type::Int { bytes: *bytes, signed: *signed }),
            Value::Truth => Some(Type::Bool),
            Value::Address(target) => Some(Type::Pointer { to: self.target_in_c(target), space: Space::Kernel }),
            Value::Other(text) => {
                self.error(span, format!("{function}() has `{text}` among its types, which no register holds"))
            }
        }
    }

    /// What is at an address, by the script's types or the kernel's; bytes if neither has it.
    fn target_in_c(&self, target: &Target) -> TypeId {
        let types = self.env.types;
        let bytes = || types.int(1, false);
        match target {
            Target::Struct(name) => {
                types.lookup_name_with_kind(name, &[BtfKind::Struct, BtfKind::Union]).unwrap_or_else(bytes)
            }
            Target::Number { bytes, signed } => types.int(u32::from(*bytes), *signed),
            Target::Unknown => bytes(),
        }
    }
}
