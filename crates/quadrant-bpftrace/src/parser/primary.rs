//! Operands: literals, names, calls, parentheses.

use super::Parser;
use crate::ast::{Expr, ExprKind, Ident, Tag, TypeArg};
use crate::lexer::{IntError, IntLiteral, Tok, parse_char, parse_int, parse_str};
use quadrant_program::span::Span;
use quadrant_syntax::descent::Descent;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Expr {
        let start = self.token.span.start;
        let kind = match self.token.kind {
            Tok::Int => self.int(),
            Tok::Str => self.string(),
            Tok::Char if self.c_text => self.char(),
            Tok::Param => self.param(),
            Tok::ParamCount => {
                self.bump();
                ExprKind::ParamCount
            }
            Tok::Var => ExprKind::Var(self.take_ident(1).name),
            Tok::Map => self.map(),
            Tok::LParen => return self.parens(),
            Tok::LBrace => ExprKind::Block(Box::new(self.block("`{`"))),
            Tok::Ident => self.word_operand(),
            _ => {
                self.unexpected("an expression");
                ExprKind::Error
            }
        };
        self.node(start, kind)
    }

    fn int(&mut self) -> ExprKind {
        let span = self.bump().span;
        match parse_int(self.text(span)) {
            Ok(literal) => ExprKind::Int(literal),
            Err(error) => {
                self.soft_error(span, int_message(&error));
                ExprKind::Error
            }
        }
    }

    fn char(&mut self) -> ExprKind {
        let span = self.bump().span;
        match parse_char(self.text(span)) {
            Some(byte) => ExprKind::Int(IntLiteral { value: byte.into(), unsigned: false, duration: false }),
            None => {
                self.soft_error(span, "a character constant is one ASCII character");
                ExprKind::Error
            }
        }
    }

    fn string(&mut self) -> ExprKind {
        let span = self.bump().span;
        let (value, bad) = parse_str(self.text(span));
        for (at, len) in bad {
            let at = span.start + at as u32;
            self.bad_escape(Span::new(at, at + len as u32));
        }
        ExprKind::Str(value)
    }

    fn bad_escape(&mut self, escape: Span) {
        let text = self.text(Span::new(escape.start, self.source.len() as u32));
        let digits = text[1..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count() as u32;
        let escape = Span::new(escape.start, escape.end.max(escape.start + 1 + digits));
        let message = match self.text(escape) {
            "\\x" => "no hexadecimal digit behind `\\x`".to_owned(),
            text if digits > 0 => format!("`{text}` is more than a byte holds"),
            text => format!("unknown escape `{text}`"),
        };
        self.soft_error(escape, message);
    }

    fn param(&mut self) -> ExprKind {
        let span = self.bump().span;
        match self.text(span)[1..].parse() {
            Ok(number) if number > 0 => ExprKind::Param(number),
            _ => {
                self.soft_error(span, "positional parameters count from `$1`");
                ExprKind::Error
            }
        }
    }

    fn map(&mut self) -> ExprKind {
        let name = self.take_ident(1);
        if !self.eat(Tok::LBracket) {
            return ExprKind::Map { name, key: Vec::new() };
        }
        if self.at(Tok::RBracket) {
            self.unexpected("a key");
        }
        let key = self.list(Tok::RBracket, "`]`", Self::expr);
        ExprKind::Map { name, key }
    }

    fn word_operand(&mut self) -> ExprKind {
        match self.word() {
            word @ ("true" | "false") => {
                self.bump();
                ExprKind::Bool(word == "true")
            }
            "if" => ExprKind::If(Box::new(self.if_expr())),
            "comptime" => {
                self.bump();
                ExprKind::Comptime(Box::new(self.expr()))
            }
            "sizeof" => ExprKind::Sizeof(self.type_operand()),
            "typeof" => ExprKind::Typeof(self.type_operand()),
            "typeinfo" => ExprKind::Typeinfo(self.type_operand()),
            "offsetof" => {
                let (of, path) = self.type_and_path();
                ExprKind::Offsetof { of, path }
            }
            "has_field" => {
                let (of, path) = self.type_and_path();
                ExprKind::HasField { of, path }
            }
            "else" => {
                self.bump();
                self.unexpected_but("`;`", "`else` stands right behind the `}` of its `if`");
                ExprKind::Error
            }
            word if is_reserved(word) => {
                self.unexpected("an expression");
                ExprKind::Error
            }
            _ => self.name_or_call(),
        }
    }

    fn name_or_call(&mut self) -> ExprKind {
        let callee = self.scoped_name();
        if !self.eat(Tok::LParen) {
            return ExprKind::Name(callee.name);
        }
        let args = self.list(Tok::RParen, "`)`", Self::argument);
        ExprKind::Call { callee, args }
    }

    /// An expression, or a type as C writes it: `container_of(p, struct task_struct, tasks)`.
    fn argument(&mut self) -> Expr {
        let start = self.token.span.start;
        let tag = Tag::from_word(self.word()).filter(|_| self.second() == Tok::Ident);
        let Some(tag) = tag else { return self.expr() };
        self.bump();
        let name = self.expect_ident("a type's name").name;
        self.node(start, ExprKind::Tagged(tag, name))
    }

    /// `(type)` or `(expr)` behind `sizeof` and its like.
    fn type_operand(&mut self) -> TypeArg {
        self.bump();
        self.expect(Tok::LParen, "`(`");
        let arg = self.bracketed(Self::type_arg);
        self.expect(Tok::RParen, "`)`");
        arg
    }

    /// `(type, a.b)` behind `offsetof` and its like.
    fn type_and_path(&mut self) -> (TypeArg, Vec<Ident>) {
        self.bump();
        self.expect(Tok::LParen, "`(`");
        let of = self.bracketed(Self::type_arg);
        self.expect(Tok::Comma, "`,` and a member");
        let mut path = vec![self.expect_ident("a member's name")];
        while self.eat(Tok::Dot) && !self.recovering {
            path.push(self.expect_ident("a member's name"));
        }
        self.expect(Tok::RParen, "`)`");
        (of, path)
    }

    /// `()`, `(e)`, `(e,)`, `(e, f)`, `(name = e)`
    fn parens(&mut self) -> Expr {
        let start = self.bump().span.start;
        if self.at(Tok::Ident) && self.second() == Tok::Assign {
            let fields = self.list(Tok::RParen, "`)`", Self::record_field);
            return self.node(start, ExprKind::Record(fields));
        }
        if self.eat(Tok::RParen) {
            return self.node(start, ExprKind::Tuple(Vec::new()));
        }
        let mut first = self.bracketed(Self::expr);
        if !self.at(Tok::Comma) {
            self.expect(Tok::RParen, "`)`");
            first.span = self.span_from(start);
            return first;
        }
        self.bump();
        let mut parts = vec![first];
        parts.extend(self.list(Tok::RParen, "`)`", Self::expr));
        self.node(start, ExprKind::Tuple(parts))
    }

    fn record_field(&mut self) -> (Ident, Expr) {
        let name = self.expect_ident("a member's name");
        self.expect(Tok::Assign, "`=`");
        (name, self.expr())
    }
}

fn int_message(error: &IntError) -> String {
    match error {
        IntError::TooLarge => "this number needs more than 64 bits".to_owned(),
        IntError::BadDigit(digit) => format!("`{digit}` is not an octal digit (a leading 0 means octal)"),
        IntError::NoDigits => "no hexadecimal digit behind `0x`".to_owned(),
        IntError::BadSuffix(suffix) => format!("unknown suffix `{suffix}` on a number"),
    }
}

/// Words that start statements or go on with them.
fn is_reserved(word: &str) -> bool {
    matches!(word, "while" | "for" | "unroll" | "break" | "continue" | "return" | "let")
}
