//! What is legal, and seldom meant: statements that nothing reaches, variables and maps that nothing is put into.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::Lower;
use super::call::is_function;
use super::expand::plain;
use crate::ast::{Block, Expr, ExprKind, Ident, IfExpr, Item, MapDecl, Probe, Script, Stmt, StmtKind};
use crate::walk::{Node, walk_block, walk_probe};

impl Lower<'_> {
    /// Warns of what can be seen in a probe as it is written.
    pub(super) fn habits(&mut self, probe: &Probe) {
        let (mut found, mut early) = (Vec::new(), Vec::new());
        walk_probe(probe, &mut |node| {
            if let Node::Block(block) = node {
                found.extend(self.unreachable(block));
                early.extend(empty(block).flat_map(|(var, _)| read_early(block, var)));
                found.extend(never_assigned(block));
            }
        });
        for (span, message) in early {
            self.style(self.bare(span), message);
        }
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    /// A variable without the parentheses around it.
    fn bare(&self, var: Span) -> Span {
        let text = self.text(var);
        let start = text.find('$').unwrap_or(0);
        let end = text[start..].find([')', ' ']).map_or(text.len(), |end| start + end);
        Span::new(var.start + start as u32, var.start + end as u32)
    }

    /// The first statement of a block that nothing reaches.
    fn unreachable(&self, block: &Block) -> Option<Diagnostic> {
        let last = block.stmts.iter().position(ends)?;
        let span = match block.stmts.get(last + 1) {
            Some(Stmt {
                kind: StmtKind::Expr(Expr { kind: ExprKind::Call { .. }, .. }) | StmtKind::Return(_),
                span,
            }) => self.with_semicolon(*span),
            Some(next) => next.span,
            None => block.tail.as_ref().map(|tail| tail.span)?,
        };
        Some(Diagnostic::warning(span, "nothing ever comes to this statement"))
    }

    /// A statement with the spaces and the semicolon behind it.
    pub(super) fn with_semicolon(&self, statement: Span) -> Span {
        let rest = self.sources.rest(statement.end);
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let end = spaces + usize::from(rest[spaces..].starts_with(';'));
        Span { end: statement.end + end as u32, ..statement }
    }

    /// Warns of maps that are declared and not used.
    pub(super) fn unused_maps(&mut self, script: &Script) {
        let declared = script.items.iter().filter_map(|item| match item {
            Item::MapDecl(decl) => Some(decl),
            _ => None,
        });
        let unused: Vec<&MapDecl> = declared.filter(|decl| !self.inferred.is_used(&decl.name.name)).collect();
        for decl in unused {
            self.warning(decl.span, format!("`@{}` is declared and never used", decl.name.name));
        }
    }

    /// Warns of what bpftrace warns of, if the user is used to hear it.
    pub(super) fn style(&mut self, span: Span, message: impl Into<String>) {
        if self.env.warns_of_style {
            self.warning(span, message);
        }
    }

    /// Warns of a `while` loop, as [`Lower::style`] does.
    pub(super) fn while_is_old(&mut self, span: Span) {
        if self.env.warns_of_style {
            let help =
                "For loops support ranges (e.g. `for ($x : $start..$end) { ... }`), and can be used in place of while.";
            let warning = Diagnostic::warning(span, "`while` may go away");
            self.report(warning.help(help));
        }
    }
}

/// Whether the statement behind this one is never reached.
fn ends(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Break | StmtKind::Continue | StmtKind::Return(_) => true,
        StmtKind::Expr(Expr { kind: ExprKind::Call { callee, .. }, .. }) => callee.name == "exit",
        StmtKind::Expr(Expr { kind: ExprKind::If(parts), .. }) => all_end(parts),
        StmtKind::If(parts) => all_end(parts),
        StmtKind::Block(block) => block_ends(block),
        _ => false,
    }
}

/// Whether every way through an `if` ends.
fn all_end(parts: &IfExpr) -> bool {
    parts.other.as_ref().is_some_and(block_ends) && parts.arms.iter().all(|(_, body)| block_ends(body))
}

/// Whether every way through a block ends.
pub(super) fn block_ends(block: &Block) -> bool {
    block.stmts.iter().any(ends)
}

/// The variables that a block declares without a value, and where.
fn empty(block: &Block) -> impl Iterator<Item = (&Ident, Span)> {
    block.stmts.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Let { var, value: None, .. } => Some((var, stmt.span)),
        _ => None,
    })
}

/// The variables that a block declares and that nothing is ever put into.
fn never_assigned(block: &Block) -> Vec<Diagnostic> {
    let lost = empty(block).filter(|(var, _)| !is_given(block, &var.name));
    lost.map(|(var, span)| Diagnostic::warning(span, format!("nothing is ever put into `${}`", plain(&var.name))))
        .collect()
}

/// Whether something may be put into a variable.
fn is_given(block: &Block, name: &str) -> bool {
    let is_it = |expr: &Expr| matches!(&expr.kind, ExprKind::Var(var) if var == name);
    let mut given = false;
    walk_block(block, &mut |node| {
        given |= match node {
            Node::Assign(target) | Node::Counted(target) | Node::Address(target) => is_it(target),
            Node::Call(function, args) => may_give(function) && args.iter().any(is_it),
            _ => false,
        };
    });
    given
}

/// Whether a function may put something into a variable that it is given: those of the language seldom do.
fn may_give(function: &str) -> bool {
    function == "find" || !is_function(function)
}

/// Where a variable is read and nothing was put into it further up.
fn read_early(block: &Block, var: &Ident) -> Vec<(Span, String)> {
    let is_it = |expr: &Expr| matches!(&expr.kind, ExprKind::Var(name) if *name == var.name);
    let (mut given, mut read, mut passed) = (u32::MAX, Vec::new(), Vec::new());
    walk_block(block, &mut |node| match node {
        Node::Stmt(Stmt { kind: StmtKind::Assign { target, op, .. }, span }) if is_it(target) => {
            given = given.min(span.end);
            passed.extend((op.is_none()).then_some(target.span));
        }
        Node::Stmt(Stmt { kind: StmtKind::Let { ty: Some(ty), .. }, .. }) => passed.push(ty.span),
        Node::Expr(Expr { kind: ExprKind::Call { callee, args }, span, .. })
            if may_give(&callee.name) && args.iter().any(is_it) =>
        {
            given = given.min(span.start);
        }
        Node::Expr(Expr { kind: ExprKind::Cast { ty, .. }, .. }) => passed.push(ty.span),
        Node::Expr(Expr { kind: ExprKind::Sizeof(_) | ExprKind::Typeof(_) | ExprKind::Typeinfo(_), span, .. }) => {
            passed.push(*span)
        }
        Node::Address(target) if is_it(target) => given = given.min(target.span.start),
        Node::Var(name, span) if *name == var.name => read.push(span),
        _ => {}
    });
    let is_in = |span: &Span, outer: &Span| outer.start <= span.start && span.end <= outer.end;
    read.retain(|span| span.start < given && !passed.iter().any(|outer| is_in(span, outer)));
    let message = format!("`${}` is read before anything was put into it", plain(&var.name));
    read.into_iter().map(|span| (span, message.clone())).collect()
}
