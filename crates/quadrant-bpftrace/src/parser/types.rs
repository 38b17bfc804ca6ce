//! Types, and telling a cast from an expression in parentheses.

use super::Parser;
use crate::ast::{Expr, MAX_DEPTH, Tag, TypeArg, TypeExpr, TypeKind};
use crate::lexer::{Tok, Token};
use quadrant_syntax::descent::Descent;

/// What the tokens behind a `(` are, up to its `)`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// Nothing but a type.
    Type,
    /// Single words: a type or a value, followed by the token given.
    Either(Tok),
    /// A value.
    Value,
}

impl Parser<'_> {
    /// Whether `(` starts a cast: the next token is the `(`.
    pub(super) fn at_cast(&self) -> bool {
        match self.look(self.ahead()) {
            Ahead::Type => true,
            Ahead::Either(next) => {
                let is_type = |word: Token| self.text(word.span).ends_with("_t");
                starts_operand(next) || signs_operand(next) && self.ahead().next().is_some_and(is_type)
            }
            Ahead::Value => false,
        }
    }

    /// The operand of `sizeof` and its like; the `(` has been taken.
    pub(super) fn type_arg(&mut self) -> TypeArg {
        let tokens = std::iter::once(self.token).chain(self.ahead());
        match self.look(tokens) {
            Ahead::Type => TypeArg::Type(Box::new(self.type_expr())),
            _ => TypeArg::Expr(Box::new(self.expr())),
        }
    }

    /// A type; what follows it is left alone.
    pub(super) fn type_expr(&mut self) -> TypeExpr {
        let start = self.token.span.start;
        let kind = self.nested(Self::base_type).unwrap_or(TypeKind::Error);
        let mut ty = TypeExpr::new(self.span_from(start), kind);
        loop {
            let kind = match self.token.kind {
                Tok::Star => {
                    self.bump();
                    while self.eat_word("const") || self.eat_word("volatile") {}
                    TypeKind::Pointer(Box::new(ty))
                }
                Tok::LBracket => TypeKind::Array(Box::new(ty), self.array_size()),
                _ => return ty,
            };
            ty = TypeExpr::new(self.span_from(start), kind);
            if ty.height() > MAX_DEPTH {
                self.too_deep(ty.span);
                return TypeExpr::new(self.span_from(start), TypeKind::Error);
            }
        }
    }

    fn array_size(&mut self) -> Option<Box<Expr>> {
        self.bump();
        let size = if self.at(Tok::RBracket) { None } else { Some(Box::new(self.bracketed(Self::expr))) };
        self.expect(Tok::RBracket, "`]`");
        size
    }

    fn base_type(&mut self) -> TypeKind {
        while self.at_word("const") || self.at_word("volatile") {
            self.bump();
        }
        if self.at(Tok::LParen) {
            self.bump();
            return TypeKind::Tuple(self.list(Tok::RParen, "`)`", Self::type_expr));
        }
        if !self.at(Tok::Ident) {
            self.unexpected("a type");
            return TypeKind::Error;
        }
        if let Some(tag) = Tag::from_word(self.word()) {
            self.bump();
            let name = if self.at(Tok::Ident) { self.scoped_name() } else { self.expect_ident("the type's name") };
            return TypeKind::Tagged(tag, name.name);
        }
        if self.at_word("typeof") {
            self.bump();
            self.expect(Tok::LParen, "`(`");
            let arg = self.bracketed(Self::type_arg);
            self.expect(Tok::RParen, "`)`");
            return TypeKind::Typeof(arg);
        }
        TypeKind::Named(self.type_words())
    }

    /// `uint8`, or C's words in any number: `unsigned long int`.
    fn type_words(&mut self) -> String {
        let mut name = String::new();
        loop {
            let word = self.word();
            let whole = self.scoped_name();
            if word != "const" && word != "volatile" {
                name.push_str(if name.is_empty() { "" } else { " " });
                name.push_str(&whole.name);
            }
            if !is_c_word(word) || !is_c_word(self.word()) {
                return name;
            }
        }
    }

    fn look(&self, mut tokens: impl Iterator<Item = Token>) -> Ahead {
        let Some(first) = tokens.next().filter(|token| token.kind == Tok::Ident) else {
            return Ahead::Value;
        };
        let word = self.text(first.span);
        if Tag::from_word(word).is_some() || word == "typeof" || is_type_word(word) {
            return Ahead::Type;
        }
        let (mut pointer, mut last) = (false, first.kind);
        for token in tokens {
            let before = std::mem::replace(&mut last, token.kind);
            match token.kind {
                Tok::Star => pointer = true,
                Tok::LBracket | Tok::RBracket | Tok::Int | Tok::Colon if !pointer => {}
                Tok::Ident if before == Tok::Colon => {}
                Tok::RParen if pointer => return Ahead::Type,
                Tok::RParen => break,
                _ => return Ahead::Value,
            }
        }
        self.after_parens()
    }

    /// The token behind the next `)`.
    fn after_parens(&self) -> Ahead {
        let mut tokens = self.ahead().skip_while(|t| t.kind != Tok::RParen && t.kind != Tok::Eof);
        tokens.next();
        Ahead::Either(tokens.next().map_or(Tok::Eof, |token| token.kind))
    }
}

/// Whether a value in front of the token would make no sense, so that a cast is meant.
fn starts_operand(kind: Tok) -> bool {
    matches!(
        kind,
        Tok::Ident
            | Tok::Int
            | Tok::Str
            | Tok::Var
            | Tok::Param
            | Tok::ParamCount
            | Tok::Map
            | Tok::LParen
            | Tok::Bang
            | Tok::Tilde
    )
}

/// Whether the token may be a sign or operator of an operand, but also stand between two values.
fn signs_operand(kind: Tok) -> bool {
    matches!(kind, Tok::Minus | Tok::Star | Tok::Amp)
}

fn is_c_word(word: &str) -> bool {
    matches!(word, "const" | "volatile" | "unsigned" | "signed" | "long" | "short" | "int" | "char")
}

/// The kernel's names of numbers: `u32`, `__s64`.
fn is_kernel_word(word: &str) -> bool {
    let word = word.strip_prefix("__").unwrap_or(word);
    word.strip_prefix(['u', 's']).is_some_and(|bits| matches!(bits, "8" | "16" | "32" | "64"))
}

/// Words that are types and nothing else.
fn is_type_word(word: &str) -> bool {
    is_c_word(word)
        || matches!(
            word,
            "void"
                | "bool"
                | "string"
                | "buffer"
                | "inet"
                | "int8"
                | "int16"
                | "int32"
                | "int64"
                | "uint8"
                | "uint16"
                | "uint32"
                | "uint64"
                | "int8_t"
                | "int16_t"
                | "int32_t"
                | "int64_t"
                | "uint8_t"
                | "uint16_t"
                | "uint32_t"
                | "uint64_t"
                | "size_t"
        )
        || is_kernel_word(word)
}
