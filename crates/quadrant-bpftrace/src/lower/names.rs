//! Bare words: builtins and constants.

use quadrant_program::arch::i386;
use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{BinaryOp, Builtin, Clock, Expr, ExprKind};
use quadrant_program::probe::ProbeKind;
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, StackType, Type};
use quadrant_types::{TypeId, suggest};

use super::Lower;
use super::arguments::numbered;
use super::call::Called;
use super::constants;
use super::elsewhere::written_here;
use super::expr::{literal_int, literal_signed, literal_text};
use super::task::{PCOMM, PPID};
use crate::ast::{Ident, Tag};

/// Frames of a stack without a limit of its own.
pub(super) const MAX_STACK: u8 = 127;

/// Builtins whose value and type need nothing else.
const SIMPLE: &[(&str, Builtin, Type)] = &[
    ("pid", Builtin::Pid, Type::U32),
    ("tid", Builtin::Tid, Type::U32),
    ("leader_tid", Builtin::Pid, Type::U32),
    ("uid", Builtin::Uid, Type::U32),
    ("gid", Builtin::Gid, Type::U32),
    ("comm", Builtin::Comm, Type::String { cap: 16 }),
    ("nsecs", Builtin::Nsecs(Clock::Boot), Type::U64),
    ("elapsed", Builtin::Elapsed, Type::U64),
    ("cpu", Builtin::Cpu, Type::U32),
    ("ncpus", Builtin::Ncpus, Type::U32),
    ("numaid", Builtin::NumaNode, Type::U32),
    ("cgroup", Builtin::Cgroup, Type::U64),
    ("rand", Builtin::Rand, Type::U32),
    ("jiffies", Builtin::Jiffies, Type::U64),
    ("probe", Builtin::Point, Type::ProbeName),
];

/// The other builtins.
const OTHER: &[&str] = &[
    "args",
    "arg0",
    "retval",
    "curtask",
    "ppid",
    "pcomm",
    "leader_comm",
    "username",
    "container",
    "pidns",
    "mntns",
    "kstack",
    "ustack",
    "func",
    "cpid",
    "has_cpid",
    "probetype",
    "ctx",
    "usermode",
    "default_str_length",
];

/// Builtins that this engine does not have.
const UNSUPPORTED: &[(&str, &str)] = &[("dw_ustack", "use `ustack`")];

