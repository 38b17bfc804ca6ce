//! Reporting errors, and going on after them.

use super::Parser;
use crate::lexer::Tok;
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

impl Parser<'_> {
    /// Reports an error after which the text makes no sense until the next fresh start.
    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        if !self.recovering {
            self.diagnostics.push(diagnostic);
        }
        self.recovering = true;
    }

    /// Reports an error after which parsing goes on undisturbed.
    pub(super) fn soft_error(&mut self, span: Span, message: impl Into<String>) {
        if !self.recovering {
            self.diagnostics.push(Diagnostic::error(span, message));
        }
    }

    /// Reports that the next token is not what had to come.
    pub(super) fn unexpected(&mut self, wanted: &str) {
        let diagnostic = match self.token.kind {
            Tok::UnterminatedStr => Diagnostic::error(self.here(), "string without closing quote")
                .help("write `\\n` for a line break in a string"),
            Tok::UnterminatedComment => Diagnostic::error(self.comment_start(), "comment without closing `*/`"),
            Tok::Unknown => {
                let text = self.text(self.token.span).escape_debug();
                Diagnostic::error(self.here(), format!("unknown character `{text}`"))
            }
            Tok::Eof => Diagnostic::error(self.here(), format!("expected {wanted}, found the end of the script")),
            _ => {
                let found = self.text(self.token.span);
                let message = format!("expected {wanted}, found `{found}`");
                Diagnostic::error(self.here(), message).label(format!("expected {wanted}"))
            }
        };
        self.error(diagnostic);
    }

    fn comment_start(&self) -> Span {
        Span::new(self.token.span.start, self.token.span.start + 2)
    }

    /// After an error in a statement: goes behind its `;`, or to what closes the block.
    pub(super) fn sync_stmt(&mut self) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) && !self.at_probe() {
            match self.token.kind {
                Tok::Semi if open == 0 => {
                    self.bump();
                    break;
                }
                Tok::LBrace => open += 1,
                Tok::RBrace if open == 0 => break,
                Tok::RBrace => {
                    open -= 1;
                    if open == 0 {
                        self.bump();
                        break;
                    }
                }
                _ => {}
            }
            self.bump();
        }
        self.recovering = false;
    }

    /// After an error in front of a body: goes to the body, if there seems to be one.
    pub(super) fn skip_to_body(&mut self) {
        let ends = |kind| matches!(kind, Tok::LBrace | Tok::RBrace | Tok::Semi | Tok::Eof);
        while !ends(self.token.kind) && !self.at_probe() {
            self.bump();
        }
    }

    /// After an error outside any body: goes behind the next body, or to the next probe.
    pub(super) fn sync_item(&mut self, start: u32) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) && (self.token.span.start == start || !self.at_probe()) {
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

    /// Whether the next token starts a probe beyond doubt: a probe type at the very
    /// start of a line, followed by what follows a probe type.
    pub(super) fn at_probe(&self) -> bool {
        let at = self.token.span.start as usize;
        let line_start = at == 0 || self.source.as_bytes().get(at - 1) == Some(&b'\n');
        if !line_start || !self.at(Tok::Ident) {
            return false;
        }
        let word = self.word().to_ascii_lowercase();
        match word.as_str() {
            "begin" | "end" => matches!(self.second(), Tok::LBrace | Tok::Comma | Tok::Slash),
            word => is_probe_type(word) && self.second() == Tok::Colon,
        }
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
