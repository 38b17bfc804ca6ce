//! The top of a script.

use super::Parser;
use super::words;
use crate::ast::Item;
use crate::lexer::spec::spec_len;
use crate::lexer::{Tok, is_word_byte};

impl Parser<'_> {
    /// Everything up to the end of the text.
    pub(super) fn items(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        while !self.at(Tok::Eof) {
            let start = self.token.span.start;
            self.unclosed = false;
            items.extend(self.item());
            if self.recovering || self.token.span.start == start {
                self.sync_item(start);
            }
        }
        items
    }

    fn item(&mut self) -> Option<Item> {
        match self.at_declaration() {
            true => self.declared_item(),
            false => self.clause().map(Item::Clause),
        }
    }

    fn declared_item(&mut self) -> Option<Item> {
        if self.in_header()
            && let Some(passed) = self.look_at_header_item()
        {
            return self.pass_header_item(passed).map(Item::Declaration);
        }
        match self.word() {
            word if self.is_cs_type(word) => Some(Item::Declaration(self.declaration())),
            "inline" => Some(Item::Inline(self.inline())),
            "translator" => Some(Item::Translator(self.translator())),
            "provider" => Some(Item::Provider(self.provider())),
            _ => Some(Item::Declaration(self.declaration())),
        }
    }

    /// Whether what comes is a declaration: it starts with one of C's words, or with a name that is followed by the
    /// declared name. Between probe specifiers there are commas.
    fn at_declaration(&self) -> bool {
        let start = self.token.span.start as usize;
        let text = self.lexer.source().get(start..).unwrap_or("");
        let len = text.bytes().take_while(|&byte| is_word_byte(byte) || byte == b'`').count();
        let (word, after) = text.split_at(len);
        if words::starts_declaration(word) {
            return !after.starts_with([':', '-', '?', '.', '[']);
        }
        len > 0 && !word.as_bytes()[0].is_ascii_digit() && self.names_follow(text)
    }

    fn names_follow(&self, text: &str) -> bool {
        let mut lexer = self.lexer.clone();
        lexer.seek(self.token.span.start + spec_len(text) as u32);
        let next = lexer.next_token();
        match next.kind {
            Tok::Star => true,
            // A clause in which the comma or the body was forgotten starts on a line of its own.
            Tok::Ident => {
                let second = self.text(next.span);
                let ends = match lexer.next_token().kind {
                    Tok::Semi | Tok::LBracket | Tok::Comma => true,
                    // A function of C.
                    Tok::LParen => self.in_header(),
                    _ => false,
                };
                ends && !second.contains('`')
            }
            _ => false,
        }
    }
}
