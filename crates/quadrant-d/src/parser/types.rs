//! Types, and telling a cast from an expression in parentheses.

use super::Parser;
use super::declarator::Name;
use super::words;
use crate::ast::{LayoutWish, MAX_DEPTH, ScopedName, Tag, TypeExpr, TypeSpec, TypeSpecKind};
use crate::lexer::{Tok, Token};
use quadrant_program::diag::Diagnostic;
use quadrant_syntax::descent::Descent;

/// What the tokens behind a `(` are, up to its `)`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// Nothing but a type.
    Type,
    /// A single name: a type or a value, followed by the token given.
    Either(Tok),
    /// A value.
    Value,
}

impl Parser<'_> {
    /// Whether `(` starts a cast: the next token is the `(`.
    pub(super) fn at_cast(&self) -> bool {
        match self.look(self.ahead()) {
            Ahead::Type => true,
            Ahead::Either(next) => starts_operand(next),
            Ahead::Value => false,
        }
    }

    /// Whether a type stands in the parentheses that the next token opens.
    pub(super) fn at_type_in_parens(&self) -> bool {
        self.look(self.ahead()) == Ahead::Type
    }

    /// Whether the next token starts a type, as far as that can be known.
    pub(super) fn at_type(&self) -> bool {
        self.at(Tok::Ident) && self.is_type(self.word())
    }

    /// A type without a name: in casts, `sizeof`, `xlate`.
    pub(super) fn type_name(&mut self) -> TypeExpr {
        let start = self.token.span.start;
        let base = self.type_spec();
        let declared = self.declarator(Name::MustNot);
        self.checked(TypeExpr { span: self.span_from(start), base, wraps: declared.wraps })
    }

    /// The words in front of declarators, storage classes aside.
    pub(super) fn type_spec(&mut self) -> TypeSpec {
        let start = self.token.span.start;
        self.qualifiers();
        let mut wish = LayoutWish::default();
        let kind = match Tag::from_word(self.word()) {
            Some(tag) => self.tagged(tag, &mut wish),
            None if words::is_type_word(self.word()) => self.worded(),
            None => self.named(),
        };
        self.qualifiers();
        TypeSpec { span: self.span_from(start), kind, wish }
    }

    /// Skips `const` and its like.
    pub(super) fn qualifiers(&mut self) {
        while words::is_qualifier(self.word()) {
            self.bump();
        }
    }

    /// The type itself, unless the tree would become too deep.
    pub(super) fn checked(&mut self, ty: TypeExpr) -> TypeExpr {
        if ty.height() <= MAX_DEPTH {
            return ty;
        }
        self.too_deep(ty.span);
        let base = TypeSpec { span: ty.base.span, kind: TypeSpecKind::Error, wish: LayoutWish::default() };
        TypeExpr { span: ty.span, base, wraps: Vec::new() }
    }

    /// A type of C's words. Those that change a type go with no other types.
    fn worded(&mut self) -> TypeSpecKind {
        let words = self.type_words();
        let is_type = self.is_type(self.word()) && self.second() == Tok::Ident;
        if words::only_change(&words) && (Tag::from_word(self.word()).is_some() || is_type) {
            let is_long = !words.contains("signed") && words.contains("long");
            let (tag, message) = if is_long { words::NUMBERS_ONLY } else { words::INTEGERS_ONLY };
            let here = self.here();
            self.error(Diagnostic::error(here, message).tag(tag));
        }
        TypeSpecKind::Words(words)
    }

    /// C's words in any number: `unsigned long int`.
    fn type_words(&mut self) -> String {
        let mut name = String::new();
        loop {
            self.qualifiers();
            let is_name = !name.is_empty() && self.is_cs_name(self.word());
            if is_name || !words::is_type_word(self.word()) {
                return name;
            }
            name.push_str(if name.is_empty() { "" } else { " " });
            let span = self.bump().span;
            name.push_str(self.text(span));
        }
    }

    fn named(&mut self) -> TypeSpecKind {
        let name = if self.at(Tok::Ident) && !self.at_reserved() { self.scoped_name() } else { None };
        match name {
            Some(name) => TypeSpecKind::Named(name),
            None => {
                self.unexpected("a type");
                TypeSpecKind::Error
            }
        }
    }

    /// A `struct`, `union` or `enum`; `wish` is what attributes say of one that is defined there.
    fn tagged(&mut self, tag: Tag, wish: &mut LayoutWish) -> TypeSpecKind {
        self.bump();
        *wish = self.attributes();
        let name = self.tag_name();
        let body = if self.at(Tok::LBrace) { self.nested(|parser| parser.tag_body(tag)) } else { None };
        if body.is_some() {
            *wish = wish.and(self.attributes());
            wish.asked.most = self.packs.most_at(self.prev_end);
        }
        if name.is_none() && body.is_none() {
            self.unexpected("the type's name");
        }
        TypeSpecKind::Tagged { tag, name, body }
    }

    fn tag_name(&mut self) -> Option<ScopedName> {
        match self.at(Tok::Ident) && !self.at_reserved() {
            true => self.scoped_name(),
            false => None,
        }
    }

    pub(super) fn is_type(&self, word: &str) -> bool {
        words::is_type_word(word)
            || words::is_qualifier(word)
            || Tag::from_word(word).is_some()
            || self.typedefs.contains(word) && (!words::is_ds_own(word) || self.in_header())
            || words::names_a_type(word)
    }

    fn look(&self, mut tokens: impl Iterator<Item = Token>) -> Ahead {
        let Some(first) = tokens.next().filter(|token| token.kind == Tok::Ident) else {
            return Ahead::Value;
        };
        let word = self.text(first.span);
        // A variable may well be called `x_t`: what follows such a name tells more.
        let certain = self.is_type(word) && (!words::names_a_type(word) || self.typedefs.contains(word));
        if certain {
            return Ahead::Type;
        }
        if words::is_reserved(word) {
            return Ahead::Value;
        }
        let (mut pointer, mut length) = (false, false);
        for token in tokens.by_ref() {
            match token.kind {
                Tok::Star => pointer = true,
                Tok::LBracket if pointer => length = true,
                Tok::RBracket if length => length = false,
                // Only there: `(x * 8)` is a product.
                Tok::Int if length => {}
                Tok::RParen if pointer || words::names_a_type(word) => return Ahead::Type,
                Tok::RParen => break,
                _ => return Ahead::Value,
            }
        }
        Ahead::Either(tokens.next().map_or(Tok::Eof, |token| token.kind))
    }
}

/// Whether a value in front of the token would make no sense, so that a cast is meant.
fn starts_operand(kind: Tok) -> bool {
    matches!(
        kind,
        Tok::Ident
            | Tok::Int
            | Tok::Float
            | Tok::Str
            | Tok::Char
            | Tok::Var
            | Tok::Param
            | Tok::ParamText
            | Tok::Map
            | Tok::LParen
            | Tok::Bang
            | Tok::Tilde
    )
}
