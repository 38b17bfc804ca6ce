//! What a bare word means.

use quadrant_program::span::Span;
use quadrant_types::suggest;

use super::Lower;
use super::absent;
use super::builtin;
use super::value::{Int, Value};
use crate::ast::{self, Scope};

/// Constants that scripts expect to be there, unless their own enumerations have them.
const CONSTANTS: &[(&str, i64)] = &[
    ("DTRACEFLT_BADADDR", 1),
    ("DTRACEFLT_BADALIGN", 2),
    ("DTRACEFLT_ILLOP", 3),
    ("DTRACEFLT_DIVZERO", 4),
    ("DTRACEFLT_NOSCRATCH", 5),
    ("DTRACEFLT_KPRIV", 6),
    ("DTRACEFLT_UPRIV", 7),
    ("DTRACEFLT_TUPOFLOW", 8),
    ("DTRACEFLT_BADSTACK", 9),
    ("DTRACEFLT_BADSIZE", 10),
    ("DTRACEFLT_BADINDEX", 11),
    ("DTRACEFLT_LIBRARY", 12),
    ("B_FALSE", 0),
    ("B_TRUE", 1),
];

impl Lower<'_> {
    /// The value of a bare word.
    pub(super) fn name(&mut self, name: &str, span: Span) -> Option<Value> {
        if let Some(value) = self.frames.last().and_then(|frame| frame.names.get(name)) {
            let mut value = value.clone();
            value.expr.span = span;
            return Some(value);
        }
        if let Some(value) = self.builtin(name, span) {
            return value;
        }
        self.need_variable(Scope::Global, name);
        if self.variable(Scope::Global, name).is_some() {
            let element = self.element(Scope::Global, name, None, span)?;
            return self.read_element(&element, span);
        }
        if let Some(value) = self.inline(name, &[], span) {
            return value;
        }
        if let Some(value) = self.known_constant(name, span) {
            return Some(value);
        }
        self.unknown(name, span)
    }

    fn known_constant(&mut self, name: &str, span: Span) -> Option<Value> {
        if name == "NULL" {
            return Some(self.number(0, Int::INT, span));
        }
        let known = CONSTANTS.iter().find(|(known, _)| *known == name);
        if let Some((_, value)) = known.filter(|_| !self.enumerators.contains(name)) {
            return Some(self.number(*value, Int::INT, span));
        }
        let (value, id) = self.types.lookup_constant(name)?;
        let wide = i32::try_from(value).is_err();
        let mut number = self.number(value, if wide { Int::LONG } else { Int::INT }, span);
        if !wide {
            number.ty = super::value::Ty::C(id);
        }
        Some(number)
    }

    fn unknown(&mut self, name: &str, span: Span) -> Option<Value> {
        if let Some(kind) = Lower::function_kind(name) {
            return self.fail(span, "D_IDENT_BADREF", format!("{kind} '{name}' may not be referenced as scalar"));
        }
        let mut names: Vec<&str> = builtin::NAMES.to_vec();
        names.extend(self.variables.keys().filter(|(scope, _)| *scope == Scope::Global).map(|(_, name)| name.as_str()));
        names.extend(self.inlines.keys().map(String::as_str));
        let near = suggest(name, names).map(str::to_owned);
        let message = format!("failed to resolve {name}: Unknown variable name");
        self.fail_absent(absent::VARIABLES, (name, span), "D_IDENT_UNDEF", message, near)
    }

    /// Whether a word means nothing at all.
    pub(super) fn is_unknown(&mut self, name: &str) -> bool {
        !self.is_read_only(name)
            && self.variable(Scope::Global, name).is_none()
            && Lower::function_kind(name).is_none()
            && self.known_constant(name, Span::default()).is_none()
    }

    /// Whether a word has its value from elsewhere, so that nothing can be assigned to it.
    pub(super) fn is_read_only(&mut self, name: &str) -> bool {
        if self.frames.last().is_some_and(|frame| frame.names.contains_key(name)) || builtin::is_builtin(name) {
            return true;
        }
        self.need(name);
        self.is_inline(name)
    }

    /// Whether a word stands for an expression.
    pub(super) fn is_inline(&self, name: &str) -> bool {
        self.inlines.contains_key(name)
    }

    /// `name[keys]` where the name is neither a variable nor an array: `args[0]`, `uregs[R_RIP]`, an inline with parameters.
    pub(super) fn indexed_name(
        &mut self,
        name: &str,
        name_span: Span,
        keys: &[ast::Expr],
        span: Span,
    ) -> Option<Option<Value>> {
        match name {
            "args" => return Some(self.argument(keys, span)),
            "uregs" => return Some(self.register(keys, span)),
            _ => {}
        }
        if self.frames.last().is_some_and(|frame| frame.names.contains_key(name))
            || self.variable(Scope::Global, name).is_some()
        {
            return None;
        }
        self.need(name);
        let takes = self.inlines.get(name)?.params.is_some();
        if !takes {
            return None;
        }
        self.inline(name, keys, name_span.to(span))
    }
}
