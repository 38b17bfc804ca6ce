//! Literals and positional parameters.

use std::sync::Arc;

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::super::Lower;
use crate::lexer::parse_int;

/// A constant of the narrowest type that holds it; signed if that is enough.
pub(in super::super) fn int(value: u64, span: Span) -> Expr {
    match i64::try_from(value) {
        Ok(value) => signed(value, span),
        Err(_) => Expr::int(value as i64, Type::U64, span),
    }
}

/// A constant of the narrowest signed type that holds it.
pub(in super::super) fn signed(value: i64, span: Span) -> Expr {
    let bytes = match value {
        -0x80..=0x7f => 1,
        -0x8000..=0x7fff => 2,
        -0x8000_0000..=0x7fff_ffff => 4,
        _ => 8,
    };
    Expr::int(value, Type::Int { bytes, signed: true }, span)
}

/// Constant text.
pub(in super::super) fn text(bytes: &[u8], span: Span) -> Expr {
    let cap = bytes.len() as u32 + 1;
    Expr::new(ExprKind::Str(Arc::from(bytes)), Type::String { cap }, span)
}

/// The number that a parameter's text is.
pub(in super::super) fn number(text: &str, span: Span) -> Option<Expr> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let literal = parse_int(digits).ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()))?;
    match negative {
        false => Some(int(literal.value, span)),
        true => Some(signed((literal.value as i64).wrapping_neg(), span)),
    }
}

/// The parameters without `--name=value`, which are for getopt().
pub(in super::super) fn positional(params: &[String]) -> impl Iterator<Item = &str> {
    params.iter().map(String::as_str).filter(|param| !param.starts_with("--"))
}

impl Lower<'_> {
    /// Constant text, if it is one that the program can hold.
    pub(in super::super) fn string(&mut self, bytes: &[u8], span: Span) -> Option<Expr> {
        let end = bytes.iter().position(|&byte| byte == 0);
        if end.is_some() {
            self.warning(span, "this text ends at its NUL byte");
        }
        let bytes = &bytes[..end.unwrap_or(bytes.len())];
        if bytes.len() >= self.config.max_strlen as usize {
            let message =
                format!("this text has {} bytes, and `max_strlen` is {}", bytes.len(), self.config.max_strlen);
            return self.error_help(span, message, "raise it: `config = { max_strlen = ... }`");
        }
        Some(text(bytes, span))
    }

    /// `$1`: a number if it is one, else a text; 0 if it was not given.
    pub(super) fn param(&mut self, index: u32, span: Span) -> Option<Expr> {
        let Some(given) = self.param_text(index) else {
            self.report(Diagnostic::warning(span, format!("parameter `${index}` was not given, so it is 0")));
            return Some(signed(0, span));
        };
        match number(given, span) {
            Some(value) => Some(value),
            None => {
                let given = given.as_bytes().to_vec();
                self.string(&given, span)
            }
        }
    }

    /// The value of `--name=value` among the parameters; nothing inside for a bare `--name`.
    pub(in super::super) fn option(&self, name: &str) -> Option<Option<String>> {
        // Of an option that is given twice, the last one counts.
        self.env.params.iter().rev().find_map(|param| {
            let rest = param.strip_prefix("--")?.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(Some(value.to_owned())),
                None => rest.is_empty().then_some(None),
            }
        })
    }

    /// The text of `$number`.
    pub(in super::super) fn param_text(&self, number: u32) -> Option<&str> {
        let index = (number as usize).checked_sub(1)?;
        positional(self.env.params).nth(index)
    }
}
