//! What the debug information of a user program adds: arguments in their places, and the program's own types.

use quadrant_program::build;
use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{BinaryOp, Expr, ExprKind};
use quadrant_program::probe::{ArgLoc, Field, FieldPlace, Operand, ProbeKind, UserPlace};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{DebugTag, DebugTypes, TypeId};

use super::Lower;
use super::fields::record_of;
use super::map::tuple;
use crate::ast::Tag;

/// A word of the program's.
fn word_at(operand: Operand, bytes: u8, span: Span) -> Expr {
    let place = ArgLoc { bytes, signed: false, float: false, operand };
    Expr::new(ExprKind::ArgAt(place), Type::Int { bytes, signed: false }, span)
}

impl Lower<'_> {
    /// A value of a user program that is at `place`.
    pub(super) fn user_value(&mut self, field: &Field, place: UserPlace, span: Span) -> Option<Expr> {
        match place {
            UserPlace::Absent(absence) => {
                self.error(span, format!("`{}` cannot be read: {}", field.name, absence.reason()))
            }
            UserPlace::Memory { base, disp, indirect } => {
                let place = self.user_address(field.ty, base, disp, indirect, span);
                self.read(place, field.ty, Space::User, span)
            }
            UserPlace::Words { words, count } => {
                let ty = self.value_type(field.ty, Space::User, span)?;
                let words = &words[..usize::from(count)];
                let is_short = self.env.types.is_short_pointer(field.ty);
                let bytes = if is_short { Some(4) } else { ty.c_size().filter(|_| ty.is_scalar()) };
                Some(match (bytes, words) {
                    (Some(5..), [low, high, ..]) if self.is_narrow() => {
                        let both = self.pair(&[*low, *high], span);
                        self.cast(both, &ty)
                    }
                    (Some(bytes), [word, ..]) => self.user_number(*word, bytes as u8, &ty, span),
                    _ => self.in_words(words, ty, span),
                })
            }
        }
    }

    fn user_address(&mut self, of: TypeId, base: u16, disp: i64, indirect: bool, span: Span) -> Expr {
        let pointer = Type::Pointer { to: of, space: Space::User };
        let base = self.cast(Expr::new(ExprKind::Reg(base), Type::U64, span), &pointer);
        let place = build::offset(base, false, Expr::int(disp, Type::I64, span), span);
        if !indirect {
            return place;
        }
        let kind = ExprKind::Deref { addr: Box::new(place), space: Space::User };
        let word = if self.is_narrow() { Type::U32 } else { Type::U64 };
        self.cast(Expr::new(kind, word, span), &pointer)
    }

    fn user_number(&mut self, operand: Operand, bytes: u8, ty: &Type, span: Span) -> Expr {
        let signed = ty.is_signed();
        let place = ArgLoc { bytes, signed, float: false, operand };
        let value = Expr::new(ExprKind::ArgAt(place), Type::Int { bytes, signed }, span);
        self.cast(value, ty)
    }

    /// A value of more than a number, of which each word is somewhere.
    fn in_words(&mut self, words: &[Operand], ty: Type, span: Span) -> Expr {
        let words: Vec<Expr> = match words.is_empty() {
            true => vec![Expr::int(0, Type::U64, span)],
            false if self.is_narrow() => words.chunks(2).map(|pair| self.pair(pair, span)).collect(),
            false => words.iter().map(|word| word_at(*word, 8, span)).collect(),
        };
        self.reinterpret(tuple(words, span), ty)
    }

    /// Eight bytes of one or two words of a program of 32 bits, lowest first.
    fn pair(&mut self, words: &[Operand], span: Span) -> Expr {
        let mut words = words.iter().map(|word| self.cast(word_at(*word, 4, span), &Type::U64));
        let low = words.next().unwrap_or_else(|| Expr::int(0, Type::U64, span));
        let Some(high) = words.next() else { return low };
        let binary =
            |op, left, right| Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), Type::U64, span);
        let high = binary(BinaryOp::Shl, high, Expr::int(32, Type::U64, span));
        binary(BinaryOp::Or, low, high)
    }

    /// `args`: all arguments, as a record.
    pub(super) fn all_arguments(&mut self, span: Span) -> Option<Expr> {
        let args = self.scope.args.clone()?;
        if args.fields.is_empty() {
            return self.no_arguments(span);
        }
        let mut values = Vec::with_capacity(args.fields.len());
        for field in &args.fields {
            match self.unreadable(field) {
                Some(why) => self.warning(span, format!("`args` is shown without `{}`: {why}", field.name)),
                None => values.push((field.name.clone(), self.read_argument(field, span)?)),
            }
        }
        match values.is_empty() {
            true => self.error(span, "none of the arguments can be read"),
            false => Some(record_of(self.env.types, values, span)),
        }
    }

    fn unreadable(&self, field: &Field) -> Option<&'static str> {
        match field.place {
            FieldPlace::User(UserPlace::Absent(absence)) => Some(absence.reason()),
            _ => None,
        }
    }

    /// Why nothing is known of a user function's arguments.
    pub(super) fn no_user_arguments<T>(&mut self, message: String, span: Span) -> Option<T> {
        let Some(error) = self.unnamed.get(&self.scope.point).cloned() else { return self.error(span, message) };
        let message = format!("{message}: {}", error.message);
        // A file's debug information is missing for each of the arguments that the script uses.
        if self.messages.says(&message) {
            return None;
        }
        let mut diagnostic = Diagnostic::error(span, message);
        diagnostic.help = error.help_in(crate::spell);
        self.report(diagnostic.help("`arg0`, `arg1`, ... need no debug information"));
        None
    }

    /// Whether the type of the function's result is known.
    pub(super) fn has_typed_result(&self) -> bool {
        self.scope.args.as_ref().is_some_and(|args| args.fields.iter().any(|field| field.name == "retval"))
    }

    /// The types of the program that the clause's points are in; the script's and the kernel's are in none.
    fn program_types(&self) -> Option<DebugTypes> {
        match self.scope.kind {
            ProbeKind::Uprobe | ProbeKind::Uretprobe | ProbeKind::Usdt => {
                self.env.probes.user_types(self.scope.path.as_ref()?)
            }
            _ => None,
        }
    }

    /// A type by tag and name: the script's own, the program's, the kernel's.
    pub(super) fn known_tagged(&self, tag: Tag, name: &str) -> Option<TypeId> {
        let types = self.env.types;
        let own = types.lookup_own(tag.of_types(), name);
        let programs = || types.lookup_debug_type(self.program_types()?, tag.of_types(), name);
        own.or_else(programs).or_else(|| match tag {
            Tag::Struct => types.lookup_struct(name),
            Tag::Union => types.lookup_union(name),
            Tag::Enum => types.lookup_enum(name),
        })
    }

    /// A type of the script or the program by its name alone, as a typedef.
    pub(super) fn program_name(&self, name: &str) -> Option<TypeId> {
        if name.contains(' ') || quadrant_types::is_fixed_name(name) {
            return None;
        }
        let types = self.env.types;
        let own = types.lookup_own(DebugTag::Plain, name);
        own.or_else(|| types.lookup_debug_type(self.program_types()?, DebugTag::Plain, name))
    }

    /// A constant of one of the program's enumerations.
    pub(super) fn program_constant(&self, name: &str) -> Option<(i64, TypeId)> {
        self.env.types.lookup_debug_constant(self.program_types()?, name)
    }

    /// Reports a type that nothing defines; the program's types count among the near names, or it is said that there are none.
    pub(super) fn unknown_type<T>(&mut self, word: &str, name: &str, message: String, span: Span) -> Option<T> {
        let tag = match word {
            "union" => DebugTag::Union,
            "enum" => DebugTag::Enum,
            "struct" => DebugTag::Struct,
            _ => DebugTag::Plain,
        };
        let near = self.program_types().and_then(|of| self.env.types.suggest_debug_type(of, tag, name));
        let (message, advice) = message.split_once("; ").unwrap_or((&message, ""));
        let mut diagnostic = Diagnostic::error(span, message);
        if !advice.is_empty() {
            diagnostic = diagnostic.help(advice);
        }
        if let Some(near) = near {
            diagnostic = diagnostic.help(format!("the program has a type `{near}`"));
        } else if let Some(error) = self.scope.path.as_ref().and_then(|path| self.env.probes.why_no_user_types(path)) {
            diagnostic = diagnostic.help(error.message);
        }
        self.report(diagnostic);
        None
    }
}
