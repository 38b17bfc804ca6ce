//! What only headers of C have: functions, variables with values, names that are D's words. D has no use for the first two, and they are
//! passed over, but for the types that they define.

use super::{Parser, words};
use crate::ast::{Declaration, Scope, Tag, TypeSpec};
use crate::lexer::Tok;

/// What a declaration of C is, where D cannot read it or need not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    ends: Ends,
    /// Whether a type is defined in front of what is declared.
    defines: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// With the body of a function.
    Body,
    Semicolon,
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

    /// Whether a word that has a meaning in D is the name of a type, because C's text is there and has given it to one.
    pub(super) fn is_cs_type(&self, word: &str) -> bool {
        self.is_cs_name(word) && self.typedefs.contains(word)
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

    /// Passes over what [`Self::look_at_header_item`] found: all but the type that it defines.
    pub(super) fn pass_header_item(&mut self, passed: Passed) -> Option<Declaration> {
        let start = self.token.span.start;
        let base = if passed.defines { self.defined_type() } else { None };
        if !self.recovering {
            self.pass_to(passed.ends);
        }
        let span = self.span_from(start);
        let declared = Vec::new();
        base.map(|base| Declaration { span, storage: None, scope: Scope::Global, base, declared, from_c: true })
    }

    /// The type in front of what is declared, storage classes and the like aside.
    fn defined_type(&mut self) -> Option<TypeSpec> {
        while !self.at(Tok::Eof) && Tag::from_word(self.word()).is_none() {
            self.bump();
        }
        (!self.at(Tok::Eof)).then(|| self.type_spec())
    }

    fn pass_to(&mut self, ends: Ends) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) {
            match self.bump().kind {
                Tok::LBrace => open += 1,
                Tok::RBrace if ends == Ends::Body && open <= 1 => break,
                Tok::RBrace => open = open.saturating_sub(1),
                Tok::Semi if open == 0 => break,
                _ => {}
            }
        }
    }

    /// Whether what comes is a declaration of a function, a variable with a value, or an assertion.
    pub(super) fn look_at_header_item(&self) -> Option<Passed> {
        let first = self.word();
        let is_ds = matches!(first, "inline" | "translator" | "provider" | "self" | "this") && !self.is_cs_type(first);
        let mut lexer = self.lexer.clone();
        lexer.seek(self.token.span.start);
        let (mut open, mut before, mut is_named, mut is_function) = (0usize, Tok::Eof, false, false);
        let (mut is_attributes, mut defines) = (false, false);
        loop {
            let token = lexer.next_token();
            match token.kind {
                Tok::Eof => return None,
                Tok::LBrace if open == 0 && before == Tok::RParen && !is_attributes => {
                    return Some(Passed { ends: Ends::Body, defines });
                }
                Tok::Assign if open == 0 && !is_ds => return Some(Passed { ends: Ends::Semicolon, defines }),
                Tok::Semi if open == 0 => return is_function.then_some(Passed { ends: Ends::Semicolon, defines }),
                // Not `void (*pointer)(int)`.
                Tok::Star if before == Tok::LParen && open == 1 && is_named => is_named = false,
                Tok::LParen | Tok::LBrace | Tok::LBracket => {
                    if open == 0 {
                        defines |= token.kind == Tok::LBrace;
                        is_attributes = is_attribute(self.before(token.span.start));
                    }
                    open += 1;
                }
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
