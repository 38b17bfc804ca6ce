//! Macro variables: `$1`, `$$1`, `$target`, replaced before anything is looked up.
//!
//! In expressions an argument becomes the token that it looks like (integer, name, otherwise string), in probe specifiers
//! its text. An argument that no script uses is an error unless the option `argref` is set ([`Macros::unused`]).

use std::cell::RefCell;
use std::collections::HashSet;

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::literal::IntError;

use crate::ast::{Expr, ExprKind, Ident, IntLiteral, Item, MacroVar, ProbeSpec, Script, UnOp};
use crate::lexer::{Tok, int_value, is_word_byte};
use crate::message::visible;
use crate::walk;

/// What macro variables stand for.
#[derive(Debug, Clone, Default)]
pub struct Macros {
    /// `$0`, `$1`, …: the script's name, then what followed the options on the command line.
    pub args: Vec<String>,
    /// `$target`, `$pid`, …: the names without `$`.
    pub values: Vec<(&'static str, i64)>,
    /// Arguments that are missing are 0 or an empty string (option `defaultargs`).
    pub default_args: bool,
    /// Numbers of arguments that some script used.
    used: RefCell<HashSet<usize>>,
}

impl Macros {
    /// The macro variables of a command: its arguments from `$0` on, and named values.
    pub fn new(args: Vec<String>, values: Vec<(&'static str, i64)>) -> Macros {
        Macros { args, values, ..Macros::default() }
    }

    /// After all scripts were expanded: the message about the last argument, if it and none behind it was used, at the end of
    /// what could have used it.
    pub fn unused(&self, end: Span) -> Option<Diagnostic> {
        let used = *self.used.borrow().iter().max().unwrap_or(&0);
        let number = self.args.len().checked_sub(1).filter(|last| *last > used)?;
        let text = &self.args[number];
        let message = format!("extraneous argument '{}' (${number} is not referenced)", visible(text));
        let help = "`-x argref` allows arguments that no script uses";
        Some(Diagnostic::error(end, message).tag("D_MACRO_UNUSED").help(help))
    }

    /// The text of `$number`.
    fn arg(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        self.used.borrow_mut().insert(number);
        match self.args.get(number) {
            Some(text) => Some(text),
            None => self.default_args.then_some(""),
        }
    }

    fn value(&self, name: &str) -> Option<i64> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Replaces all macro variables of a script; those that are not defined are reported.
pub fn expand(script: &mut Script, macros: &Macros) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for item in &mut script.items {
        if let Item::Clause(clause) = item {
            clause.probes.iter_mut().for_each(|probe| expand_spec(probe, macros, &mut diagnostics));
        }
    }
    walk::exprs(script, &mut |expr| {
        let failed = match &mut expr.kind {
            ExprKind::Macro(var) => replacement(var, expr.span, macros).map(|kind| expr.kind = kind),
            ExprKind::Call { callee, .. } => expand_callee(callee, macros),
            _ => Ok(()),
        };
        if let Err(diagnostic) = failed {
            diagnostics.push(*diagnostic);
            expr.kind = ExprKind::Error;
        }
    });
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    diagnostics
}

fn replacement(var: &MacroVar, span: Span, macros: &Macros) -> Result<ExprKind, Box<Diagnostic>> {
    match var {
        MacroVar::Arg(number) => {
            let text = macros.arg(*number).ok_or_else(|| undefined("argument", &format!("${number}"), span))?;
            token(text, span).map_err(|()| overflow(*number, text, span))
        }
        MacroVar::ArgText(number) => {
            let text = macros.arg(*number).ok_or_else(|| undefined("argument", &format!("$${number}"), span))?;
            Ok(ExprKind::Str(text.as_bytes().to_vec()))
        }
        MacroVar::Named(name) => {
            let value = macros.value(name).ok_or_else(|| undefined("variable", &format!("${name}"), span))?;
            Ok(integer(value.unsigned_abs(), value < 0, true, span))
        }
        MacroVar::NamedText(name) => {
            let value = macros.value(name).ok_or_else(|| undefined("variable", &format!("$${name}"), span))?;
            Ok(ExprKind::Str(value.to_string().into_bytes()))
        }
    }
}

/// `$1(...)`: the argument names the function.
fn expand_callee(callee: &mut Ident, macros: &Macros) -> Result<(), Box<Diagnostic>> {
    let Some(number) = callee.name.strip_prefix('$').and_then(|number| number.parse().ok()) else { return Ok(()) };
    match replacement(&MacroVar::Arg(number), callee.span, macros)? {
        ExprKind::Name(name) => callee.name = name,
        _ => {
            let message = "function designator is not of function type";
            return Err(Box::new(Diagnostic::error(callee.span, message).tag("D_FUNC_IDENT")));
        }
    }
    Ok(())
}

/// The token that an argument looks like.
fn token(text: &str, span: Span) -> Result<ExprKind, ()> {
    if text.is_empty() {
        return Ok(integer(0, false, true, span));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(|first: char| first.is_ascii_digit()) {
        match int_value(digits) {
            Ok(IntLiteral { value, unsigned: false, longs: 0, decimal }) => {
                return Ok(integer(value, negative, decimal, span));
            }
            Err(IntError::TooLarge) => return Err(()),
            _ => {}
        }
    }
    let is_name = text.bytes().all(|byte| is_word_byte(byte) || byte == b'`') && !text.as_bytes()[0].is_ascii_digit();
    if is_name && !text.contains('`') {
        return Ok(ExprKind::Name(text.to_owned()));
    }
    let inner = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text);
    Ok(ExprKind::Str(inner.as_bytes().to_vec()))
}

fn integer(value: u64, negative: bool, decimal: bool, span: Span) -> ExprKind {
    let literal = ExprKind::Int(IntLiteral { value, unsigned: false, longs: 0, decimal });
    match negative {
        true => ExprKind::Unary { op: UnOp::Neg, operand: Box::new(Expr::new(span, literal)) },
        false => literal,
    }
}

fn undefined(what: &str, name: &str, span: Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(span, format!("macro {what} {name} is not defined")).tag("D_MACRO_UNDEF"))
}

fn overflow(number: u32, text: &str, span: Span) -> Box<Diagnostic> {
    let message = format!("macro argument ${number} constant {text} results in integer overflow");
    Box::new(Diagnostic::error(span, message).tag("D_MACRO_OFLOW"))
}

/// Puts the text of macro variables into a probe specifier.
fn expand_spec(probe: &mut ProbeSpec, macros: &Macros, diagnostics: &mut Vec<Diagnostic>) {
    let mut expanded = String::new();
    let mut rest = probe.text.as_str();
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        let (kind, len) = <crate::lexer::D as quadrant_syntax::lexer::Language>::token(rest);
        let (var, after) = rest.split_at(len);
        match spec_text(kind, var, macros) {
            Ok(text) => expanded.push_str(&text),
            Err(what) => diagnostics.push(*undefined(what, var, probe.span)),
        }
        rest = after;
    }
    expanded.push_str(rest);
    probe.text = expanded;
}

