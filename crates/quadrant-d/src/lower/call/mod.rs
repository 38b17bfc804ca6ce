//! Calls in expressions: the subroutines. Actions have no value and are statements.

mod memory;
mod net;
mod prototype;
mod symbols;
mod text;

pub(super) use symbols::symbol;

use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind, Function};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;
use quadrant_types::suggest;

use super::Lower;
use super::action;
use super::aggregate;
use super::translate::Frame;
use super::value::{Int, Ty, Value};
use crate::ast::{self, Ident, Scope};
use crate::message::counted;

/// A call at hand.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub name: &'a str,
    pub args: &'a [ast::Expr],
    pub span: Span,
}

/// Subroutines, with the least and the greatest number of their arguments.
const SUBROUTINES: &[(&str, usize, usize)] = &[
    // For libraries: texts one after the other in the memory of the process, as `pr_psargs` shows them.
    ("__joined", 2, 2),
    // The path of an entry in its file system, however deep.
    ("__dentry_path", 1, 1),
    ("alloca", 1, 1),
    ("basename", 1, 1),
    ("bcopy", 3, 3),
    ("cleanpath", 1, 1),
    ("copyin", 2, 2),
    ("copyinstr", 1, 2),
    ("copyinto", 3, 3),
    ("copyout", 3, 3),
    ("copyoutstr", 3, 3),
    ("d_path", 1, 1),
    ("dirname", 1, 1),
    ("func", 1, 1),
    ("getmajor", 1, 1),
    ("getminor", 1, 1),
    ("htonl", 1, 1),
    ("htonll", 1, 1),
    ("htons", 1, 1),
    ("index", 2, 3),
    ("inet_ntoa", 1, 1),
    ("inet_ntoa6", 1, 1),
    ("inet_ntop", 2, 2),
    ("jstack", 0, 2),
    ("json", 2, 2),
    ("link_ntop", 2, 2),
    ("lltostr", 1, 2),
    ("mod", 1, 1),
    ("mutex_owned", 1, 1),
    ("mutex_owner", 1, 1),
    ("mutex_type_adaptive", 1, 1),
    ("mutex_type_spin", 1, 1),
    ("ntohl", 1, 1),
    ("ntohll", 1, 1),
    ("ntohs", 1, 1),
    ("progenyof", 1, 1),
    ("rand", 0, 0),
    ("rindex", 2, 3),
    ("rw_iswriter", 1, 1),
    ("rw_read_held", 1, 1),
    ("rw_write_held", 1, 1),
    ("speculation", 0, 0),
    ("stack", 0, 1),
    ("strchr", 2, 2),
    ("strjoin", 2, 2),
    ("strlen", 1, 1),
    ("strrchr", 2, 2),
    ("strstr", 2, 2),
    ("strtok", 2, 2),
    ("strtoll", 1, 2),
    ("substr", 2, 3),
    ("sym", 1, 1),
    ("tolower", 1, 1),
    ("toupper", 1, 1),
    ("uaddr", 1, 1),
    ("ufunc", 1, 1),
    ("umod", 1, 1),
    ("ustack", 0, 2),
    ("usym", 1, 1),
];

/// Subroutines of other systems, and why they are not here.
const ABSENT: &[(&str, &str)] = &[
    ("msgsize", "it is about STREAMS, which Linux does not have"),
    ("msgdsize", "it is about STREAMS, which Linux does not have"),
    ("ddi_pathname", "it is about Solaris' device tree, which Linux does not have"),
    ("getf", "it gives a file_t of Solaris: use `fds[fd]`"),
    ("vmregs", "it is about a virtual machine monitor that Linux does not have"),
];

/// Subroutines that are expressions of D over the kernel's own structures.
const WRITTEN: &[(&str, &str)] = &[
    ("mutex_owned", "((uintptr_t)(((struct mutex *)a)->owner.counter & ~7UL) == (uintptr_t)curthread)"),
    ("mutex_owner", "((struct task_struct *)(((struct mutex *)a)->owner.counter & ~7UL))"),
    ("mutex_type_adaptive", "1"),
    ("mutex_type_spin", "0"),
    ("rw_iswriter", "(((struct rw_semaphore *)a)->count.counter & 1)"),
    (
        "rw_write_held",
        "((((struct rw_semaphore *)a)->owner.counter & ~7UL) == (long)curthread && (((struct rw_semaphore *)a)->count.counter & 1))",
    ),
    ("rw_read_held", "((((struct rw_semaphore *)a)->count.counter & ~255L) != 0)"),
    ("getmajor", "((unsigned int)(a) >> 20)"),
    ("getminor", "((unsigned int)(a) & 0xfffff)"),
];

/// What messages call an aggregating function, which has no value.
pub(super) const AGGREGATING: &str = "aggregating function";

/// What a call is that has no value.
pub(super) fn valueless(expr: &ast::Expr) -> Option<&'static str> {
    let callee = match &expr.kind {
        ast::ExprKind::Call { callee, .. } => callee,
        ast::ExprKind::Ternary { then, other, .. } => return valueless(then).or_else(|| valueless(other)),
        _ => return None,
    };
    match callee.name.as_str() {
        name if aggregate::is_function(name) => Some(AGGREGATING),
        name if action::is_action(name) => Some("void"),
        _ => None,
    }
}

