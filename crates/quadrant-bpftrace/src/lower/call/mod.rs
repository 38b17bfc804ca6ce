//! Calls: the table of functions, and what is common to them.

mod aggregate;
mod change;
mod convert;
mod host;
mod import;
mod kernel;
mod kfunc;
mod maps;
mod meta;
mod output;
mod printf;
mod stack;
mod text;

use quadrant_program::expr::{Builtin, Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;
use quadrant_types::suggest;

pub(super) use change::signal_number;

use super::elsewhere::written_here;
use super::expr::float_help;
use super::{Lower, version};
use crate::ast::{self, Ident};

/// What a call comes to.
#[derive(Debug)]
pub(super) enum Called {
    /// A value.
    Value(Expr),
    /// A statement: the function is called for its effect only.
    Effect(StmtKind),
}

/// A call with its arguments not yet lowered: some are names, formats or maps.
#[derive(Debug, Clone, Copy)]
struct Call<'s> {
    name: &'s str,
    args: &'s [ast::Expr],
    span: Span,
}

type Handler = fn(&mut Lower, Call) -> Option<Called>;

/// A function of the language.
struct Entry {
    name: &'static str,
    /// Least and most arguments.
    arity: (usize, usize),
    /// How a call looks, for messages.
    usage: &'static str,
    handler: Handler,
    /// It is called for its effect: it has no value.
    is_effect: bool,
}

/// No limit on the number of arguments.
const ANY: usize = usize::MAX;

/// Functions that take a truth value for a number: `sum(retval == 0)` counts what holds.
const TRUTHS: &[&str] = &[
    "avg",
    "hist",
    "lhist",
    "macaddr",
    "max",
    "min",
    "signal",
    "signal_name",
    "signal_thread",
    "stats",
    "strerror",
    "sum",
    "syscall_name",
    "tseries",
];

const fn entry(name: &'static str, arity: (usize, usize), usage: &'static str, handler: Handler) -> Entry {
    Entry { name, arity, usage, handler, is_effect: false }
}

/// A function that is called for its effect.
const fn effect(name: &'static str, arity: (usize, usize), usage: &'static str, handler: Handler) -> Entry {
    Entry { name, arity, usage, handler, is_effect: true }
}

