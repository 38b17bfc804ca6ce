//! Formats: parsed once, checked against their arguments.

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::Expr;
use quadrant_program::format::{Conversion, Format, Piece};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::super::Lower;
use super::super::expr::as_pointer;
use super::super::gfp;
use super::super::join::describe_value;
use super::super::map::{is_storable, whole_map};
use super::{Call, were};
use crate::ast;

/// Conversions, longest first where one starts another.
const CONVERSIONS: &[&str] = &[
    "rx", "rh", "r", "gr", "d", "i", "u", "x", "X", "o", "c", "p", "s", "e", "E", "f", "F", "g", "G", "Le", "LE", "Lf",
    "LF", "Lg", "LG", "n", "a", "A",
];

/// Conversions of C that nothing is printed by.
const UNSUPPORTED: &[&str] = &["n", "a", "A"];

impl Lower<'_> {
    /// The format and the values of a call like printf's.
    pub(super) fn format(&mut self, call: Call) -> Option<(Format, Vec<Expr>)> {
        let (first, rest) = call.args.split_first()?;
        let format = self.parse_format(call, first);
        let shown = format.as_ref().map(wanted).unwrap_or_default();
        let values: Vec<Option<Expr>> =
            rest.iter().enumerate().map(|(at, arg)| self.argument_of(arg, shown.get(at))).collect();
        let mut format = format?;
        let wanted = wanted(&format);
        if wanted.len() != values.len() {
            let (takes, given) = (wanted.len(), values.len());
            let message = format!("the format takes {}, and {given} {} given", plural(takes), were(given));
            return self.error(call.span, message);
        }
        let given = values.into_iter().zip(&wanted).map(|(value, wanted)| Some(wanted.form(self.whole(value?))));
        let values: Vec<Expr> = given.collect::<Option<_>>()?;
        let checks: Vec<Option<()>> =
            wanted.iter().zip(&values).map(|(wanted, value)| self.check(first, *wanted, value)).collect();
        checks.into_iter().collect::<Option<Vec<()>>>()?;
        self.name_flags(&mut format);
        Some((format, values))
    }

    /// The value of an argument, if it has one that can be printed as wanted.
    fn argument_of(&mut self, arg: &ast::Expr, wanted: Option<&Wanted>) -> Option<Expr> {
        match (self.several_numbers(arg), wanted) {
            (Some((name, value)), Some(Wanted::Value(conversion))) if conversion.kind != "s" => {
                let message =
                    format!("`%{}` does not print {}", conversion.kind, describe_value(self.env.types, &value));
                self.error_help(arg.span, message, whole_map(name))
            }
            _ => self.expr(arg),
        }
    }

    fn parse_format(&mut self, call: Call, arg: &ast::Expr) -> Option<Format> {
        let ast::ExprKind::Str(text) = &arg.kind else {
            let value = self.expr(arg)?;
            let ty = self.describe(&value.ty);
            let message = format!("the format of {}() is a text in quotes, and this is {ty}", call.name);
            return self.error_help(arg.span, message, "print a value like this: printf(\"%s\", value)");
        };
        match Format::parse_loose(text, CONVERSIONS) {
            Ok((format, unknown)) => {
                for error in unknown {
                    let span = self.inside(arg.span, text, error.at);
                    let warning = Diagnostic::warning(span, format!("{}: it is shown as it is", error.message));
                    self.report(warning.help("`%%` is a percent sign"));
                }
                Some(format)
            }
            Err(error) => {
                let span = self.inside(arg.span, text, error.at);
                self.error(span, error.message)
            }
        }
    }

    /// Whether a value can be printed by a conversion, or be its width.
    fn check(&mut self, format: &ast::Expr, wanted: Wanted, value: &Expr) -> Option<()> {
        if let Wanted::Value(conversion) = wanted
            && UNSUPPORTED.contains(&&*conversion.kind)
        {
            return self.error(format.span, format!("not supported: the conversion `%{}`", conversion.kind));
        }
        let fits = match wanted {
            Wanted::Count => value.ty.is_integer(),
            Wanted::Value(conversion) => match conversion.kind.as_str() {
                "s" => is_storable(&value.ty),
                "r" | "rx" | "rh" => matches!(value.ty, Type::Buffer { .. }),
                "gr" => value.ty.is_integer(),
                kind if matches!(value.ty, Type::Float { .. }) => is_floating(kind),
                _ => value.ty.is_integer() || matches!(value.ty, Type::Pointer { .. }),
            },
        };
        if fits {
            return Some(());
        }
        let ty = self.describe(&value.ty);
        let Wanted::Value(conversion) = wanted else {
            return self.error(value.span, format!("a width is a number, and this is {ty}"));
        };
        let message = format!("`%{}` does not print {ty}", conversion.kind);
        let help = match value.ty {
            Type::Buffer { .. } => "`%r` prints bytes",
            Type::Float { .. } => "`%f` and `%g` print it; `(int64)...` is its whole part",
            Type::String { .. } if conversion.kind.starts_with('r') => "`%r` prints a buf(); `%s` prints text",
            _ => "`%s` prints any value",
        };
        let at = match &format.kind {
            ast::ExprKind::Str(text) => self.inside(format.span, text, conversion.at),
            _ => format.span,
        };
        let diagnostic = Diagnostic::error(value.span, message);
        let conversion = self.text(at);
        self.report(diagnostic.label(format!("printed by `{conversion}`")).help(help));
        None
    }

    /// Gives conversions of `%gr` the flags' names in this kernel.
    fn name_flags(&self, format: &mut Format) {
        let conversions = format.pieces.iter_mut().filter_map(|piece| match piece {
            Piece::Conversion(conversion) if conversion.kind == "gr" => Some(conversion),
            _ => None,
        });
        conversions.for_each(|conversion| conversion.flags = gfp::names(self.env.types));
    }

    /// The place of a part of a text literal; the whole of it if escapes moved its bytes.
    fn inside(&self, literal: Span, text: &[u8], at: (u32, u32)) -> Span {
        if (literal.end - literal.start) as usize != text.len() + 2 {
            return self.inside_escaped(literal, at);
        }
        Span::new(literal.start + 1 + at.0, literal.start + 1 + at.1)
    }

    /// As [`Self::inside`], counting each escape of one byte as such.
    fn inside_escaped(&self, literal: Span, at: (u32, u32)) -> Span {
        let source = self.text(literal).as_bytes();
        let mut offsets = Vec::new();
        let mut position = 1;
        while position + 1 < source.len() {
            offsets.push(position as u32);
            let simple = source[position] == b'\\' && source.get(position + 1).is_some_and(|b| b"ntr\"\\".contains(b));
            match (source[position], simple) {
                (b'\\', false) => return literal,
                (_, true) => position += 2,
                _ => position += 1,
            }
        }
        offsets.push(position as u32);
        match (offsets.get(at.0 as usize), offsets.get(at.1 as usize)) {
            (Some(from), Some(to)) => Span::new(literal.start + from, literal.start + to),
            _ => literal,
        }
    }
}

/// What an argument is for.
#[derive(Clone, Copy)]
enum Wanted<'f> {
    /// A width or precision.
    Count,
    /// To be printed.
    Value(&'f Conversion),
}

impl Wanted<'_> {
    /// The value as what is printed of it: its address by `%p` and the like.
    fn form(self, value: Expr) -> Expr {
        match self {
            Wanted::Value(conversion) if conversion.kind != "s" => as_pointer(value),
            _ => value,
        }
    }
}

/// What each argument is for.
fn wanted(format: &Format) -> Vec<Wanted<'_>> {
    let mut wanted = Vec::new();
    for conversion in format.conversions() {
        wanted.extend((0..conversion.stars()).map(|_| Wanted::Count));
        wanted.push(Wanted::Value(conversion));
    }
    wanted
}

/// Whether a conversion shows numbers with fractions.
fn is_floating(kind: &str) -> bool {
    kind.ends_with(['e', 'E', 'f', 'F', 'g', 'G'])
}

fn plural(count: usize) -> String {
    match count {
        0 => "no values".to_owned(),
        1 => "1 value".to_owned(),
        count => format!("{count} values"),
    }
}
