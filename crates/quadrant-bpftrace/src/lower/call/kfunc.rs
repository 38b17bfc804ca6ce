//! Functions of the kernel that a script calls by their names (kfuncs).

use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind, Function, Place};
use quadrant_program::format::Format;
use quadrant_program::record::RecordKind;
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, KernelFunc, TypeId};

use super::super::Lower;
use super::super::elsewhere::written_here;
use super::super::expr::literal_text;
use super::{Called, wrong_count};
use crate::ast::{self, Ident};

/// The room for a task's name, its NUL included.
const COMM_LEN: u32 = 16;

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
            if let Some(here) = written_here(name) {
                return self.error_near(span, message, Some(here));
            }
            let help = "programs may call few of its functions: `if comptime kfunc_allowed(\"name\")` asks";
            return self.error_help(span, message, help);
        }
        let params = &function.proto.params;
        if params.len() != args.len() {
            return self.error(span, wrong_count(name, (params.len(), params.len()), args.len()));
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
        let fits = wanted.is_integer() && value.ty.is_integer();
        self.in_register(function, value, (&wanted, fits), arg.span)
    }

    /// A value as an argument in a register: as an address where one is wanted, else as a number if it `fits`.
    pub(super) fn in_register(
        &mut self,
        function: &str,
        value: Expr,
        (wanted, fits): (&Type, bool),
        span: Span,
    ) -> Option<Expr> {
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
            _ if fits && !is_address => Some(self.cast(value, wanted)),
            (_, ty) => {
                let (wanted, got) = (self.describe(wanted), self.describe(ty));
                self.error(span, format!("{function}() takes {wanted} here, and this is {got}"))
            }
        }
    }

    /// `comm(number)`: the name of another task; one that there is not has none, which is said when it happens.
    pub(super) fn name_of(&mut self, number: &ast::Expr, span: Span) -> Option<Expr> {
        let given = self.expr(number)?;
        if !given.ty.is_integer() {
            let ty = self.describe(&given.ty);
            return self.error(number.span, format!("comm() takes a number here, and this is {ty}"));
        }
        let function = self.finder(span)?;
        let given = self.cast(given, &Type::I32);
        let (given, number) = self.keep(given);
        let name = self.temporary(Type::String { cap: COMM_LEN });
        let read = Expr::new(ExprKind::Call(function, vec![number.clone()]), Type::String { cap: COMM_LEN }, span);
        let read = Stmt::new(StmtKind::Assign(Place::Var(name), read), span);
        let name = Expr::new(ExprKind::Var(name), Type::String { cap: COMM_LEN }, span);
        let missing = self.warn_of_nobody(&name, number, span)?;
        let ty = name.ty.clone();
        Some(Expr::new(ExprKind::Block(vec![given, read, missing], Box::new(name)), ty, span))
    }

    /// What finds a task by its number, if this kind of probe may.
    fn finder(&mut self, span: Span) -> Option<Function> {
        let types = self.env.types;
        let (Ok(find), Ok(release)) = (types.btf_func("bpf_task_from_pid"), types.btf_func("bpf_task_release")) else {
            let help = "the kernel has it from Linux 6.2 on";
            return self.error_help(span, "comm(pid) needs the kernel's bpf_task_from_pid()", help);
        };
        if !self.may_call(&find) {
            let kind = self.scope.kind.name();
            return self.error(span, format!("comm(pid) cannot be used in a probe of type `{kind}`"));
        }
        if !self.env.symbols.numbers_as_the_machine() {
            let message =
                "comm(pid) takes the numbers that the whole machine has for processes, and the tracer sees others";
            return self.error_help(span, message, "run it outside of the pid namespace (container) that it is in");
        }
        let task = types.lookup_struct("task_struct")?;
        let at = (types.find_member(task, "comm")?.bit_offset / 8) as u32;
        Some(Function::NameOf { find: find.btf_id, release: release.btf_id, at })
    }

    fn warn_of_nobody(&mut self, name: &Expr, number: Expr, span: Span) -> Option<Stmt> {
        let (format, _) = Format::parse_loose(b"No such process (pid=%d)", &["d"]).ok()?;
        let warning = self.emit(RecordKind::Warnf(format), vec![number], span);
        let (lhs, rhs) = (Box::new(name.clone()), Box::new(literal_text(b"", span)));
        let cond = Expr::new(ExprKind::MemEq { lhs, rhs, negate: false }, Type::Bool, span);
        Some(Stmt::new(StmtKind::If { cond, then: vec![Stmt::new(warning, span)], other: Vec::new() }, span))
    }
}
