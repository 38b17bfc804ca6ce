//! Reporting errors, and going on after them.

use super::Parser;
use crate::lexer::{Bpftrace, Tok};
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::descent::{Descent, MAX_DEPTH};

/// What to say to those who write `#` for a comment, as in a shell.
pub(crate) const HOW_TO_COMMENT: &str = "a comment begins with `//`";

impl Parser<'_> {
    /// Reports an error after which parsing goes on undisturbed.
    pub(super) fn soft_error(&mut self, span: Span, message: impl Into<String>) {
        self.stand.soft_error(Diagnostic::error(span, message));
    }

    /// As [`Self::unexpected`], with what can be written.
    pub(super) fn unexpected_but(&mut self, wanted: &str, instead: &str) {
        let before = self.stand.diagnostics.len();
        self.unexpected(wanted);
        self.stand.diagnostics[before..].iter_mut().for_each(|diagnostic| diagnostic.help.push(instead.to_owned()));
    }

    /// Reports that the next token is not what had to come.
    pub(super) fn unexpected(&mut self, wanted: &str) {
        let diagnostic = match self.token.kind {
            Tok::UnterminatedStr => Diagnostic::error(self.here(), "string without closing quote")
                .help("write `\\n` for a line break in a string"),
            Tok::UnterminatedChar => Diagnostic::error(self.here(), "character constant without closing quote"),
            Tok::Char => Diagnostic::error(self.here(), "a text stands in double quotes")
                .help("character constants are for C text: `#define A 'a'`"),
            Tok::UnterminatedComment => Diagnostic::error(self.comment_start(), "comment without closing `*/`"),
            Tok::Unknown => {
                let text = self.text(self.token.span).escape_debug();
                Diagnostic::error(self.here(), format!("expected {wanted}, found the unknown character `{text}`"))
            }
            Tok::Eof => Diagnostic::error(self.here(), format!("expected {wanted}, found the end of the script")),
            _ => {
                let found = self.text(self.token.span);
                let message = format!("expected {wanted}, found `{found}`");
                let diagnostic = Diagnostic::error(self.here(), message).label(format!("expected {wanted}"));
                if self.at(Tok::Hash) { diagnostic.help(HOW_TO_COMMENT) } else { diagnostic }
            }
        };
        self.error(diagnostic);
    }

    fn comment_start(&self) -> Span {
        Span::new(self.token.span.start, self.token.span.start + 2)
    }

    /// After an error outside any body: goes behind the next body, or to the next probe.
    pub(super) fn sync_item(&mut self, start: u32) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) && (self.token.span.start == start || !self.at_clause()) {
            match self.bump().kind {
                Tok::LBrace => open += 1,
                Tok::RBrace if open <= 1 => break,
                Tok::Semi if open == 0 => break,
                Tok::RBrace => open -= 1,
                _ => {}
            }
        }
        self.recovering = false;
    }
}

impl<'a> Descent<'a, Bpftrace> for Parser<'a> {
    /// A probe type at the very start of a line, followed by what follows a probe type.
    fn at_clause(&self) -> bool {
        if !self.at_line_start() || !self.at(Tok::Ident) {
            return false;
        }
        let word = self.word().to_ascii_lowercase();
        match word.as_str() {
            "begin" | "end" => matches!(self.second(), Tok::LBrace | Tok::Comma | Tok::Slash),
            word => is_probe_type(word) && self.second() == Tok::Colon,
        }
    }

    fn too_deep(&mut self, span: Span) {
        let message = format!("nested more than {MAX_DEPTH} levels deep");
        self.error(Diagnostic::error(span, message).help("split it with variables (`$x = ...;`)"));
    }
}

/// Full names only: one-letter aliases are too easily something else.
fn is_probe_type(word: &str) -> bool {
    const TYPES: &[&str] = &[
        "kprobe",
        "kretprobe",
        "fentry",
        "fexit",
        "kfunc",
        "kretfunc",
        "tracepoint",
        "rawtracepoint",
        "uprobe",
        "uretprobe",
        "usdt",
        "profile",
        "interval",
        "software",
        "hardware",
        "watchpoint",
        "asyncwatchpoint",
        "iter",
        "self",
        "test",
        "bench",
    ];
    TYPES.contains(&word)
}
