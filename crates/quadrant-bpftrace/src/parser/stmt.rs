//! Blocks and statements.

use super::Parser;
use crate::ast::{Block, Expr, ExprKind, ForIter, Ident, IfExpr, Stmt, StmtKind};
use crate::lexer::Tok;
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::descent::Descent;
use quadrant_syntax::op::assignment;

/// The most conditions of an `if`, those around it included: whoever walks the tree goes into them one by one.
const MAX_ARMS: usize = 2000;

impl Parser<'_> {
    /// A block; `wanted` names what is missing if it does not start here.
    pub(super) fn block(&mut self, wanted: &str) -> Block {
        let start = self.token.span.start;
        if !self.at(Tok::LBrace) {
            self.unexpected(wanted);
            return Block::new(self.here(), Vec::new(), None);
        }
        self.recovering = false;
        let contents = self.bracketed(|parser| parser.nested(Self::contents));
        let (stmts, tail) = contents.unwrap_or_default();
        Block::new(self.span_from(start), stmts, tail)
    }

    /// Statements from brace to brace.
    fn contents(&mut self) -> (Vec<Stmt>, Option<Box<Expr>>) {
        let open = self.bump().span;
        let (mut stmts, mut tail) = (Vec::new(), None);
        while !self.at(Tok::RBrace) {
            if self.at(Tok::Eof) || self.at_clause() {
                self.unclosed(open);
                return (stmts, tail);
            }
            match self.stmt_or_sync() {
                Stmt { kind: StmtKind::Expr(expr), .. } if self.is_tail() => tail = Some(Box::new(expr)),
                stmt => stmts.push(stmt),
            }
            self.after_block(stmts.last());
        }
        self.bump();
        (stmts, tail)
    }

    /// Takes the semicolon that may stand behind an `if` or a block.
    fn after_block(&mut self, last: Option<&Stmt>) {
        if last.is_some_and(|stmt| matches!(stmt.kind, StmtKind::If(_) | StmtKind::Block(_) | StmtKind::Error)) {
            self.eat(Tok::Semi);
        }
    }

    fn stmt_or_sync(&mut self) -> Stmt {
        let stmt = self.stmt();
        if self.recovering {
            self.sync_stmt();
        }
        stmt
    }

    /// Whether the statement just read ended at the brace, not at a semicolon.
    fn is_tail(&self) -> bool {
        self.at(Tok::RBrace) && !self.source[..self.prev_end as usize].ends_with(';')
    }

    /// Reports a missing `}`, of the innermost block only, and not where it is missed because something else was reported.
    fn unclosed(&mut self, open: Span) {
        let end = self.here().start;
        let is_told = self.diagnostics.last().is_some_and(|last| last.span.end >= end);
        if std::mem::replace(&mut self.unclosed, true) || is_told {
            return;
        }
        let found = if self.at(Tok::Eof) { "the script ends" } else { "the next probe starts" };
        let diagnostic = Diagnostic::error(open, "`{` is never closed");
        self.diagnostics.push(diagnostic.label(format!("{found} before its `}}`")));
    }

    fn stmt(&mut self) -> Stmt {
        let start = self.token.span.start;
        let kind = match self.word() {
            "if" => StmtKind::If(self.if_expr()),
            "while" => self.while_loop(),
            "for" => self.for_loop(),
            "unroll" => self.unroll(),
            "break" => self.jump(StmtKind::Break, "break"),
            "continue" => self.jump(StmtKind::Continue, "continue"),
            "return" => self.return_stmt(),
            "let" => self.let_stmt(),
            "import" if self.second() == Tok::Str => self.import_inside(),
            _ if self.at(Tok::Semi) => {
                self.unexpected_but("an expression", "leave out this `;`");
                StmtKind::Error
            }
            _ if self.at(Tok::LBrace) => StmtKind::Block(self.block("`{`")),
            _ => self.expr_stmt(),
        };
        let span = self.span_from(start);
        if needs_semicolon(&kind) && !self.recovering && !self.at(Tok::RBrace) && !self.eat(Tok::Semi) {
            self.missing_semicolon();
        }
        Stmt { span, kind }
    }

    fn missing_semicolon(&mut self) {
        if !self.at(Tok::Ident) && !self.at(Tok::Var) && !self.at(Tok::Map) {
            return self.unexpected("`;`");
        }
        let span = Span::new(self.prev_end, self.prev_end);
        self.error(Diagnostic::error(span, "missing `;` between statements").label("expected `;`"));
        if self.source[self.prev_end as usize..self.token.span.start as usize].contains('\n') {
            self.recovering = false;
        }
    }

    fn expr_stmt(&mut self) -> StmtKind {
        let target = self.expr();
        if self.recovering {
            return StmtKind::Error;
        }
        match assignment(self.token.kind) {
            Some(_) if matches!(target.kind, ExprKind::Binary { .. }) => {
                self.unexpected_but("`;`", "a variable (`$x`) or a map (`@x`, `@x[key]`) can be assigned to");
                StmtKind::Error
            }
            Some(op) => {
                self.bump();
                StmtKind::Assign { target, op, value: self.expr() }
            }
            None => StmtKind::Expr(target),
        }
    }

    /// `import "file"` in a block.
    fn import_inside(&mut self) -> StmtKind {
        let span = self.bump().span.to(self.bump().span);
        let diagnostic = Diagnostic::error(span, "an import stands in no block");
        self.stand.soft_error(diagnostic.help("move it to the top of the script"));
        StmtKind::Error
    }

    fn let_stmt(&mut self) -> StmtKind {
        self.bump();
        let var = self.variable("after `let`");
        let ty = if self.eat(Tok::Colon) { Some(self.type_expr()) } else { None };
        let value = if self.eat(Tok::Assign) { Some(self.expr()) } else { None };
        StmtKind::Let { var, ty, value }
    }

    fn variable(&mut self, place: &str) -> Ident {
        if self.at(Tok::Var) {
            return self.take_ident(1);
        }
        self.unexpected(&format!("a variable (`$name`) {place}"));
        Ident { name: String::new(), span: self.here() }
    }

    /// `if`, `else if`, `else`; the next token is the `if`.
    pub(super) fn if_expr(&mut self) -> IfExpr {
        let outer = self.arms;
        let parts = self.arms();
        self.arms = outer;
        parts
    }

    fn arms(&mut self) -> IfExpr {
        let mut arms = Vec::new();
        loop {
            self.count_arm();
            self.bump();
            let arm = (self.head(), self.block("`{`"));
            if arms.is_empty() || self.arms <= MAX_ARMS {
                arms.push(arm);
            }
            if self.recovering || !self.eat_word("else") {
                return IfExpr { arms, other: None };
            }
            if !self.at_word("if") {
                return IfExpr { arms, other: Some(self.block("`{` or `if`")) };
            }
        }
    }

    fn count_arm(&mut self) {
        if self.arms == MAX_ARMS {
            let message = format!("more than {MAX_ARMS} conditions in one `if`");
            let diagnostic = Diagnostic::error(self.here(), message);
            self.stand.soft_error(diagnostic.help("look the value up in a map: `if (has_key(@m, $x)) { ... }`"));
        }
        self.arms += 1;
    }

    /// The expression in front of a body, in parentheses or not.
    fn head(&mut self) -> Expr {
        self.bracketed(Self::expr)
    }

    fn while_loop(&mut self) -> StmtKind {
        self.bump();
        let cond = self.head();
        StmtKind::While { cond, body: self.loop_body() }
    }

    fn unroll(&mut self) -> StmtKind {
        self.bump();
        let count = self.head();
        StmtKind::Unroll { count, body: self.block("`{`") }
    }

    fn for_loop(&mut self) -> StmtKind {
        self.bump();
        let parens = self.eat(Tok::LParen);
        let var = self.variable("for the loop");
        if self.at(Tok::Assign) {
            return self.c_loop();
        }
        self.expect(Tok::Colon, "`:`");
        let first = self.head();
        let iter = if self.eat(Tok::DotDot) { ForIter::Range(first, self.head()) } else { ForIter::Over(first) };
        if parens {
            self.expect(Tok::RParen, "`)`");
        }
        StmtKind::For { var, iter, body: self.loop_body() }
    }

    fn loop_body(&mut self) -> Block {
        self.loops += 1;
        let body = self.block("`{`");
        self.loops -= 1;
        body
    }

    /// `break` or `continue`; a macro ends no loop but its own.
    fn jump(&mut self, kind: StmtKind, word: &str) -> StmtKind {
        let span = self.bump().span;
        if self.in_macro && self.loops == 0 {
            self.soft_error(span, format!("`{word}` in a macro"));
        }
        kind
    }

    /// `for ($i = 0; $i < 10; $i++) { }`, which the language does not have: one message, whatever is in it.
    fn c_loop(&mut self) -> StmtKind {
        self.unexpected_but("`:`", "a loop goes over a range or a map: `for ($i : 0..10) { ... }`");
        while !matches!(self.token.kind, Tok::LBrace | Tok::RBrace | Tok::Eof) && !self.at_clause() {
            self.bump();
        }
        StmtKind::Block(self.block("`{`"))
    }

    fn return_stmt(&mut self) -> StmtKind {
        let span = self.bump().span;
        if self.in_macro {
            self.soft_error(span, "`return` in a macro");
        }
        let bare = matches!(self.token.kind, Tok::Semi | Tok::RBrace);
        StmtKind::Return(if bare { None } else { Some(self.expr()) })
    }
}

fn needs_semicolon(kind: &StmtKind) -> bool {
    !matches!(
        kind,
        StmtKind::If(_) | StmtKind::While { .. } | StmtKind::For { .. } | StmtKind::Unroll { .. } | StmtKind::Block(_)
    )
}
