//! Bare words: builtins, arguments, constants.

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{BinaryOp, Builtin, Clock, Expr, ExprKind};
use quadrant_program::probe::{ArgLoc, Field, FieldPlace, Operand, ProbeKind, ProbeSpec};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, StackType, Type};
use quadrant_types::{CType, TypeId, suggest};

use super::Lower;
use super::call::Called;
use super::constants;
use super::elsewhere::written_here;
use super::expr::{literal_int, literal_signed, literal_text};
use crate::ast::{self, Ident, Tag};

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

/// The way from a task to its parent's process id.
const PPID: &[&str] = &["real_parent", "tgid"];
/// The way from a task to its parent's name.
const PCOMM: &[&str] = &["real_parent", "comm"];

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
            ProbeKind::Uretprobe | ProbeKind::Kretprobe => Some(Expr::new(ExprKind::Retval, Type::U64, span)),
            ProbeKind::Fexit => self.argument(&name(), span, span),
            kind => self.error_help(
                span,
                format!("a probe of type `{}` has no return value", kind.name()),
                "`retval` is for `uretprobe`, `kretprobe` and `fexit`",
            ),
        }
    }

    fn curtask(&mut self, span: Span) -> Option<Expr> {
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

    /// `pid(curr_ns)`, `tid(curr_ns)`: the number in the process id namespace of the task itself.
    pub(super) fn namespace_id(&mut self, name: &str, arg: &ast::Expr, span: Span) -> Option<Expr> {
        if !matches!(&arg.kind, ast::ExprKind::Name(word) if word == "curr_ns") {
            let message = match arg.kind {
                ast::ExprKind::Name(_) => format!("unknown namespace of process ids `{}`", self.text(arg.span)),
                _ => format!("the namespace of {name}() is a word"),
            };
            return self.error_help(arg.span, message, "there are `curr_ns` and `init`");
        }
        let ids = if name == "pid" { &["group_leader", "thread_pid"][..] } else { &["thread_pid"] };
        let number = field(innermost(of_task(ids, span), span), "nr", span);
        let number = self.expr(&number)?;
        Some(self.cast(number, &Type::U32))
    }

    /// `pidns`: the number of the namespace of process ids that the task is in.
    fn pid_namespace(&mut self, span: Span) -> Option<Expr> {
        let namespace = field(innermost(of_task(&["thread_pid"], span), span), "ns", span);
        let number = self.expr(&field(field(namespace, "ns", span), "inum", span))?;
        Some(self.cast(number, &Type::U32))
    }

    /// A number behind members of the current task, through pointers and structures.
    fn task_number(&mut self, path: &[&str], span: Span) -> Option<Expr> {
        let number = self.expr(&of_task(path, span))?;
        Some(self.cast(number, &Type::U32))
    }

    /// A member of the current task, through pointers.
    fn task_field(&mut self, path: &[&str], span: Span) -> Option<Expr> {
        let task = self.curtask(span)?;
        self.member_of_task(task, path, span)
    }

    /// `ppid(task)`, `pcomm(task)`: of another task than the current one.
    pub(super) fn parent_of(&mut self, name: &str, task: &ast::Expr, span: Span) -> Option<Expr> {
        let value = self.expr(task)?;
        let wanted = self.env.types.lookup_struct("task_struct");
        match value.ty {
            Type::Pointer { to, .. } if wanted.is_none_or(|wanted| wanted == to) => {
                self.member_of_task(value, if name == "ppid" { PPID } else { PCOMM }, span)
            }
            ref ty => {
                let ty = self.describe(ty);
                self.error(task.span, format!("{name}() takes a `struct task_struct *`, and this is {ty}"))
            }
        }
    }

    fn member_of_task(&mut self, task: Expr, path: &[&str], span: Span) -> Option<Expr> {
        let mut value = task;
        for name in path {
            let Type::Pointer { to, space } = value.ty else {
                return self.error_help(
                    span,
                    "the kernel's types are needed for this, and cannot be read",
                    "the kernel has to be built with CONFIG_DEBUG_INFO_BTF",
                );
            };
            let Some(member) = self.env.types.find_member(to, name) else {
                return self.error(span, format!("this kernel's `struct task_struct` has no member `{name}`"));
            };
            value = self.read_member(value, space, (to, &member), span)?;
        }
        Some(value)
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

    /// `arg0`, `sarg0` and their like.
    fn any_number(&mut self, name: &str, span: Span) -> Option<Option<Expr>> {
        if let Some(number) = numbered(name) {
            return Some(self.numbered_argument(number, span));
        }
        // The older spelling for arguments on the stack.
        let number = numbered(name.strip_prefix('s')?)?;
        let registers = u8::try_from(quadrant_program::arch::native().arguments.len()).ok()?;
        Some(match self.scope.kind {
            ProbeKind::Uprobe | ProbeKind::Kprobe => self.numbered_argument(registers.saturating_add(number), span),
            kind => self.error(span, format!("a probe of type `{}` has no `{name}`", kind.name())),
        })
    }

    /// `arg0`, `arg1`, ...
    fn numbered_argument(&mut self, number: u8, span: Span) -> Option<Expr> {
        match self.scope.kind {
            ProbeKind::Usdt => self.usdt_argument(number, span),
            ProbeKind::RawTracepoint if self.is_beyond(number) => {
                let count = self.scope.args.as_ref().map_or(0, |args| args.fields.len());
                self.error(span, self.no_such_argument(number, count))
            }
            ProbeKind::Uprobe | ProbeKind::Kprobe | ProbeKind::RawTracepoint => {
                Some(Expr::new(ExprKind::Arg(number), Type::U64, span))
            }
            kind => {
                let help = match kind {
                    ProbeKind::Tracepoint => "a tracepoint has named arguments: `args.field`".to_owned(),
                    ProbeKind::Uretprobe | ProbeKind::Kretprobe => {
                        "the arguments are gone when a function returns: keep them in a map at its entry".to_owned()
                    }
                    ProbeKind::Fentry | ProbeKind::Fexit => self.argument_by_name(number),
                    _ => "it has no arguments".to_owned(),
                };
                self.error_help(span, format!("a probe of type `{}` has no `arg{number}`", kind.name()), help)
            }
        }
    }

    /// How an argument is called in a probe whose arguments have names.
    fn argument_by_name(&self, number: u8) -> String {
        let is_it = |field: &&Field| field.place == FieldPlace::Arg(number);
        match self.scope.args.as_ref().and_then(|args| args.fields.iter().find(is_it)) {
            Some(field) => format!("its arguments have names: `args.{}`", field.name),
            None => "its arguments have names: `args.NAME`".to_owned(),
        }
    }

    /// Whether the kernel tells the arguments of the probe at hand, and so many there are not.
    fn is_beyond(&self, number: u8) -> bool {
        self.scope.args.as_ref().is_some_and(|args| (1..=usize::from(number)).contains(&args.fields.len()))
    }

    fn no_such_argument(&self, number: u8, count: usize) -> String {
        format!("`{}` has {count} arguments, and `arg{number}` is not one of them", self.scope.point)
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

    fn usdt_argument(&mut self, number: u8, span: Span) -> Option<Expr> {
        let args = self.scope.args.clone()?;
        let Some(place) = args.numbered.get(usize::from(number)) else {
            let message = self.no_such_argument(number, args.numbered.len());
            return self.missing_usdt_argument(message, span);
        };
        self.described(*place, span)
    }

    /// Probes of a pattern may have different numbers of arguments.
    fn missing_usdt_argument(&mut self, message: String, span: Span) -> Option<Expr> {
        if !self.scope.one_of_many {
            return self.error(span, message);
        }
        self.report(Diagnostic::warning(span, message).help("it is 0 there"));
        Some(Expr::int(0, Type::U64, span))
    }

    fn described(&mut self, place: ArgLoc, span: Span) -> Option<Expr> {
        if let Operand::Unavailable = place.operand {
            return self.error_help(
                span,
                "not supported: this argument is in a register or memory that eBPF cannot read",
                "the other arguments of the probe can be used",
            );
        }
        let ty = match place.float {
            true => Type::Float { bytes: place.bytes },
            false => Type::Int { bytes: place.bytes, signed: place.signed },
        };
        Some(Expr::new(ExprKind::ArgAt(place), ty, span))
    }

    /// `args.name`
    pub(super) fn argument(&mut self, name: &Ident, args_span: Span, span: Span) -> Option<Expr> {
        let args = self.scope.args.clone()?;
        if let Some(field) = args.fields.iter().find(|field| field.name == name.name) {
            return self.read_argument(field, span);
        }
        if args.fields.is_empty() {
            return self.no_arguments(args_span);
        }
        if let Some(point) = self.tracepoint_with(&name.name) {
            let help = format!("`{point}` has it");
            return self.error_help(name.span, format!("`{}` has no argument `{}`", self.scope.point, name.name), help);
        }
        let near = suggest(&name.name, args.fields.iter().map(|field| field.name.as_str()));
        if near.is_some() {
            return self.error_near(name.span, format!("`{}` has no argument `{}`", self.scope.point, name.name), near);
        }
        let names: Vec<&str> = args.fields.iter().map(|field| field.name.as_str()).collect();
        let help = format!("it has: {}", names.join(", "));
        self.error_help(name.span, format!("`{}` has no argument `{}`", self.scope.point, name.name), help)
    }

    /// The tracepoint of the raw one's name, if that has such a field.
    fn tracepoint_with(&self, field: &str) -> Option<String> {
        let event = self.scope.point.strip_prefix("rawtracepoint:")?.rsplit(':').next()?;
        let parts = vec!["*".to_owned(), event.to_owned()];
        let spec = ProbeSpec { kind: ProbeKind::Tracepoint, parts, span: Span::default() };
        let mut found = self.env.probes.find(&spec).ok()?.into_iter();
        let has_it = found.find(|found| found.args.fields.iter().any(|known| known.name == field))?;
        Some(has_it.point.name)
    }

    /// Why a point has no named arguments.
    pub(super) fn no_arguments<T>(&mut self, span: Span) -> Option<T> {
        let message = format!("`{}` has no named arguments", self.scope.point);
        let function = self.scope.point.split_once(':').map_or("FUNCTION", |(_, function)| function);
        let help = match self.scope.kind {
            ProbeKind::Uprobe => return self.no_user_arguments(message, span),
            ProbeKind::Usdt => "use `arg0`, `arg1`, ...".to_owned(),
            ProbeKind::Uretprobe => "use `retval`".to_owned(),
            ProbeKind::Kprobe => format!("use `arg0`, `arg1`, ..., or `fentry:{function}`, which has names"),
            ProbeKind::Kretprobe => {
                format!("use `retval`, or `fexit:{function}`, which has the arguments, too")
            }
            _ => "it has no arguments".to_owned(),
        };
        self.error_help(span, message, help)
    }

    /// Where an argument points. Most kernels' types do not tell which pointers of functions are a program's (`const char __user *`), so
    /// text and bytes are read by their address.
    fn argument_space(&self, ty: TypeId) -> Space {
        let points_to_bytes = match self.env.types.kind(ty) {
            CType::Ptr(to) => matches!(self.env.types.kind(to), CType::Int { .. } | CType::Void),
            _ => false,
        };
        match self.scope.kind {
            ProbeKind::Fentry | ProbeKind::Fexit if points_to_bytes => Space::Any,
            _ => self.default_space(),
        }
    }

    pub(super) fn read_argument(&mut self, field: &Field, span: Span) -> Option<Expr> {
        if let Some(value) = self.portable_argument(field, span)? {
            return Some(value);
        }
        let pointers = if field.user { Space::User } else { self.argument_space(field.ty) };
        match field.place {
            FieldPlace::Context { offset, .. } => {
                let ty = self.value_type(field.ty, pointers, span)?;
                let pointer = Type::Pointer { to: field.ty, space: Space::Context };
                let addr = Box::new(Expr::new(ExprKind::ContextAddr(offset), pointer, span));
                Some(Expr::new(ExprKind::Deref { addr, space: Space::Context }, ty, span))
            }
            FieldPlace::User(place) => self.user_value(field, place, span),
            FieldPlace::DataLoc { offset, relative } => self.dynamic_argument(field.ty, offset, relative, span),
            FieldPlace::Arg(_) | FieldPlace::Result => {
                let ty = self.value_type(field.ty, pointers, span)?;
                let kind = match field.place {
                    FieldPlace::Arg(number) => ExprKind::Arg(number),
                    _ => ExprKind::Retval,
                };
                let value = Expr::new(kind, Type::U64, span);
                if ty.is_scalar() {
                    return Some(self.cast(value, &ty));
                }
                self.unsupported(span, "an argument that is a whole struct", "use `argN` and its place in memory")
            }
        }
    }

    /// An argument of varying length, somewhere behind the fixed ones: text, or a pointer to its elements.
    fn dynamic_argument(&mut self, ty: TypeId, offset: u32, relative: bool, span: Span) -> Option<Expr> {
        let pointer = Type::Pointer { to: ty, space: Space::Kernel };
        self.dynamic(ty, Expr::new(ExprKind::DataLoc { offset, relative }, pointer, span), span)
    }

    /// Text, or a pointer to elements, at an address.
    pub(super) fn dynamic(&mut self, ty: TypeId, addr: Expr, span: Span) -> Option<Expr> {
        let elem = match self.env.types.kind(ty) {
            CType::Array { elem, .. } => elem,
            _ => ty,
        };
        let addr = Expr { ty: Type::Pointer { to: elem, space: Space::Kernel }, ..addr };
        if matches!(self.env.types.kind(elem), CType::Int { is_char: true, .. }) {
            return Some(self.text_at(addr, Space::Kernel, None, span));
        }
        Some(addr)
    }
}

fn field(base: ast::Expr, name: &str, span: Span) -> ast::Expr {
    let name = Ident { name: name.to_owned(), span };
    ast::Expr::new(span, ast::ExprKind::Field { base: Box::new(base), name })
}

/// `curtask.a.b`
fn of_task(path: &[&str], span: Span) -> ast::Expr {
    let task = ast::Expr::new(span, ast::ExprKind::Name("curtask".to_owned()));
    path.iter().fold(task, |base, name| field(base, name, span))
}

/// The innermost of the numbers of a `struct pid`: `pid.numbers[pid.level]`.
fn innermost(pid: ast::Expr, span: Span) -> ast::Expr {
    let index = Box::new(field(pid.clone(), "level", span));
    ast::Expr::new(span, ast::ExprKind::Index { base: Box::new(field(pid, "numbers", span)), index })
}

/// The number in `arg0`, `arg1`, ...
fn numbered(name: &str) -> Option<u8> {
    name.strip_prefix("arg")?.parse().ok().filter(|_| !name.ends_with('+'))
}

fn builtin_names() -> impl Iterator<Item = &'static str> {
    SIMPLE.iter().map(|(name, ..)| *name).chain(OTHER.iter().copied())
}

/// A number of the process as the name that it is shown by.
fn shown(builtin: Builtin, number: Type, name: Type, span: Span) -> Expr {
    let number = Expr::new(ExprKind::Builtin(builtin), number, span);
    Expr::new(ExprKind::Cast(Box::new(number)), name, span)
}
