//! Clauses: probe specifiers, predicate, actions.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::descent::Descent;

use super::Parser;
use super::recover::{PREDICATE_END, near};
use crate::ast::{Clause, Predicate, ProbeSpec};
use crate::lexer::Tok;
use crate::lexer::spec::spec_len;

impl Parser<'_> {
    /// A clause; nothing if not even a specifier starts here.
    pub(super) fn clause(&mut self) -> Option<Clause> {
        let start = self.token.span.start;
        let probes = self.specs()?;
        let predicate = if self.at(Tok::Slash) { Some(self.predicate()) } else { None };
        if self.recovering {
            self.skip_to_body();
            self.recovering = !self.at(Tok::LBrace);
        }
        let body = if self.at(Tok::LBrace) { Some(self.block()) } else { None };
        if body.is_none() && !self.recovering {
            self.check_bare(predicate.is_some(), &probes);
        }
        Some(Clause { span: self.span_from(start), probes, predicate, body })
    }

    /// Specifiers between commas.
    fn specs(&mut self) -> Option<Vec<ProbeSpec>> {
        let mut specs = vec![self.spec()?];
        while self.eat(Tok::Comma) {
            match self.spec() {
                Some(spec) => specs.push(spec),
                None => break,
            }
        }
        Some(specs)
    }

    fn spec(&mut self) -> Option<ProbeSpec> {
        let start = self.token.span.start;
        let len = match self.token.kind {
            Tok::Eof | Tok::UnterminatedComment | Tok::NestedComment => 0,
            _ => spec_len(self.lexer.source().get(start as usize..).unwrap_or("")) as u32,
        };
        if len == 0 {
            self.unexpected("a probe specifier");
            return None;
        }
        let span = Span::new(start, start + len);
        let text = self.text(span).to_owned();
        self.restart_at(span.end);
        Some(ProbeSpec { span, text })
    }

    fn predicate(&mut self) -> Predicate {
        let start = self.bump().span.start;
        self.in_predicate = true;
        let expr = self.expr();
        self.in_predicate = false;
        if !self.recovering {
            self.expect(Tok::Slash, PREDICATE_END);
        }
        Predicate { span: self.span_from(start), expr }
    }

    /// Nothing follows: at the end of the text that can be what is meant.
    fn check_bare(&mut self, predicate: bool, probes: &[ProbeSpec]) {
        if self.at(Tok::Eof) && self.mode.bare_probes {
            return;
        }
        let span = probes.first().map_or(self.here(), |first| first.span.to(self.span_from(first.span.start)));
        let diagnostic = match predicate {
            true if self.at(Tok::Eof) && !self.is_behind_comment() => self.end_of_input(),
            true if matches!(self.token.kind, Tok::RBrace | Tok::RBracket | Tok::RParen) => self.extra(),
            true if matches!(self.token.kind, Tok::Slash | Tok::Semi | Tok::Eof) => {
                let message = "expected actions { } following probe description and predicate";
                Diagnostic::error(span, message).tag("D_SYNTAX")
            }
            true => near(self.text(self.here()), self.here()).label("expected `{`"),
            false if self.at(Tok::Eof) || self.at_clause() || matches!(self.token.kind, Tok::Ident | Tok::Int) => {
                let message = "expected predicate and/or actions following probe description";
                Diagnostic::error(span, message).tag("D_SYNTAX")
            }
            false => near(self.text(self.here()), self.here()).label("expected `,`, `/` or `{`"),
        };
        self.error(diagnostic);
    }
}
