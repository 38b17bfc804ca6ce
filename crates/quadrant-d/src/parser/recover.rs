//! Reporting errors, and going on after them.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::Parser;
use crate::lexer::Tok;
use crate::lexer::spec::spec_len;

impl Parser<'_> {
    /// Reports an error after which the text makes no sense until the next fresh start.
    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        if !self.recovering {
            self.diagnostics.push(diagnostic);
        }
        self.recovering = true;
    }

    /// Reports an error after which parsing goes on undisturbed.
    pub(super) fn soft_error(&mut self, span: Span, tag: &'static str, message: impl Into<String>) {
        if !self.recovering {
            self.diagnostics.push(Diagnostic::error(span, message).tag(tag));
        }
    }

    /// Reports that the next token is not what had to come.
    pub(super) fn unexpected(&mut self, wanted: &str) {
        let here = self.here();
        let diagnostic = match self.token.kind {
            Tok::UnterminatedStr => Diagnostic::error(here, "newline encountered in string literal")
                .tag("D_STR_NL")
                .help("write `\\n` for a line break in a string"),
            Tok::UnterminatedChar => {
                Diagnostic::error(here, "newline encountered in character constant").tag("D_CHR_NL")
            }
            Tok::UnterminatedComment => {
                let start = Span::new(here.start, here.start + 2);
                Diagnostic::error(start, "end-of-file encountered before matching */").tag("D_SYNTAX")
            }
            Tok::Float => Diagnostic::error(here, "floating-point constants are not permitted").tag("D_SYNTAX"),
            Tok::Eof => Diagnostic::error(here, "syntax error near end-of-input")
                .tag("D_SYNTAX")
                .label(format!("expected {wanted}")),
            _ => near(self.text(here), here).label(format!("expected {wanted}")),
        };
        self.error(diagnostic);
    }

    /// After an error in a statement: goes behind its `;`, or to what closes the block.
    pub(super) fn sync_stmt(&mut self) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) && !self.at_clause() {
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
        while !ends(self.token.kind) && !self.at_clause() {
            self.bump();
        }
    }

    /// The `}` of a declaration. After an error between the braces all up to it is passed over.
    pub(super) fn close_braces(&mut self) {
        if !self.recovering {
            return self.expect(Tok::RBrace, "`}`");
        }
        let mut open = 0usize;
        while !self.at(Tok::Eof) && !self.at_clause() {
            match self.bump().kind {
                Tok::LBrace => open += 1,
                Tok::RBrace if open == 0 => return,
                Tok::RBrace => open -= 1,
                _ => {}
            }
        }
    }

    /// After an error outside any body: goes behind the next body or `;`, or to the next clause.
    pub(super) fn sync_item(&mut self, start: u32) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) && (self.token.span.start == start || !self.at_clause()) {
            match self.bump().kind {
                Tok::LBrace => open += 1,
                Tok::RBrace if open <= 1 => {
                    self.eat(Tok::Semi);
                    break;
                }
                Tok::Semi if open == 0 => break,
                Tok::RBrace => open -= 1,
                _ => {}
            }
        }
        self.recovering = false;
    }

    /// Whether the next token starts a clause beyond doubt: at the very start of a line, a probe of the tracer's own or a
    /// specifier with colons, followed by what follows one.
    pub(super) fn at_clause(&self) -> bool {
        let at = self.token.span.start as usize;
        let source = self.lexer.source();
        let line_start = at == 0 || source.as_bytes().get(at - 1) == Some(&b'\n');
        if !line_start || !matches!(self.token.kind, Tok::Ident | Tok::Colon) {
            return false;
        }
        let text = source.get(at..).unwrap_or("");
        let (spec, rest) = text.split_at(spec_len(text));
        let named = matches!(spec, "BEGIN" | "END" | "ERROR") || spec.contains("::") || spec.matches(':').count() >= 3;
        named && matches!(rest.trim_start().as_bytes().first(), Some(b'{' | b'/' | b','))
    }
}

/// The standard message about a token that does not belong there.
pub(super) fn near(found: &str, span: Span) -> Diagnostic {
    let found: String = found.chars().take(40).collect();
    Diagnostic::error(span, format!("syntax error near \"{}\"", shown(&found))).tag("D_SYNTAX")
}

/// What a script has of control characters does not reach the terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
