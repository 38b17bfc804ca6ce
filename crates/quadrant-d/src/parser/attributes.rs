//! `__attribute__((...))` of C: what it says of places in memory.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_types::Attributes;

use super::Parser;
use crate::ast::LayoutWish;
use crate::lexer::Tok;

impl Parser<'_> {
    /// The attributes at hand, none or more of them.
    pub(super) fn attributes(&mut self) -> LayoutWish {
        let mut found = LayoutWish::default();
        while !self.recovering && matches!(self.word(), "__attribute__" | "__attribute" | "_Alignas") {
            if self.at_word("_Alignas") {
                found = found.and(self.attribute());
                continue;
            }
            self.bump();
            self.expect(Tok::LParen, "`((`");
            self.expect(Tok::LParen, "`((`");
            while !self.recovering && self.at(Tok::Ident) {
                found = found.and(self.attribute());
                if !self.eat(Tok::Comma) {
                    break;
                }
            }
            self.expect(Tok::RParen, "`))`");
            self.expect(Tok::RParen, "`))`");
        }
        found
    }

    fn attribute(&mut self) -> LayoutWish {
        let name = self.bump().span;
        let argument = self.at(Tok::LParen).then(|| self.argument());
        let asked = match (self.text(name).trim_matches('_'), argument) {
            ("packed", _) => Attributes { packed: true, ..Attributes::default() },
            ("aligned", None) => Attributes { align: Attributes::MAX_ALIGN, ..Attributes::default() },
            ("aligned" | "Alignas", Some(Some(align))) => Attributes { align, ..Attributes::default() },
            ("aligned" | "Alignas", _) => {
                return self.unknown(name, "an alignment is a power of two, written as a number");
            }
            (other, _) if Attributes::OTHERS.contains(&other) => {
                return self.unknown(name, "this attribute is not supported: spell the type out");
            }
            // All others are about code, warnings and linking.
            _ => Attributes::default(),
        };
        LayoutWish { asked, unknown: false }
    }

    /// A header can be read all the same, as long as nothing needs what it says there.
    fn unknown(&mut self, span: Span, message: &str) -> LayoutWish {
        if !self.lines.is_included(span.start) {
            self.diagnostics.push(Diagnostic::error(span, message).tag("D_SYNTAX"));
        }
        LayoutWish { unknown: true, ..LayoutWish::default() }
    }

    /// Passes over what stands in parentheses, and gives it if it is an alignment.
    fn argument(&mut self) -> Option<u64> {
        self.bump();
        let number = self.at(Tok::Int).then(|| self.text(self.token.span).parse().ok()).flatten();
        let start = self.token.span.end;
        let mut open = 1usize;
        let mut last = self.token.span;
        while open > 0 && !self.at(Tok::Eof) {
            last = self.bump().span;
            match self.text(last) {
                "(" => open += 1,
                ")" => open -= 1,
                _ => {}
            }
        }
        let alone = self.text(Span::new(start.min(last.start), last.start)).trim().is_empty();
        number.filter(|&bytes| alone && Attributes::is_alignment(bytes))
    }
}
