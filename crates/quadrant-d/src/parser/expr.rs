//! Expressions: operators around operands.

use quadrant_program::span::Span;
use quadrant_syntax::chain;
use quadrant_syntax::descent::Descent;
use quadrant_syntax::op::{BinOp, assignment, infix, prefix};

use super::Parser;
use crate::ast::{Expr, ExprKind, MAX_DEPTH, TypeArg, UnOp};
use crate::lexer::Tok;

impl Parser<'_> {
    /// A whole expression, commas included.
    pub(super) fn expr(&mut self) -> Expr {
        let start = self.token.span.start;
        let first = self.assign();
        if !self.at(Tok::Comma) || self.recovering {
            return first;
        }
        let mut parts = vec![first];
        while !self.recovering && self.eat(Tok::Comma) {
            parts.push(self.assign());
        }
        self.node(start, ExprKind::Comma(parts))
    }

    /// An expression without commas: an argument, a key, a value.
    pub(super) fn assign(&mut self) -> Expr {
        let parsed = self.nested(Self::assign_inner);
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

    fn assign_inner(&mut self) -> Expr {
        let start = self.token.span.start;
        let target = self.ternary();
        let Some(op) = assignment(self.token.kind).filter(|_| !self.recovering && is_target(&target)) else {
            return target;
        };
        let op_span = self.bump().span;
        let (target, value) = (Box::new(target), Box::new(self.assign()));
        self.node(start, ExprKind::Assign { op, op_span, target, value })
    }

    fn ternary(&mut self) -> Expr {
        let start = self.token.span.start;
        let cond = self.binary(1);
        if self.recovering || !self.eat(Tok::Question) {
            return cond;
        }
        let then = self.bracketed(Self::expr);
        self.expect(Tok::Colon, "`:`");
        let other = self.nested(Self::ternary).unwrap_or_else(|| self.hole());
        let (cond, then, other) = (Box::new(cond), Box::new(then), Box::new(other));
        self.node(start, ExprKind::Ternary { cond, then, other })
    }

    /// Operators of `level` and tighter.
    pub(super) fn binary(&mut self, level: u8) -> Expr {
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
        self.in_predicate
            && matches!(
                self.second(),
                Tok::LBrace | Tok::Slash | Tok::Eof | Tok::RBrace | Tok::RBracket | Tok::RParen | Tok::Semi
            )
    }

    pub(super) fn unary(&mut self) -> Expr {
        let nested = self.nested(Self::unary_inner);
        nested.unwrap_or_else(|| self.hole())
    }

    fn unary_inner(&mut self) -> Expr {
        let start = self.token.span.start;
        let op = if self.at(Tok::Plus) { Some(UnOp::Plus) } else { prefix(self.token.kind) };
        if let Some(op) = op {
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
            Tok::LParen if self.at_cast() => self.cast(start),
            Tok::Ident if self.at_word("sizeof") => self.sizeof(start),
            Tok::Ident if self.at_word("stringof") => {
                self.bump();
                let operand = Box::new(self.unary());
                self.node(start, ExprKind::Stringof(operand))
            }
            _ => self.postfix(),
        }
    }

    fn cast(&mut self, start: u32) -> Expr {
        self.bump();
        let ty = Box::new(self.bracketed(Self::type_name));
        self.expect(Tok::RParen, "`)` after the type");
        let operand = Box::new(self.unary());
        self.node(start, ExprKind::Cast { ty, operand })
    }

    fn sizeof(&mut self, start: u32) -> Expr {
        self.bump();
        let arg = if self.at(Tok::LParen) && self.at_type_in_parens() {
            self.bump();
            let ty = self.bracketed(Self::type_name);
            self.expect(Tok::RParen, "`)` after the type");
            TypeArg::Type(Box::new(ty))
        } else {
            TypeArg::Expr(Box::new(self.unary()))
        };
        self.node(start, ExprKind::Sizeof(arg))
    }
}

/// Whether C's grammar lets an assignment follow: what is no value of an operator.
fn is_target(expr: &Expr) -> bool {
    !matches!(expr.kind, ExprKind::Binary { .. } | ExprKind::Ternary { .. } | ExprKind::Assign { .. })
}
