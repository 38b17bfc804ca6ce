//! What only headers of C have: functions, variables with values, names that are D's words. D has no use for the first two, and they are
//! passed over.

use super::{Parser, words};
use crate::lexer::Tok;

/// What a declaration of C is, where D cannot read it or need not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passed {
    /// A function with its body.
    Function,
    /// Whatever ends with a semicolon.
    Statement,
}

impl Parser<'_> {
    /// Whether what comes is in a file that a preprocessor included.
    pub(super) fn in_header(&self) -> bool {
        self.lines.is_included(self.token.span.start)
    }

    /// Whether the next word can be no name.
    pub(super) fn at_reserved(&self) -> bool {
        words::is_reserved(self.word()) && !self.is_cs_name(self.word())
    }

    /// Whether a word that has a meaning in D is a name where it stands next, because C's text is there.
    pub(super) fn is_cs_name(&self, word: &str) -> bool {
        words::is_ds_own(word) && self.in_header()
    }

    /// A semicolon too many, between members, which compilers let pass.
    pub(super) fn pass_extra_semicolon(&mut self) -> bool {
        self.in_header() && self.eat(Tok::Semi)
    }

    /// `[restrict]`, `[static 3]`: of parameters of functions.
    pub(super) fn pass_array_qualifiers(&mut self) {
        while self.in_header() && (words::is_qualifier(self.word()) || self.at_word("static")) {
            self.bump();
        }
    }

    /// Passes over a declaration of a function, a variable with a value, or an assertion.
    pub(super) fn pass_header_item(&mut self) -> bool {
        let Some(passed) = self.look_at_header_item() else { return false };
        let mut open = 0usize;
        while !self.at(Tok::Eof) {
            match self.bump().kind {
                Tok::LBrace => open += 1,
                Tok::RBrace if passed == Passed::Function && open <= 1 => break,
                Tok::RBrace => open = open.saturating_sub(1),
                Tok::Semi if open == 0 => break,
                _ => {}
            }
        }
        true
    }

    fn look_at_header_item(&self) -> Option<Passed> {
        let first = self.word();
        let is_ds = matches!(first, "inline" | "translator" | "provider" | "self" | "this");
        let mut lexer = self.lexer.clone();
        lexer.seek(self.token.span.start);
        let (mut open, mut before, mut is_named, mut is_function) = (0usize, Tok::Eof, false, false);
        loop {
            let token = lexer.next_token();
            match token.kind {
                Tok::Eof => return None,
                Tok::LBrace if open == 0 && before == Tok::RParen => return Some(Passed::Function),
                Tok::Assign if open == 0 && !is_ds => return Some(Passed::Statement),
                Tok::Semi if open == 0 => return is_function.then_some(Passed::Statement),
                // Not `void (*pointer)(int)`.
                Tok::Star if before == Tok::LParen && open == 1 && is_named => is_named = false,
                Tok::LParen | Tok::LBrace | Tok::LBracket => open += 1,
                Tok::RParen | Tok::RBrace | Tok::RBracket => open = open.saturating_sub(1),
                _ => {}
            }
            let called = before == Tok::Ident && token.kind == Tok::LParen && open == 1;
            is_function |= is_named && token.kind != Tok::Star && before == Tok::LParen;
            is_named = called && !is_ds && first != "typedef" && !is_attribute(self.before(token.span.start));
            before = token.kind;
        }
    }

    /// The word that ends at a place, blanks aside.
    fn before(&self, end: u32) -> &str {
        let text = self.lexer.source().get(..end as usize).unwrap_or("").trim_end();
        let len = text.bytes().rev().take_while(|&byte| crate::lexer::is_word_byte(byte)).count();
        &text[text.len() - len..]
    }
}

fn is_attribute(word: &str) -> bool {
    matches!(word, "__attribute__" | "__attribute" | "_Alignas")
}