const FUNCTIONS: &[Entry] = &[
    effect("printf", (1, ANY), "printf(\"format\", values...)", output::printf),
    effect("errorf", (1, ANY), "errorf(\"format\", values...)", output::printf),
    effect("warnf", (1, ANY), "warnf(\"format\", values...)", output::printf),
    effect("system", (1, ANY), "system(\"format\", values...)", output::printf),
    effect("cat", (1, ANY), "cat(\"format\", values...)", output::printf),
    effect("print", (1, 3), "print(value), print(@map[, top[, divisor]])", output::print),
    effect("time", (0, 1), "time([\"format\"])", output::time),
    effect("join", (1, 2), "join(argv[, \"separator\"])", output::join),
    effect("exit", (0, 1), "exit([status])", output::exit),
    effect("clear", (1, 1), "clear(@map)", maps::clear),
    effect("zero", (1, 1), "zero(@map)", maps::clear),
    entry("delete", (1, ANY), "delete(@map, key)", maps::delete),
    entry("has_key", (2, 2), "has_key(@map, key)", maps::has_key),
    entry("len", (1, 1), "len(@map), len(stack)", maps::len),
    entry("str", (1, ANY), "str(address[, length])", text::str),
    entry("buf", (1, 2), "buf(address, length)", text::buf),
    entry("strlen", (1, 1), "strlen(text)", text::strlen),
    entry("strncmp", (3, 3), "strncmp(text, text, length)", text::strncmp),
    entry("strcontains", (2, 2), "strcontains(text, part)", text::strcontains),
    entry("strstr", (2, 2), "strstr(text, part)", text::strstr),
    entry("str_concat", (2, 2), "str_concat(text, text)", text::str_concat),
    entry("kstack", (0, 2), "kstack([mode,] [limit])", stack::stack),
    entry("ustack", (0, 2), "ustack([mode,] [limit])", stack::stack),
    entry("ksym", (1, 1), "ksym(address)", stack::symbol),
    entry("usym", (1, 1), "usym(address)", stack::symbol),
    entry("kaddr", (1, 1), "kaddr(\"symbol\")", host::kaddr),
    entry("uaddr", (1, 1), "uaddr(\"symbol\")", host::uaddr),
    entry("getopt", (1, 3), "getopt(\"name\"[, default[, help]])", host::getopt),
    entry("cgroupid", (1, 1), "cgroupid(\"/path\")", host::cgroupid),
    entry("progenyof", (1, 1), "progenyof(pid)", host::progenyof),
    entry("reg", (1, 1), "reg(\"name\")", host::reg),
    effect("signal", (1, 1), "signal(number or \"name\")", change::signal),
    effect("signal_thread", (1, 1), "signal_thread(number or \"name\")", change::signal),
    effect("write_user", (2, 3), "write_user(address, value), write_user(address, source, length)", change::write_user),
    effect("override", (1, 1), "override(result)", change::override_result),
    entry("path", (1, 2), "path(file.f_path[, length])", kernel::path),
    entry("skboutput", (4, 4), "skboutput(\"file\", args.skb, length, offset)", kernel::skboutput),
    entry("socket_cookie", (1, 1), "socket_cookie(args.sk)", kernel::socket_cookie),
    entry("percpu_kaddr", (1, 2), "percpu_kaddr(\"symbol\"[, cpu])", kernel::percpu_kaddr),
    effect("debugf", (1, ANY), "debugf(\"format\", values...)", kernel::debugf),
    effect("unwatch", (1, 1), "unwatch(address)", host::unwatch),
    entry("nsecs", (0, 1), "nsecs([clock])", convert::nsecs),
    entry("strftime", (2, 2), "strftime(\"format\", nsecs)", convert::strftime),
    entry("strerror", (1, 1), "strerror(errno)", convert::shown),
    entry("syscall_name", (1, 1), "syscall_name(number)", convert::shown),
    entry("signal_name", (1, 1), "signal_name(number)", convert::shown),
    entry("cgroup_path", (1, 2), "cgroup_path(id[, \"pattern\"])", convert::cgroup_path),
    entry("ntop", (1, 2), "ntop([family,] address)", convert::ntop),
    entry("macaddr", (1, 1), "macaddr(bytes)", convert::macaddr),
    entry("bswap", (1, 1), "bswap(number)", convert::bswap),
    entry("kptr", (1, 1), "kptr(pointer)", convert::space),
    entry("uptr", (1, 1), "uptr(pointer)", convert::space),
    entry("pton", (1, 1), "pton(\"address\")", convert::pton),
    entry("memcmp", (3, 3), "memcmp(text, text, length)", text::memcmp),
    entry("strcap", (1, 1), "strcap(text)", meta::strcap),
    entry("is_str", (1, 1), "is_str(value)", meta::is_type),
    entry("is_ptr", (1, 1), "is_ptr(value)", meta::is_type),
    entry("is_array", (1, 1), "is_array(value)", meta::is_type),
    entry("is_integer", (1, 1), "is_integer(value)", meta::is_type),
    entry("is_unsigned_integer", (1, 1), "is_unsigned_integer(value)", meta::is_type),
    entry("is_literal", (1, 1), "is_literal(value)", meta::is_type),
    entry("is_err", (1, 1), "is_err(pointer)", meta::is_err),
    effect("assert", (2, 2), "assert(condition, \"message\")", meta::assert),
    effect("static_assert", (2, 2), "static_assert(condition, \"message\")", meta::static_assert),
    effect("fail", (1, ANY), "fail(\"format\", constants...)", meta::fail),
    effect("assert_str", (1, 1), "assert_str(text)", meta::assert_str),
    entry("container_of", (3, 3), "container_of(pointer, type, member)", meta::container_of),
    entry("kfunc_exist", (1, 1), "kfunc_exist(\"name\")", meta::kfunc_exist),
    entry("kfunc_allowed", (1, 1), "kfunc_allowed(\"name\")", meta::kfunc_allowed),
    entry("default_str_length", (0, 0), "default_str_length()", meta::default_str_length),
    entry(version::FUNCTION, (3, 3), "KERNEL_VERSION(major, patch level, sublevel)", host::version),
    entry("find", (3, 3), "find(@map, key, $variable)", maps::find),
    entry("count", (0, 0), "count()", aggregate::misplaced),
    entry("sum", (1, 1), "sum(number)", aggregate::misplaced),
    entry("min", (1, 1), "min(number)", aggregate::misplaced),
    entry("max", (1, 1), "max(number)", aggregate::misplaced),
    entry("avg", (1, 1), "avg(number)", aggregate::misplaced),
    entry("stats", (1, 1), "stats(number)", aggregate::misplaced),
    entry("hist", (1, 2), "hist(number[, bits])", aggregate::misplaced),
    entry("lhist", (4, 4), "lhist(number, min, max, step)", aggregate::misplaced),
    entry(
        "tseries",
        (3, 4),
        "tseries(number, interval, count[, \"avg\", \"min\", \"max\" or \"sum\"])",
        aggregate::misplaced,
    ),
];