/// The text of one macro variable, or what it is that is not defined.
fn spec_text(kind: Tok, var: &str, macros: &Macros) -> Result<String, &'static str> {
    let word = var.trim_start_matches('$');
    match kind {
        Tok::Param | Tok::ParamText if word.starts_with(|first: char| first.is_ascii_digit()) => {
            let text = word.parse().ok().and_then(|number| macros.arg(number));
            text.map(str::to_owned).ok_or("argument")
        }
        Tok::Var | Tok::ParamText => macros.value(word).map(|value| value.to_string()).ok_or("variable"),
        _ => Ok(var.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse, tree};

    fn expanded(text: &str, macros: &Macros) -> (String, Vec<String>) {
        let mut parsed = parse(text);
        let diagnostics = expand(&mut parsed.script, macros);
        let messages = diagnostics.into_iter().map(|d| format!("[{}] {}", d.tag.unwrap_or(""), d.message));
        (tree::print(&parsed.script), messages.collect())
    }

    fn macros(args: &[&str]) -> Macros {
        let args = ["x.d"].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
        Macros::new(args, vec![("target", 42), ("pid", 7)])
    }

    #[test]
    fn arguments_are_the_tokens_they_look_like() {
        let macros = macros(&["12", "-0x10", "bash", "/bin/sh", "\"ls\"", "12x", "a b"]);
        let text = "BEGIN { f($1, $2, $3, $4, $5, $6, $7, $$1, $$3, $0, $target, $$pid); }";
        let (tree, messages) = expanded(text, &macros);
        assert_eq!(messages, [""; 0]);
        let wanted = "(f! 12 (- 0x10) bash \"/bin/sh\" \"ls\" \"12x\" \"a b\" \"12\" \"bash\" \"x.d\" 42 \"7\")";
        assert!(tree.contains(wanted), "{tree}");
        assert_eq!(macros.unused(Span::new(0, 0)), None);
    }

    #[test]
    fn an_argument_can_name_a_function() {
        let (tree, messages) = expanded("BEGIN { $1($2); }", &macros(&["exit", "3"]));
        assert_eq!(messages, [""; 0]);
        assert!(tree.contains("(exit! 3)"), "{tree}");
        for (argument, tag) in [("12", "[D_FUNC_IDENT]"), ("a b", "[D_FUNC_IDENT]")] {
            let (_, messages) = expanded("BEGIN { $1(0); }", &macros(&[argument]));
            assert!(messages[0].starts_with(tag), "{argument}: {messages:?}");
        }
        let (_, messages) = expanded("BEGIN { $1(0); }", &macros(&[]));
        assert_eq!(messages, ["[D_MACRO_UNDEF] macro argument $1 is not defined"]);
    }

    #[test]
    fn specifiers_take_the_text() {
        let (tree, messages) = expanded("pid$target:$1:f$2g:$$1,p$pid:a$:: { }", &macros(&["libc", "1"]));
        assert_eq!(messages, [""; 0]);
        assert!(tree.contains("at pid42:libc:f1g:libc\n  at p7:a$::\n"), "{tree}");
    }

    #[test]
    fn what_is_missing_is_reported_where_it_stands() {
        let text = "pid$nope:$1::{ trace($1); trace($$2); x[$foo] = $99999999999; y = $2; }";
        let (_, messages) = expanded(text, &macros(&[]));
        let wanted = [
            "[D_MACRO_UNDEF] macro variable $nope is not defined",
            "[D_MACRO_UNDEF] macro argument $1 is not defined",
            "[D_MACRO_UNDEF] macro argument $1 is not defined",
            "[D_MACRO_UNDEF] macro argument $$2 is not defined",
            "[D_MACRO_UNDEF] macro variable $foo is not defined",
            "[D_MACRO_UNDEF] macro argument $2 is not defined",
        ];
        assert_eq!(messages, wanted);
        let (_, messages) = expanded("BEGIN { x = $1; }", &macros(&["99999999999999999999"]));
        assert!(messages[0].starts_with("[D_MACRO_OFLOW] macro argument $1 constant 99"), "{messages:?}");
    }

    #[test]
    fn missing_arguments_can_have_defaults() {
        let macros = Macros { default_args: true, ..macros(&[]) };
        let (tree, messages) = expanded("a$1:b { f($1, $$2); }", &macros);
        assert_eq!(messages, [""; 0]);
        assert!(tree.contains("at a:b\n") && tree.contains("(f! 0 \"\")"), "{tree}");
    }

    #[test]
    fn arguments_that_nobody_uses_are_reported() {
        for (args, wanted) in [(&["1", "foo"][..], "'foo' ($2"), (&["1", "foo", "bar"], "'bar' ($3")] {
            let macros = macros(args);
            expanded("BEGIN { x = $1; }", &macros);
            let message = macros.unused(Span::new(0, 0)).expect("a message").message;
            assert_eq!(message, format!("extraneous argument {wanted} is not referenced)"));
        }
    }
}
