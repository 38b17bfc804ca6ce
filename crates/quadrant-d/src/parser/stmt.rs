//! Statements and blocks.

use quadrant_program::span::Span;
use quadrant_syntax::descent::Descent;

use super::Parser;
use crate::ast::{Block, Expr, Stmt, StmtKind};
use crate::lexer::Tok;

impl Parser<'_> {
    /// From a `{`, which is the next token, to its `}`.
    pub(super) fn block(&mut self) -> Block {
        let start = self.token.span.start;
        let stmts = self.nested(Self::braced).unwrap_or_default();
        Block::new(self.span_from(start), stmts)
    }

    fn braced(&mut self) -> Vec<Stmt> {
        self.bump();
        let mut stmts = Vec::new();
        while !self.at(Tok::RBrace) && !self.at(Tok::Eof) && !self.at_clause() {
            if self.eat(Tok::Semi) {
                continue;
            }
            let start = self.token.span.start;
            stmts.push(self.stmt());
            if self.recovering {
                self.sync_stmt();
                // What cannot be passed over here is the caller's: it made no progress before either.
                if self.token.span.start == start && !self.at(Tok::RBrace) {
                    break;
                }
            }
        }
        self.close_block();
        stmts
    }

    /// One `}` that is missing leaves all blocks around it open: one message is enough.
    fn close_block(&mut self) {
        if self.eat(Tok::RBrace) || self.unclosed {
            return;
        }
        self.unexpected("`}`");
        self.unclosed = true;
        self.recovering = false;
    }

    /// A statement with its `;`.
    fn stmt(&mut self) -> Stmt {
        let start = self.token.span.start;
        let kind = match self.at_word("if") {
            true => self.nested(Self::if_stmt).unwrap_or(StmtKind::Error),
            false => StmtKind::Expr(self.expr()),
        };
        let needs_semi = matches!(kind, StmtKind::Expr(_));
        let stmt = Stmt { span: self.span_from(start), kind };
        if needs_semi && !self.recovering && !self.at(Tok::RBrace) {
            self.expect(Tok::Semi, "`;`");
        }
        stmt
    }

    fn if_stmt(&mut self) -> StmtKind {
        self.bump();
        let cond = self.condition();
        let then = self.branch();
        let other = if !self.recovering && self.eat_word("else") { Some(self.branch()) } else { None };
        StmtKind::If { cond, then, other }
    }

    fn condition(&mut self) -> Expr {
        self.expect(Tok::LParen, "`(`");
        let cond = self.bracketed(Self::expr);
        self.expect(Tok::RParen, "`)`");
        cond
    }

    /// What an `if` or `else` governs: a block, or one statement as a block.
    fn branch(&mut self) -> Block {
        let start = self.token.span.start;
        if self.recovering {
            return Block::new(Span::new(start, start), Vec::new());
        }
        if self.at(Tok::LBrace) {
            return self.block();
        }
        if self.eat(Tok::Semi) {
            return Block::new(self.span_from(start), Vec::new());
        }
        let stmt = self.nested(Self::stmt);
        Block::new(self.span_from(start), stmt.into_iter().collect())
    }
}
