//! Reporting errors, and going on after them.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::descent::{Descent, MAX_DEPTH};

use super::Parser;
use crate::lexer::spec::spec_len;
use crate::lexer::{D, Tok};

/// What comes after a predicate.
pub(super) const PREDICATE_END: &str = "`/` after the predicate";

/// The most characters of a text that does not belong where it is.
const MAX_SHOWN: usize = 200;

impl Parser<'_> {
    /// Reports an error after which parsing goes on undisturbed.
    pub(super) fn soft_error(&mut self, span: Span, tag: &'static str, message: impl Into<String>) {
        self.stand.soft_error(Diagnostic::error(span, message).tag(tag));
    }

    /// Reports that the next token is not what had to come.
    pub(super) fn unexpected(&mut self, wanted: &str) {
        let here = self.here();
        // The line that is told is the one behind the break.
        let at_break = self.text(Span::new(here.end, here.end + 1)) == "\n";
        let next_line = Span::new(here.end + u32::from(at_break), here.end + u32::from(at_break));
        let diagnostic = match self.token.kind {
            Tok::UnterminatedStr => Diagnostic::error(next_line, "newline encountered in string literal")
                .tag("D_STR_NL")
                .help("write `\\n` for a line break in a string"),
            Tok::UnterminatedChar => {
                Diagnostic::error(next_line, "newline encountered in character constant").tag("D_CHR_NL")
            }
            Tok::UnterminatedComment => {
                let end = Span::new(here.end, here.end);
                Diagnostic::error(end, "end-of-file encountered before matching */").tag("D_SYNTAX")
            }
            Tok::NestedComment => Diagnostic::error(here, "/* encountered inside a comment")
                .tag("D_SYNTAX")
                .help("the comment ends with the first `*/`"),
            Tok::Float => Diagnostic::error(here, "floating-point constants are not permitted").tag("D_SYNTAX"),
            Tok::Eof => Diagnostic::error(self.end(), "syntax error near end of input")
                .tag("D_SYNTAX")
                .label(format!("expected {wanted}")),
            Tok::RParen | Tok::RBracket if wanted == "`;`" => self.extra(),
            Tok::RBrace if wanted == PREDICATE_END => self.extra(),
            Tok::Ident if self.is_behind_number() => {
                near(self.rest_of_line(), here).label(format!("expected {wanted}"))
            }
            _ => near(self.text(here), here).label(format!("expected {wanted}")),
        };
        if matches!(self.token.kind, Tok::UnterminatedStr | Tok::UnterminatedChar) {
            // The rest of the line is in it, perhaps with a `}`.
            self.unclosed = true;
        }
        self.error(diagnostic);
    }

    /// The message for the end of something that did not begin.
    pub(super) fn extra(&self) -> Diagnostic {
        let message = format!("extra {} in input stream", self.text(self.here()));
        Diagnostic::error(self.here(), message).tag("D_SYNTAX")
    }

    /// Whether the text ends with a comment.
    pub(super) fn is_behind_comment(&self) -> bool {
        let rest = self.text(Span::new(self.prev_end, self.end().end));
        !rest.trim().is_empty()
    }

    /// The message for a text that ends behind a name or a predicate, where something has to follow.
    pub(super) fn end_of_input(&self) -> Diagnostic {
        Diagnostic::error(self.end(), "syntax error near end-of-input").tag("D_SYNTAX")
    }

    /// Whether what was read last is a name, of no type.
    pub(super) fn is_behind_name(&self) -> bool {
        let before = self.lexer.source().get(..self.prev_end as usize).unwrap_or("");
        let len = before.bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let word = &before[before.len() - len..];
        word.starts_with(|first: char| !first.is_ascii_digit()) && !self.is_type(word)
    }

    /// Whether what was read last is an integer. DTrace takes a word behind it for all up to the end of the line.
    fn is_behind_number(&self) -> bool {
        let before = self.lexer.source().get(..self.prev_end as usize).unwrap_or("");
        let len = before.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
        before[before.len() - len..].starts_with(|first: char| first.is_ascii_digit())
    }

    fn rest_of_line(&self) -> &str {
        let rest = self.lexer.source().get(self.token.span.start as usize..).unwrap_or("");
        rest.split('\n').next().unwrap_or("")
    }

    /// The very end of the text: its last line is told, also if it is empty.
    fn end(&self) -> Span {
        let end = self.lexer.source().len() as u32;
        Span::new(end, end)
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
}

impl<'a> Descent<'a, D> for Parser<'a> {
    /// At the very start of a line, a probe of the tracer's own or a specifier with colons, followed by what follows one.
    fn at_clause(&self) -> bool {
        if !self.at_line_start() || !matches!(self.token.kind, Tok::Ident | Tok::Colon) {
            return false;
        }
        let text = self.lexer.source().get(self.token.span.start as usize..).unwrap_or("");
        let (spec, rest) = text.split_at(spec_len(text));
        let named = matches!(spec, "BEGIN" | "END" | "ERROR") || spec.contains("::") || spec.matches(':').count() >= 3;
        named && matches!(rest.trim_start().as_bytes().first(), Some(b'{' | b'/' | b','))
    }

    fn too_deep(&mut self, span: Span) {
        let message = format!("nested more than {MAX_DEPTH} levels deep");
        self.error(Diagnostic::error(span, message).tag("D_SYNTAX").help("split it with variables (`this->x = ...;`)"));
    }
}

/// The standard message about a token that does not belong there.
pub(super) fn near(found: &str, span: Span) -> Diagnostic {
    let found: String = found.chars().take(MAX_SHOWN).collect();
    Diagnostic::error(span, format!("syntax error near \"{}\"", shown(&found))).tag("D_SYNTAX")
}

/// What a script has of control characters does not reach the terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