/// Whether there is a function of that name.
pub(super) fn is_function(name: &str) -> bool {
    function_names().any(|known| known == name)
}

/// Whether bpftrace has no function of that name: scripts may have their own.
pub(super) fn is_extension(name: &str) -> bool {
    [version::FUNCTION, "progenyof"].contains(&name)
}

/// The names of the language's functions.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|entry| entry.name)
}

/// Whether there is a function of that name that has a value.
pub(super) fn has_value(name: &str) -> bool {
    FUNCTIONS.iter().any(|entry| entry.name == name && !entry.is_effect)
}

/// Whether the function is called for its effect alone.
pub(super) fn is_effect(name: &str) -> bool {
    FUNCTIONS.iter().any(|entry| entry.name == name && entry.is_effect)
}

/// Whether the function feeds an aggregation.
pub(super) fn is_aggregation(name: &str) -> bool {
    matches!(name, "count" | "sum" | "min" | "max" | "avg" | "stats" | "hist" | "lhist" | "tseries")
}

impl Lower<'_> {
    /// A call of a function of the language.
    pub(super) fn call(&mut self, callee: &Ident, args: &[ast::Expr], span: Span) -> Option<Called> {
        let name = callee.name.as_str();
        if let Some(called) = self.macro_call(callee, args, span) {
            return called;
        }
        if let Some(called) = self.fn_call(callee, args, span) {
            return called;
        }
        if let Some(entry) = FUNCTIONS.iter().find(|entry| entry.name == name) {
            self.check_arity(entry, args.len(), span)?;
            return (entry.handler)(self, Call { name, args, span });
        }
        if let Some(value) = self.builtin_call(callee, args, span) {
            return value.map(Called::Value);
        }
        if let Some(called) = self.import_call(callee, args, span) {
            return called;
        }
        if let Some(called) = self.kfunc_call(callee, args, span) {
            return called;
        }
        // The arguments may have mistakes of their own.
        args.iter().for_each(|arg| drop(self.expr(arg)));
        let imported = self.program.imports.iter().flat_map(|import| &import.functions);
        let names = FUNCTIONS.iter().map(|entry| entry.name).chain(imported.map(|function| function.name.as_str()));
        let near =
            written_here(name).map(str::to_owned).or_else(|| suggest(name, names).map(|near| format!("{near}()")));
        self.error_near(callee.span, format!("unknown function `{name}`"), near)
    }

    fn check_arity(&mut self, entry: &Entry, given: usize, span: Span) -> Option<()> {
        let (least, most) = entry.arity;
        if (least..=most).contains(&given) {
            return Some(());
        }
        let message = wrong_count(entry.name, (least, most), given);
        self.error_help(span, message, format!("usage: {}", entry.usage))
    }

    /// A builtin called like a function: `pid()`, `pid(init)`.
    fn builtin_call(&mut self, callee: &Ident, args: &[ast::Expr], span: Span) -> Option<Option<Expr>> {
        if let (name @ ("ppid" | "pcomm"), [task]) = (callee.name.as_str(), args) {
            return Some(self.parent_of(name, task, span));
        }
        if let ("comm", [number]) = (callee.name.as_str(), args) {
            return Some(self.name_of(number, span));
        }
        let value = self.builtin(&callee.name, span)?;
        let init = |arg: &ast::Expr| matches!(&arg.kind, ast::ExprKind::Name(name) if name == "init");
        match args {
            [] => Some(value),
            [arg] if matches!(callee.name.as_str(), "pid" | "tid") => match init(arg) {
                true => Some(Some(initial_id(&callee.name, span))),
                false => Some(self.namespace_id(&callee.name, arg, span)),
            },
            [arg, ..] => Some(self.error(arg.span, format!("`{}` takes no argument here", callee.name))),
        }
    }

    /// An argument that must be a number.
    fn number_arg(&mut self, call: Call, at: usize) -> Option<Expr> {
        let arg = call.args.get(at)?;
        let value = self.expr(arg)?;
        let is_taken = value.ty == Type::Bool && TRUTHS.contains(&call.name);
        let value = if is_taken { value } else { self.as_number(value, &Type::U64) };
        if is_taken || value.ty.is_number() {
            return Some(value);
        }
        let ty = self.describe(&value.ty);
        let message = format!("{}() takes a number here, and this is {ty}", call.name);
        self.error_of(arg.span, message, float_help(&value.ty))
    }

    /// An argument that must be a number that is known now.
    fn constant_arg(&mut self, call: Call, at: usize) -> Option<i64> {
        let value = self.expr(call.args.get(at)?)?;
        match value.kind {
            ExprKind::Int(value) => Some(value),
            _ => {
                let (name, ty) = (call.name, self.describe(&value.ty));
                let message =
                    format!("{name}() needs a number here that is known before the trace starts, and this is {ty}");
                self.error_of(value.span, message, float_help(&value.ty))
            }
        }
    }

    /// An argument that must be text in quotes, or `str($1)`.
    fn text_arg(&mut self, call: Call, at: usize) -> Option<String> {
        let arg = call.args.get(at)?;
        let bytes = match &arg.kind {
            ast::ExprKind::Str(bytes) => Some(bytes.clone()),
            _ => self.expr(arg).and_then(|value| match value.kind {
                ExprKind::Str(bytes) => Some(bytes.to_vec()),
                _ => {
                    let ty = self.describe(&value.ty);
                    self.error(arg.span, format!("{}() takes a text in quotes here, and this is {ty}", call.name))
                }
            }),
        }?;
        match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(_) => self.error(arg.span, "this text is not UTF-8"),
        }
    }

    /// An argument that must be a bare map.
    fn map_arg<'s>(&mut self, call: Call<'s>, at: usize) -> Option<&'s Ident> {
        let arg = call.args.get(at)?;
        match &arg.kind {
            ast::ExprKind::Map { name, key } if key.is_empty() => Some(name),
            ast::ExprKind::Error => None,
            ast::ExprKind::Map { .. } => {
                self.error(arg.span, format!("{}() takes a whole map here, without a key", call.name))
            }
            _ => self.error(arg.span, format!("{}() takes a map here", call.name)),
        }
    }
}

/// The verb for a number of things.
/// `pid(init)`, `tid(init)`
fn initial_id(name: &str, span: Span) -> Expr {
    let builtin = if name == "pid" { Builtin::InitialPid } else { Builtin::InitialTid };
    Expr::new(ExprKind::Builtin(builtin), Type::U32, span)
}

/// Says how many arguments a function takes, from the least to the most.
pub(super) fn wrong_count(name: &str, arity: (usize, usize), given: usize) -> String {
    let wanted = match arity {
        (least, ANY) => format!("{least} or more arguments"),
        (1, 1) => "1 argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    };
    format!("{name}() takes {wanted}, and {given} {} given", were(given))
}

fn were(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}
