//! The parser: recursive descent, precedence climbing for operators.
//!
//! It never fails. After an error it is *recovering*: further errors are held back until a point where it can start
//! afresh (`;`, `}`, the next clause), so that one mistake gives one message and several mistakes give several.

mod attributes;
mod clause;
mod declaration;
mod declarator;
mod expr;
mod header;
mod item;
mod pack;
mod pragma;
mod primary;
mod recover;
mod stmt;
#[cfg(test)]
mod tests;
mod types;
mod words;

pub(crate) use words::{INTEGERS_ONLY, NUMBERS_ONLY};

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::descent::Stand;

use crate::ast::{Expr, Ident, Script, TypeExpr};
use crate::lexer::{D, Tok};
use crate::lines::Lines;
use pack::Packs;

/// A tree, and what was wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The tree; parts that made no sense are `Error` nodes.
    pub script: Script,
    /// Which line a place is in.
    pub lines: Lines,
    /// The messages, in source order.
    pub diagnostics: Vec<Diagnostic>,
}

/// How a script is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode {
    /// Probe specifiers and predicates may stand alone, without actions: `dtrace -n 'syscall:::entry /pid/'`.
    pub bare_probes: bool,
}

/// Parses a whole script. Takes time linear in its length.
pub fn parse(source: &str) -> Parsed {
    match u32::try_from(source.len()) {
        Ok(len) => parse_part(source, Span::new(0, len), Mode::default()),
        Err(_) => {
            let diagnostic = Diagnostic::error(Span::new(0, 0), "script too long: 4 GiB or more").tag("D_UNKNOWN");
            let (script, lines) = (Script::default(), Lines::default());
            Parsed { script, lines, diagnostics: vec![diagnostic] }
        }
    }
}

/// Parses the script that is the whole of `part`, which starts a line; places are those in `source`, lines those in the part.
pub fn parse_part(source: &str, part: Span, mode: Mode) -> Parsed {
    let source = source.get(..part.end as usize).unwrap_or("");
    let mut found = pragma::read(source, part.start);
    let mut parser = Parser::new(source, mode);
    parser.lines = found.lines;
    parser.packs = found.packs;
    parser.restart_at(part.start);
    let script = Script { shebang: found.shebang, pragmas: found.pragmas, items: parser.items() };
    let mut diagnostics = parser.stand.diagnostics;
    diagnostics.append(&mut found.diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    Parsed { script, lines: parser.lines, diagnostics }
}

/// Parses the expression that is the whole of `part`; places are those in `source`.
pub fn parse_expr_part(source: &str, part: Span) -> (Expr, Vec<Diagnostic>) {
    whole(source, part, |parser| parser.expr())
}

/// Parses the type that is the whole of `part`; places are those in `source`.
pub fn parse_type_part(source: &str, part: Span) -> (TypeExpr, Vec<Diagnostic>) {
    whole(source, part, |parser| parser.type_name())
}

fn whole<T>(source: &str, part: Span, inner: impl FnOnce(&mut Parser) -> T) -> (T, Vec<Diagnostic>) {
    let mut parser = Parser::new(source.get(..part.end as usize).unwrap_or(""), Mode::default());
    parser.restart_at(part.start);
    let parsed = inner(&mut parser);
    if !parser.at(Tok::Eof) {
        parser.unexpected("the end of the text");
    }
    (parsed, parser.stand.diagnostics)
}

struct Parser<'a> {
    stand: Stand<'a, D>,
    mode: Mode,
    /// The names that `typedef` gave so far.
    typedefs: HashSet<&'a str>,
    /// Which parts of the text a preprocessor included.
    lines: Lines,
    /// What `#pragma pack` says where.
    packs: Packs,
}

/// Can be asked for where it stands as if it were that.
impl<'a> Deref for Parser<'a> {
    type Target = Stand<'a, D>;

    fn deref(&self) -> &Self::Target {
        &self.stand
    }
}

impl DerefMut for Parser<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.stand
    }
}

impl<'a> Parser<'a> {
    fn new(source: &'a str, mode: Mode) -> Self {
        Self {
            stand: Stand::new(source),
            mode,
            typedefs: HashSet::new(),
            lines: Lines::default(),
            packs: Packs::default(),
        }
    }

    /// Takes the token that has to come. After an error it takes none: what is there belongs to whoever starts afresh.
    fn expect(&mut self, kind: Tok, what: &str) {
        if self.recovering || self.eat(kind) {
            return;
        }
        match self.at(Tok::Eof) && self.is_behind_name() {
            true => {
                let error = self.end_of_input().label(format!("expected {what}"));
                self.error(error);
            }
            false => self.unexpected(what),
        }
    }

    /// A name after which something was promised; an empty one after an error. No keyword, no name of the kernel's.
    fn expect_ident(&mut self, what: &str) -> Ident {
        if self.at(Tok::Ident) && !self.at_reserved() && !self.word().contains('`') {
            return self.take_ident(0);
        }
        self.unexpected(what);
        Ident { name: String::new(), span: self.here() }
    }

    /// The name of a member: any word.
    fn expect_member(&mut self) -> Ident {
        if self.at(Tok::Ident) && !self.word().contains('`') {
            return self.take_ident(0);
        }
        if self.at(Tok::Ident) {
            // `a.out` in front of a backtick is a file, not a member.
            let message = "symbols of a process cannot be named: where they are is known when it has mapped its files";
            let error = Diagnostic::error(self.token.span, message).tag("D_IDENT_UNDEF");
            self.error(error.help(crate::NO_USER_SYMBOLS));
        } else {
            self.unexpected("a member's name");
        }
        Ident { name: String::new(), span: self.here() }
    }

    /// The next token as a name, its sigil of `sigil` bytes taken off.
    fn take_ident(&mut self, sigil: usize) -> Ident {
        let span = self.bump().span;
        let name = self.text(span).get(sigil..).unwrap_or("").to_owned();
        Ident { name, span }
    }
}