impl Lower<'_> {
    /// The value of a bare word.
    pub(super) fn name(&mut self, name: &str, span: Span) -> Option<Expr> {
        if let Some(value) = self.preamble.enumerator(name) {
            return Some(literal_signed(value, span));
        }
        if let Some(value) = self.builtin(name, span) {
            return value;
        }
        if let Some(value) = self.preamble_constant(name, span) {
            return value;
        }
        if let Some(value) = self.version_constant(name, span) {
            return value;
        }
        if let Some(called) = self.bare_macro(name, span) {
            return match called? {
                Called::Value(value) => Some(value),
                Called::Effect(_) => self.error(span, format!("the macro `{name}` has no value")),
            };
        }
        if let Some((value, id)) = self.enumerator(name) {
            let ty = Type::Enum(self.enum_type(id));
            return Some(match self.portable_constant(name, value, id) {
                Some(adjusted) => Expr::new(ExprKind::Core(adjusted), ty, span),
                None => Expr::int(value, ty, span),
            });
        }
        if let Some(value) = constants::value(name) {
            let positive = u64::try_from(value).map(|value| literal_int(value, span));
            return Some(positive.unwrap_or_else(|_| Expr::int(value, Type::I64, span)));
        }
        self.unknown_name(name, span)
    }

    /// A constant of an enumeration: the script's own, the program's, the kernel's.
    fn enumerator(&self, name: &str) -> Option<(i64, TypeId)> {
        let types = self.env.types;
        let known = types.lookup_constant(name);
        let own = known.filter(|(_, id)| !types.is_of_kernel(*id));
        own.or_else(|| self.program_constant(name)).or(known)
    }

    /// Reports a bare word without a value, with what it is instead or what is near.
    fn unknown_name<T>(&mut self, name: &str, span: Span) -> Option<T> {
        if super::call::is_function(name) {
            return self.error_help(span, format!("`{name}` is a function"), format!("call it: `{name}(...)`"));
        }
        let message = format!("unknown name `{name}`");
        let tags = [Tag::Struct, Tag::Union, Tag::Enum];
        if let Some(tag) = tags.into_iter().find(|tag| self.known_tagged(*tag, name).is_some()) {
            return self.error_help(span, message, format!("`{} {name}` is a type", tag.word()));
        }
        let near = written_here(name).map(str::to_owned);
        let near = near.or_else(|| {
            let near = suggest(name, builtin_names().chain(super::call::function_names()))?;
            let brackets = if self.is_builtin(near) { "" } else { "()" };
            Some(format!("{near}{brackets}"))
        });
        let near = near.or_else(|| suggest(name, constants::names()).map(str::to_owned));
        let near = near.or_else(|| self.env.types.suggest_constant(name));
        self.error_near(span, message, near)
    }

    /// Reports a type where a value is expected.
    pub(super) fn type_as_value<T>(&mut self, tag: Tag, name: &str, span: Span) -> Option<T> {
        let shown = format!("{} {name}", tag.word());
        let help = format!("a value becomes one by a cast: `({shown} *)...`");
        self.error_help(span, format!("`{shown}` is a type, and this is where a value stands"), help)
    }

    /// A bare word where it may be there for its effect only: a macro needs no parentheses.
    pub(super) fn name_or_effect(&mut self, name: &str, span: Span) -> Option<Called> {
        let means_more =
            self.preamble.enumerator(name).is_some() || self.is_builtin(name) || self.preamble.has_constant(name);
        let called = if means_more { None } else { self.bare_macro(name, span) };
        called.unwrap_or_else(|| self.name(name, span).map(Called::Value))
    }

    /// A macro without arguments; the outer `None` if there is none of that name.
    fn bare_macro(&mut self, name: &str, span: Span) -> Option<Option<Called>> {
        self.macro_call(&Ident { name: name.to_owned(), span }, &[], span)
    }

    /// Whether a bare word is a value rather than a type.
    pub(super) fn is_value_name(&self, name: &str) -> bool {
        self.is_builtin(name) || self.preamble.has_constant(name) || self.env.types.lookup_constant(name).is_some()
    }

    /// Whether the language itself gives the word a value.
    pub(super) fn is_builtin(&self, name: &str) -> bool {
        builtin_names().any(|builtin| builtin == name) || numbered(name.strip_prefix('s').unwrap_or(name)).is_some()
    }

    /// The value of a builtin; the outer `None` if there is none of that name.
    pub(super) fn builtin(&mut self, name: &str, span: Span) -> Option<Option<Expr>> {
        if let Some((_, builtin, ty)) = SIMPLE.iter().find(|(simple, ..)| *simple == name) {
            return Some(Some(Expr::new(ExprKind::Builtin(*builtin), ty.clone(), span)));
        }
        if let Some((_, instead)) = UNSUPPORTED.iter().find(|(word, _)| *word == name) {
            return Some(self.unsupported(span, &format!("`{name}`"), instead));
        }
        Some(match name {
            "args" => self.all_arguments(span),
            "retval" => self.retval(span),
            "curtask" => self.curtask(span),
            "ppid" => self.task_field(PPID, span),
            "pcomm" => self.task_field(PCOMM, span),
            "leader_comm" => self.task_field(&["group_leader", "comm"], span),
            "default_str_length" => Some(literal_int(self.config.max_strlen.into(), span)),
            "username" => Some(shown(Builtin::Uid, Type::U32, Type::Username, span)),
            "container" => Some(shown(Builtin::Cgroup, Type::U64, Type::Container, span)),
            "pidns" => self.pid_namespace(span),
            "mntns" => self.task_number(&["nsproxy", "mnt_ns", "ns", "inum"], span),
            "kstack" | "ustack" => self.stack(name == "ustack", None, None, span),
            "usermode" => self.usermode(span),
            "func" => self.func(span),
            "cpid" => self.child(span),
            "has_cpid" => Some(Expr::int(i64::from(self.env.child.is_some()), Type::Bool, span)),
            "probetype" => Some(super::expr::literal_text(self.probe_type().as_bytes(), span)),
            "ctx" if matches!(self.scope.kind, ProbeKind::Begin | ProbeKind::End) => {
                let kind = self.scope.kind.name();
                self.error(span, format!("a probe of type `{kind}` has no context, which is what `ctx` points to"))
            }
            "ctx" => {
                let ty = Type::Pointer { to: self.context_type(), space: Space::Context };
                Some(Expr::new(ExprKind::Builtin(Builtin::Context), ty, span))
            }
            _ => return self.any_number(name, span),
        })
    }

    /// `probetype`: what the tracer runs itself is special.
    fn probe_type(&self) -> &'static str {
        match self.scope.kind {
            ProbeKind::Begin | ProbeKind::End => "special",
            kind => kind.name(),
        }
    }

    /// What `ctx` points to.
    fn context_type(&self) -> TypeId {
        let described = self.scope.args.as_ref().and_then(|args| args.context);
        let usual = match self.scope.kind {
            ProbeKind::Kprobe | ProbeKind::Kretprobe | ProbeKind::Uprobe | ProbeKind::Uretprobe | ProbeKind::Usdt => {
                Some("pt_regs")
            }
            ProbeKind::Profile
            | ProbeKind::Interval
            | ProbeKind::Software
            | ProbeKind::Hardware
            | ProbeKind::Watchpoint => Some("bpf_perf_event_data"),
            _ => None,
        };
        described.or_else(|| self.env.types.lookup_struct(usual?)).unwrap_or(TypeId::VOID)
    }

    /// `kstack`, `ustack`, with what was asked for.
    pub(super) fn stack(
        &mut self,
        user: bool,
        mode: Option<quadrant_program::ty::StackMode>,
        limit: Option<u8>,
        span: Span,
    ) -> Option<Expr> {
        let mode = mode.unwrap_or(self.config.stack_mode);
        let stack = StackType { user, limit: limit.unwrap_or(MAX_STACK), mode };
        Some(Expr::new(ExprKind::Call(quadrant_program::expr::Function::Stack, Vec::new()), Type::Stack(stack), span))
    }

    fn retval(&mut self, span: Span) -> Option<Expr> {
        let name = || Ident { name: "retval".to_owned(), span };
        match self.scope.kind {
            ProbeKind::Uretprobe if self.has_typed_result() => self.argument(&name(), span, span),
            ProbeKind::Uretprobe if self.is_narrow() => self.narrow_word(i386::result(), span),
            ProbeKind::Uretprobe | ProbeKind::Kretprobe => Some(Expr::new(ExprKind::Retval, Type::U64, span)),
            ProbeKind::Fexit => self.argument(&name(), span, span),
            kind => self.error_help(
                span,
                format!("a probe of type `{}` has no return value", kind.name()),
                "`retval` is for `uretprobe`, `kretprobe` and `fexit`",
            ),
        }
    }

    pub(super) fn curtask(&mut self, span: Span) -> Option<Expr> {
        let to = self.env.types.lookup_struct("task_struct");
        let ty = match to {
            Some(to) => Type::Pointer { to, space: Space::Kernel },
            // Without the kernel's types it is still an address.
            None => Type::U64,
        };
        Some(Expr::new(ExprKind::Builtin(Builtin::Curtask), ty, span))
    }

    /// `usermode`: the interrupted code's privilege level, 1 for user code.
    fn usermode(&mut self, span: Span) -> Option<Expr> {
        /// Offset of `cs` in x86-64's `struct pt_regs`; its lowest two bits are the level, 3 for user code.
        const CS: u16 = 136;
        if matches!(self.scope.kind, ProbeKind::Begin | ProbeKind::End) {
            // What they interrupt is the tracer itself.
            return Some(Expr::int(1, Type::Int { bytes: 1, signed: false }, span));
        }
        if !self.has_registers() {
            let kind = self.scope.kind.name();
            return self
                .error(span, format!("a probe of type `{kind}` has no registers, and `usermode` is read from them"));
        }
        let cs = Box::new(Expr::new(ExprKind::Reg(CS), Type::U64, span));
        let level = Box::new(Expr::int(3, Type::U64, span));
        let masked = Expr::new(ExprKind::Binary(BinaryOp::And, cs, level.clone()), Type::U64, span);
        let user = Expr::new(ExprKind::Binary(BinaryOp::Eq, Box::new(masked), level), Type::Bool, span);
        Some(self.cast(user, &Type::Int { bytes: 1, signed: false }))
    }

    fn func(&mut self, span: Span) -> Option<Expr> {
        match self.scope.kind {
            ProbeKind::Uprobe
            | ProbeKind::Uretprobe
            | ProbeKind::Kprobe
            | ProbeKind::Kretprobe
            | ProbeKind::Fentry
            | ProbeKind::Fexit => Some(Expr::new(ExprKind::Builtin(Builtin::Point), Type::ProbeFunc, span)),
            kind => self.error_help(
                span,
                format!("a probe of type `{}` is not on a function", kind.name()),
                "`probe` is the name of the probe",
            ),
        }
    }

    fn child(&mut self, span: Span) -> Option<Expr> {
        match self.env.child {
            Some(pid) => Some(Expr::int(i64::from(pid), Type::U32, span)),
            None => {
                let message = "there is no child process, so `cpid` is 0";
                self.report(Diagnostic::warning(span, message).help("start one with `-c COMMAND`, or ask `has_cpid`"));
                Some(Expr::int(0, Type::U32, span))
            }
        }
    }

    /// The name of the probe or of its function as a text, where there is but one point.
    pub(super) fn point_text(&self, value: Expr) -> Expr {
        let name = match (&value.kind, &value.ty) {
            (ExprKind::Builtin(_) | ExprKind::Var(_), Type::ProbeName) => &self.scope.point,
            (ExprKind::Builtin(_) | ExprKind::Var(_), Type::ProbeFunc) => &self.scope.func,
            _ => return value,
        };
        if self.scope.is_only_point { literal_text(name.as_bytes(), value.span) } else { value }
    }
}

fn builtin_names() -> impl Iterator<Item = &'static str> {
    SIMPLE.iter().map(|(name, ..)| *name).chain(OTHER.iter().copied())
}

/// A number of the process as the name that it is shown by.
fn shown(builtin: Builtin, number: Type, name: Type, span: Span) -> Expr {
    let number = Expr::new(ExprKind::Builtin(builtin), number, span);
    Expr::new(ExprKind::Cast(Box::new(number)), name, span)
}
