//! Expressions: operators around operands.

use super::Parser;
use crate::ast::{Expr, ExprKind, MAX_DEPTH};
use crate::lexer::{Tok, parse_int};
use quadrant_program::span::Span;
use quadrant_syntax::chain;
use quadrant_syntax::descent::Descent;
use quadrant_syntax::op::{BinOp, infix, prefix};

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expr(&mut self) -> Expr {
        let parsed = self.nested(Self::ternary);
        parsed.unwrap_or_else(|| self.hole())
    }

    /// An expression node, unless the tree would become too deep.
    pub(super) fn node(&mut self, start: u32, kind: ExprKind) -> Expr {
        self.node_at(self.span_from(start), kind)
    }

    fn node_at(&mut self, span: Span, kind: ExprKind) -> Expr {
        let expr = Expr::new(span, kind);
        if expr.height() <= MAX_DEPTH {
            return expr;
        }
        self.too_deep(span);
        self.hole()
    }

    /// What stands for an expression that made no sense.
    pub(super) fn hole(&self) -> Expr {
        Expr::new(self.here(), ExprKind::Error)
    }

    /// Items between commas up to `close`, which is taken.
    pub(super) fn list<T>(&mut self, close: Tok, wanted: &str, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        let items = self.bracketed(|parser| parser.separated(close, item));
        self.expect(close, &format!("`,` or {wanted}"));
        items
    }

    fn ternary(&mut self) -> Expr {
        let start = self.token.span.start;
        let cond = self.binary(1);
        if !self.eat(Tok::Question) {
            return cond;
        }
        let then = if self.at(Tok::Colon) { None } else { Some(Box::new(self.bracketed(Self::expr))) };
        self.expect(Tok::Colon, "`:`");
        let other = Box::new(self.expr());
        self.node(start, ExprKind::Ternary { cond: Box::new(cond), then, other })
    }

    /// Operators of `level` and tighter.
    fn binary(&mut self, level: u8) -> Expr {
        let start = self.token.span.start;
        let mut left = self.unary();
        while !self.recovering {
            let Some((op, found)) = infix(self.token.kind).filter(|&(_, found)| found >= level) else {
                break;
            };
            if self.at(Tok::Slash) && self.slash_ends_predicate() {
                break;
            }
            if op.is_chain() {
                left = self.chain(start, left, op, found);
                continue;
            }
            let op_span = self.bump().span;
            let right = self.binary(found + 1);
            let (left_box, right) = (Box::new(left), Box::new(right));
            left = self.node(start, ExprKind::Binary { op, op_span, left: left_box, right });
        }
        left
    }

    /// `first || b || c`; the next token is the first operator.
    fn chain(&mut self, start: u32, first: Expr, op: BinOp, level: u8) -> Expr {
        let node = |parser: &mut Self, (span, op_span), left, right| {
            let (left, right) = (Box::new(left), Box::new(right));
            parser.node_at(span, ExprKind::Binary { op, op_span, left, right })
        };
        let chain = chain::parse(self, (start, first), op, |parser| parser.binary(level + 1), node);
        chain.unwrap_or_else(|| self.hole())
    }

    fn slash_ends_predicate(&self) -> bool {
        self.in_predicate && self.second() == Tok::LBrace
    }

    fn unary(&mut self) -> Expr {
        let nested = self.nested(Self::unary_inner);
        nested.unwrap_or_else(|| self.hole())
    }

    fn unary_inner(&mut self) -> Expr {
        let start = self.token.span.start;
        if let Some(op) = prefix(self.token.kind) {
            self.bump();
            let operand = Box::new(self.unary());
            return self.node(start, ExprKind::Unary { op, operand });
        }
        match self.token.kind {
            Tok::PlusPlus | Tok::MinusMinus => {
                let increment = self.bump().kind == Tok::PlusPlus;
                let target = Box::new(self.unary());
                self.node(start, ExprKind::IncDec { increment, prefix: true, target })
            }
            Tok::LParen if self.at_cast() => {
                self.bump();
                let ty = self.bracketed(Self::type_expr);
                self.expect(Tok::RParen, "`)` after the type");
                let operand = Box::new(self.unary());
                self.node(start, ExprKind::Cast { ty, operand })
            }
            _ => self.postfix(),
        }
    }

    fn postfix(&mut self) -> Expr {
        let start = self.token.span.start;
        let mut expr = self.primary();
        while !self.recovering {
            let kind = match self.token.kind {
                Tok::Dot | Tok::Arrow => self.member(Box::new(expr)),
                Tok::LBracket => {
                    self.bump();
                    let index = Box::new(self.bracketed(Self::expr));
                    self.expect(Tok::RBracket, "`]`");
                    ExprKind::Index { base: Box::new(expr), index }
                }
                Tok::PlusPlus | Tok::MinusMinus => {
                    let increment = self.bump().kind == Tok::PlusPlus;
                    return self.node(start, ExprKind::IncDec { increment, prefix: false, target: Box::new(expr) });
                }
                _ => break,
            };
            expr = self.node(start, kind);
        }
        expr
    }

    fn member(&mut self, base: Box<Expr>) -> ExprKind {
        let operator = self.bump().span;
        if self.at(Tok::Int) && self.text(operator) == "." {
            let span = self.bump().span;
            let index = parse_int(self.text(span)).ok().and_then(|i| u32::try_from(i.value).ok());
            if index.is_none() {
                self.soft_error(span, "a tuple's member is a small plain number");
            }
            return ExprKind::TupleField { base, index: index.unwrap_or(0) };
        }
        ExprKind::Field { base, name: self.expect_ident(&format!("a member's name behind `{}`", self.text(operator))) }
    }
}
