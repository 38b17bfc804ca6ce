//! Functions of the kernel that a script calls by their names (kfuncs).

use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::span::Span;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, KernelFunc, TypeId};

use super::super::Lower;
use super::Called;
use crate::ast::{self, Ident};

impl Lower<'_> {
    /// A call of a function of the kernel; the outer `None` if there is none of that name.
    pub(super) fn kfunc_call(&mut self, callee: &Ident, args: &[ast::Expr], span: Span) -> Option<Option<Called>> {
        let function = self.env.types.btf_func(&callee.name).ok()?;
        Some(self.call_kernel(&callee.name, &function, args, span))
    }

    fn call_kernel(&mut self, name: &str, function: &KernelFunc, args: &[ast::Expr], span: Span) -> Option<Called> {
        let kind = self.scope.kind;
        if !self.may_call(function) {
            let message = format!("the kernel does not let a probe of type `{}` call {name}()", kind.name());
            let help = "programs may call few of its functions: `if comptime kfunc_allowed(\"name\")` asks";
            return self.error_help(span, message, help);
        }
        let params = &function.proto.params;
        if params.len() != args.len() {
            let (s, are) = (if params.len() == 1 { "" } else { "s" }, if args.len() == 1 { "is" } else { "are" });
            let message = format!("{name}() takes {} argument{s}, and {} {are} given", params.len(), args.len());
            return self.error(span, message);
        }
        let given: Vec<Option<Expr>> =
            params.iter().zip(args).map(|(param, arg)| self.kernel_argument(name, param.ty, arg)).collect();
        let given: Vec<Expr> = given.into_iter().collect::<Option<_>>()?;
        let call = ExprKind::Call(Function::Kernel(function.btf_id), given);
        if matches!(self.env.types.kind(function.proto.ret), CType::Void) {
            return Some(Called::Effect(StmtKind::Expr(Expr::new(call, Type::None, span))));
        }
        let ty = self.value_type(function.proto.ret, Space::Kernel, span)?;
        if !ty.is_scalar() {
            let ty = self.describe(&ty);
            return self.error(span, format!("{name}() gives {ty}, which no register holds"));
        }
        Some(Called::Value(Expr::new(call, ty, span)))
    }

    /// Whether programs of this kind of probe may call it.
    pub(super) fn may_call(&mut self, function: &KernelFunc) -> bool {
        let types = self.env.types;
        let tracepoint = types.raw_tracepoint("sys_enter").map_or(0, |tracepoint| tracepoint.btf_id);
        self.env.symbols.kfunc_allowed(self.scope.kind, function.btf_id, tracepoint)
    }

    /// An argument: a number, an address, or the place of a value that is kept in memory.
    fn kernel_argument(&mut self, function: &str, param: TypeId, arg: &ast::Expr) -> Option<Expr> {
        let value = self.expr(arg)?;
        let wanted = self.value_type(param, Space::Kernel, arg.span)?;
        let is_address = matches!(wanted, Type::Pointer { .. });
        match (&value.kind, &value.ty) {
            // The verifier has to see that it is a place of the program.
            (ExprKind::AddrOf(_), Type::Pointer { to, .. }) if is_address => {
                let ty = Type::Pointer { to: *to, space: Space::Program };
                Some(Expr { ty, ..value })
            }
            (_, ty) if is_address && (ty.is_integer() || matches!(ty, Type::Pointer { .. })) => Some(value),
            (_, Type::String { .. } | Type::Buffer { .. } | Type::Record(_) | Type::Array { .. }) if is_address => {
                Some(place_of(value).0)
            }
            (_, ty) if wanted.is_integer() && ty.is_integer() => Some(self.cast(value, &wanted)),
            (_, ty) => {
                let (wanted, got) = (self.describe(&wanted), self.describe(ty));
                self.error(arg.span, format!("{function}() takes {wanted} here, and this is {got}"))
            }
        }
    }
}
