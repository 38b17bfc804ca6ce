//! Arguments of probes, by their numbers and by their names.

use quadrant_program::arch::i386;
use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::probe::{ArgLoc, Field, FieldPlace, Operand, ProbeKind, ProbeSpec};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, TypeId, suggest};

use super::Lower;
use crate::ast::Ident;

impl Lower<'_> {
    /// `arg0`, `sarg0` and their like.
    pub(super) fn any_number(&mut self, name: &str, span: Span) -> Option<Option<Expr>> {
        if let Some(number) = numbered(name) {
            return Some(self.numbered_argument(number, span));
        }
        // The older spelling for arguments on the stack.
        let number = numbered(name.strip_prefix('s')?)?;
        let registers = u8::try_from(quadrant_program::arch::native().arguments.len()).ok()?;
        Some(match self.scope.kind {
            ProbeKind::Uprobe if self.is_narrow() => self.numbered_argument(number, span),
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
            ProbeKind::Uprobe if self.is_narrow() => self.narrow_word(i386::argument(number), span),
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

    /// Whether the clause's points are in programs of 32 bits.
    pub(super) fn is_narrow(&self) -> bool {
        self.scope.args.as_ref().is_some_and(|args| args.narrow)
    }

    /// A word of a program of 32 bits, which is a number or an address as one of 64 bits is.
    pub(super) fn narrow_word(&mut self, place: ArgLoc, span: Span) -> Option<Expr> {
        let word = self.described(place, span)?;
        Some(self.cast(word, &Type::U64))
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
            CType::Ptr { to, .. } => matches!(self.env.types.kind(to), CType::Int { .. } | CType::Void),
            _ => false,
        };
        match self.scope.kind {
            ProbeKind::Fentry | ProbeKind::Fexit if points_to_bytes => Space::Any,
            _ => self.default_space(),
        }
    }

    pub(super) fn read_argument(&mut self, field: &Field, span: Span) -> Option<Expr> {
        if let Some(value) = self.portable_argument(field, span)? {
            return Some(self.truth_of_argument(value, field.ty));
        }
        let pointers = if field.user { Space::User } else { self.argument_space(field.ty) };
        match field.place {
            FieldPlace::Context { offset, .. } => {
                let ty = self.value_type(field.ty, pointers, span)?;
                let pointer = Type::Pointer { to: field.ty, space: Space::Context };
                let addr = Box::new(Expr::new(ExprKind::ContextAddr(offset), pointer, span));
                let value = Expr::new(ExprKind::Deref { addr, space: Space::Context }, ty, span);
                Some(self.truth_of_argument(value, field.ty))
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
                    let value = self.cast(value, &ty);
                    return Some(self.truth_of_argument(value, field.ty));
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

/// The number in `arg0`, `arg1`, ...
pub(super) fn numbered(name: &str) -> Option<u8> {
    name.strip_prefix("arg")?.parse().ok().filter(|_| !name.ends_with('+'))
}