impl Lower<'_> {
    /// As [`valueless`]; also the type of an address that is shown by its name, which is nothing to go on with.
    pub(super) fn no_value(&mut self, expr: &ast::Expr) -> Option<Option<&'static str>> {
        match &expr.kind {
            ast::ExprKind::Call { callee, .. } if symbols::is_symbol(&callee.name) => {
                let value = self.recorded(expr)?;
                let is_user = matches!(value.ty, Ty::Special(Type::Symbol { user: true, .. }));
                Some(Some(if is_user { "_usymaddr" } else { "_symaddr" }))
            }
            _ => Some(valueless(expr)),
        }
    }

    /// The value of a call.
    pub(super) fn call(&mut self, callee: &Ident, args: &[ast::Expr], span: Span) -> Option<Value> {
        let name = callee.name.as_str();
        let call = Call { name, args, span };
        if let Some((_, least, most)) = SUBROUTINES.iter().find(|(known, ..)| *known == name) {
            self.count_args(&call, *least, *most)?;
            return self.subroutine(&call);
        }
        if aggregate::is_function(name) {
            return self.fail(
                callee.span,
                "D_CG_EXPR",
                format!(
                    "aggregating function {name}( ) may not be called from a D expression (D program context required)"
                ),
            );
        }
        if action::is_action(name) {
            return self.fail(
                callee.span,
                "D_CG_EXPR",
                format!("{name}( ) may not be called from a D expression (D program context required)"),
            );
        }
        self.unknown_function(callee)
    }

    /// Whether a name is a subroutine's.
    pub(super) fn is_subroutine(name: &str) -> bool {
        SUBROUTINES.iter().any(|(known, ..)| *known == name)
    }

    /// What kind of function a name is, if it is one.
    pub(super) fn function_kind(name: &str) -> Option<&'static str> {
        match name {
            _ if aggregate::is_function(name) => Some(AGGREGATING),
            _ if action::is_action(name) => Some("tracing function"),
            _ => Lower::is_subroutine(name).then_some("function"),
        }
    }

    pub(super) fn unknown_function<T>(&mut self, callee: &Ident) -> Option<T> {
        let name = callee.name.as_str();
        if super::builtin::is_builtin(name) || self.variable(Scope::Global, name).is_some() {
            let message = format!("scalar '{name}' may not be referenced as a function");
            return self.fail(callee.span, "D_FUNC_IDKIND", message);
        }
        let message = format!("undefined function name: {name}");
        if let Some((_, why)) = ABSENT.iter().find(|(known, _)| *known == name) {
            return self.fail_help(callee.span, "D_FUNC_UNDEF", message, *why);
        }
        let names = SUBROUTINES.iter().map(|(name, ..)| *name);
        let near = suggest(name, names.chain(action::names()).chain(aggregate::names()));
        self.fail_near(callee.span, "D_FUNC_UNDEF", message, near)
    }

    /// Checks the number of arguments; what is wrong inside of them is told first.
    pub(super) fn count_args(&mut self, call: &Call, least: usize, most: usize) -> Option<()> {
        let got = call.args.len();
        if (least..=most).contains(&got) {
            return Some(());
        }
        for arg in call.args.iter().filter(|arg| valueless(arg).is_none()) {
            self.expr(arg)?;
        }
        let wanted = match (least == most, got < least) {
            (true, _) => format!("{least}"),
            (false, true) => format!("at least {least}"),
            (false, false) => format!("at most {most}"),
        };
        let name = call.name;
        self.fail(
            call.span,
            "D_PROTO_LEN",
            format!("{name}( ) prototype mismatch: {} passed, {wanted} expected", counted(got, "arg")),
        )
    }

    /// An argument is not what it should be.
    pub(super) fn bad_arg<T>(&mut self, call: &Call, number: usize, wanted: &str, value: &Value) -> Option<T> {
        let got = self.type_name(&value.ty);
        self.bad_arg_of(call, number, wanted, (&got, value.expr.span))
    }

    /// The value of an argument, which a call without a value is not.
    pub(super) fn argument_value(&mut self, call: &Call, number: usize, prototype: &str) -> Option<Value> {
        let arg = call.args.get(number - 1)?;
        match self.no_value(arg)? {
            Some(what) => self.bad_arg_of(call, number, prototype, (what, arg.span)),
            None => self.expr(arg),
        }
    }

    /// An argument of type `got` is not what it should be.
    pub(super) fn bad_arg_of<T>(
        &mut self,
        call: &Call,
        number: usize,
        wanted: &str,
        (got, span): (&str, Span),
    ) -> Option<T> {
        let name = call.name;
        let wanted = prototype::of(name, number).unwrap_or(wanted);
        self.fail(
            span,
            "D_PROTO_ARG",
            format!("{name}( ) argument #{number} is incompatible with prototype:\n\tprototype: {wanted}\n\t argument: {got}"),
        )
    }

    /// An argument that is a number, as one of 64 bits.
    pub(super) fn int_arg(&mut self, call: &Call, number: usize) -> Option<Expr> {
        self.int_arg_as(call, number, "int64_t")
    }

    /// As [`Lower::int_arg`], with the type that messages tell.
    pub(super) fn int_arg_as(&mut self, call: &Call, number: usize, prototype: &str) -> Option<Expr> {
        let value = self.argument_value(call, number, prototype)?;
        match self.int_of(&value.ty) {
            Some(int) => Some(self.cut(value.expr, if int.signed { Int::LONG } else { Int::ULONG })),
            None => self.bad_arg(call, number, prototype, &value),
        }
    }

    /// An argument that is an address: a pointer, or a number.
    pub(super) fn address_arg(&mut self, call: &Call, number: usize) -> Option<Expr> {
        let value = self.argument_value(call, number, "void *")?;
        self.address_of_arg(call, number, value)
    }

    /// As [`Lower::address_arg`], of its value.
    pub(super) fn address_of_arg(&mut self, call: &Call, number: usize, value: Value) -> Option<Expr> {
        if self.is_scalar(&value.ty) {
            return Some(self.address(value));
        }
        if let Some(quadrant_types::CType::Array { .. }) = self.kind(&value.ty) {
            return Some(self.cut(quadrant_program::build::place_of(value.expr).0, Int::ULONG));
        }
        self.bad_arg(call, number, "void *", &value)
    }

    /// An argument that is a pointer, or a null.
    pub(super) fn pointer_arg(&mut self, call: &Call, number: usize, prototype: &str) -> Option<Expr> {
        let value = self.argument_value(call, number, prototype)?;
        if self.int_of(&value.ty).is_some() && !value.is_zero() {
            return self.bad_arg(call, number, prototype, &value);
        }
        self.address_of_arg(call, number, value)
    }

    /// An argument that is text.
    pub(super) fn text_arg(&mut self, call: &Call, number: usize) -> Option<Expr> {
        let value = self.argument_value(call, number, "char *")?;
        match self.text_or_null(value.clone()) {
            Some(text) if !matches!(value.ty, Ty::Aggregation) => Some(self.present(text.expr)),
            _ => self.bad_arg(call, number, "char *", &value),
        }
    }

    fn subroutine(&mut self, call: &Call) -> Option<Value> {
        if let Some((_, text)) = WRITTEN.iter().find(|(name, _)| *name == call.name) {
            return self.written(call, text);
        }
        match call.name {
            "alloca" | "bcopy" | "copyin" | "copyinstr" | "copyinto" | "copyout" | "copyoutstr" => {
                self.memory_call(call)
            }
            "stack" | "ustack" | "jstack" => self.stack_value(call),
            name if symbols::is_symbol(name) => self.symbol_as_value(call),
            "htons" | "htonl" | "htonll" | "ntohs" | "ntohl" | "ntohll" | "inet_ntoa" | "inet_ntoa6" | "inet_ntop"
            | "link_ntop" => self.net_call(call),
            "progenyof" => {
                let pid = self.int_arg(call, 1)?;
                Some(self.truth(ExprKind::Call(Function::ProgenyOf, vec![pid]), call.span))
            }
            "rand" => Some(self.random(call.span)),
            "speculation" => {
                let kind = ExprKind::Call(Function::Speculation, Vec::new());
                Some(self.typed(kind, Type::U64, "int", call.span))
            }
            _ => self.text_call(call),
        }
    }

    /// A random number that is not negative.
    fn random(&mut self, span: Span) -> Value {
        let number = Expr::new(ExprKind::Builtin(Builtin::Rand), Type::U32, span);
        let one = Expr::int(1, Type::U32, span);
        let half = ExprKind::Binary(BinaryOp::Shr, Box::new(number), Box::new(one));
        self.typed(half, Type::U32, "int", span)
    }

    /// A subroutine that is written in D, with its argument as `a`.
    fn written(&mut self, call: &Call, text: &str) -> Option<Value> {
        let value = self.expr(call.args.first()?)?;
        let takes_pointer = prototype::of(call.name, 1).is_some_and(|prototype| prototype.ends_with('*'));
        let is_number = self.int_of(&value.ty).is_some() && !value.is_zero();
        if !self.is_scalar(&value.ty) || takes_pointer && is_number {
            return self.bad_arg(call, 1, "void *", &value);
        }
        self.piece_with([("a".to_owned(), value)], text, call.span)
    }

    /// The value of a piece of D in which words mean these values.
    pub(super) fn piece_with<const N: usize>(
        &mut self,
        names: [(String, Value); N],
        text: &str,
        span: Span,
    ) -> Option<Value> {
        let expr = self.piece_of_d(text);
        let frame = Frame { names: names.into(), words: false, at: span };
        let mut value = self.within(frame, |lower| lower.expr(&expr))?;
        value.expr.span = span;
        Some(value)
    }
}
