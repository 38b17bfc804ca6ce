//! Blocks and statements.

use quadrant_program::expr::{Expr, ExprKind, VarId};
use quadrant_program::map::{MapId, MapValue};
use quadrant_program::probe::ProbeKind;
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;

use super::Lower;
use super::call::Called;
use super::clause::Around;
use super::expr::decided_early;
use super::truth::SoFar;
use crate::ast;

/// Functions whose value is of one type, whatever they are given.
const HAVE_ONE_TYPE: &[&str] = &[
    "buf",
    "cgroup_path",
    "cgroupid",
    "kaddr",
    "kfunc_exist",
    "kptr",
    "ksym",
    "macaddr",
    "nsecs",
    "ntop",
    "percpu_kaddr",
    "signal_name",
    "str",
    "str_concat",
    "strerror",
    "strftime",
    "strlen",
    "strncmp",
    "syscall_name",
    "uptr",
    "usym",
];

/// Whether it is said that a map has a key or none, unlike what it is asked for.
fn has_no_key(message: &str) -> bool {
    message.contains("() takes the key of a map") || message.ends_with("which one is to be deleted?")
}

/// The most rounds of an `unroll`.
const MAX_UNROLL: i64 = 100;

/// The most rounds of nested ones together, each of which becomes code of its own.
const MAX_UNROLLED: i64 = 10_000;

impl Lower<'_> {
    /// The statements of a block, in a scope of their own.
    pub(super) fn block(&mut self, block: &ast::Block) -> Vec<Stmt> {
        self.scoped(|lower| lower.open_block(block))
    }

    /// The statements of a block, in the scope at hand.
    pub(super) fn open_block(&mut self, block: &ast::Block) -> Vec<Stmt> {
        let mut out = Vec::new();
        for stmt in &block.stmts {
            self.stmt(stmt, &mut out);
        }
        if let Some(tail) = &block.tail {
            self.effect(tail, &mut out);
        }
        out
    }

    fn stmt(&mut self, stmt: &ast::Stmt, out: &mut Vec<Stmt>) {
        if !self.messages.enough() {
            self.deeper(stmt.span, |lower| lower.stmt_within(stmt, out));
        }
    }

    fn stmt_within(&mut self, stmt: &ast::Stmt, out: &mut Vec<Stmt>) {
        let returns = self.loop_returns();
        let kind = match &stmt.kind {
            ast::StmtKind::Error => None,
            ast::StmtKind::Expr(expr) => return self.effect(expr, out),
            ast::StmtKind::Assign { target, op, value } => self.assign(target, *op, value, stmt.span),
            ast::StmtKind::Let { var, ty, value } => self.let_stmt(var, ty.as_ref(), value.as_ref(), stmt.span),
            ast::StmtKind::If(parts) => self.if_stmt(&parts.arms, parts.other.as_ref()),
            ast::StmtKind::While { cond, body } => {
                self.while_is_old(stmt.span);
                self.while_loop(cond, body)
            }
            ast::StmtKind::For { var, iter, body } => self.for_loop(var, iter, body),
            ast::StmtKind::Unroll { count, body } => self.unroll(count, body),
            ast::StmtKind::Break => self.jump(StmtKind::Break, "break", stmt.span),
            ast::StmtKind::Continue => self.jump(StmtKind::Continue, "continue", stmt.span),
            ast::StmtKind::Return(value) => self.return_stmt(value.as_ref(), stmt.span, out),
            ast::StmtKind::Block(block) => Some(StmtKind::Block(self.block(block))),
        };
        let is_loop =
            matches!(stmt.kind, ast::StmtKind::While { .. } | ast::StmtKind::For { .. } | ast::StmtKind::Unroll { .. });
        out.extend(kind.map(|kind| Stmt::new(kind, stmt.span)));
        out.extend(self.after_loop_in_fn(returns, stmt.span).filter(|_| is_loop));
    }

    /// An expression for its effect.
    fn effect(&mut self, expr: &ast::Expr, out: &mut Vec<Stmt>) {
        let before = self.messages.len();
        let kind = match &expr.kind {
            ast::ExprKind::Call { callee, args } => {
                self.call(callee, args, expr.span).map(|called| self.without_value(called))
            }
            ast::ExprKind::Name(name) => match self.name_or_effect(name, expr.span) {
                Some(Called::Value(value)) => Some(self.unused(value)),
                called => called.map(|called| self.without_value(called)),
            },
            ast::ExprKind::Ternary { cond, then, other } => {
                let cond_value = self.condition(cond);
                let then = then.as_ref().map(|then| self.effects(then)).unwrap_or_default();
                let other = self.effects(other);
                cond_value.map(|cond| StmtKind::If { cond, then, other })
            }
            ast::ExprKind::If(parts) => self.if_stmt(&parts.arms, parts.other.as_ref()),
            ast::ExprKind::Block(block) => Some(StmtKind::Block(self.block(block))),
            ast::ExprKind::Given { open, inner } => {
                return self.outside(*open, expr.span, |lower| lower.effect(inner, out));
            }
            _ => self.expr(expr).map(|value| self.unused(value)),
        };
        if kind.is_none() && self.is_dropped_all_the_same(expr, before) {
            self.style(expr.span, "this value is not used");
        }
        out.extend(kind.map(|kind| Stmt::new(kind, expr.span)));
    }

    /// Whether the type of a value is known, and nothing is done with it, though its parts are wrong.
    fn is_dropped_all_the_same(&self, expr: &ast::Expr, before: usize) -> bool {
        let Some(error) = self.messages.last_error(before) else { return false };
        let is_count = error.message.contains("argument, and ") || error.message.contains("arguments, and ");
        let is_unknown =
            ["unknown ", "there is no ", "nothing is ever "].iter().any(|start| error.message.starts_with(start));
        let is_typed = match &expr.kind {
            ast::ExprKind::Call { callee, .. } => HAVE_ONE_TYPE.contains(&&*callee.name) || has_no_key(&error.message),
            ast::ExprKind::Cast { .. } => true,
            _ => false,
        };
        is_typed && !is_count && !is_unknown && error.span.start >= expr.span.start
    }

    /// One side of a `?:` for its effect; a constant is how "nothing" is written there.
    fn effects(&mut self, expr: &ast::Expr) -> Vec<Stmt> {
        let mut out = Vec::new();
        if !matches!(expr.kind, ast::ExprKind::Int(_)) {
            self.effect(expr, &mut out);
        }
        out
    }

    fn without_value(&mut self, called: Called) -> StmtKind {
        match called {
            Called::Value(value) => self.dropped(value),
            Called::Effect(kind) => kind,
        }
    }

    /// A call for its effect, though it has a result.
    fn dropped(&mut self, value: Expr) -> StmtKind {
        if value.ty != Type::None {
            self.style(value.span, "this value is not used");
        }
        StmtKind::Expr(value)
    }

    fn unused(&mut self, value: Expr) -> StmtKind {
        if !matches!(value.kind, ExprKind::IncDec { .. } | ExprKind::Block(..) | ExprKind::MapDelete { .. }) {
            self.warning(value.span, "this value is not used");
        }
        StmtKind::Expr(value)
    }

    fn if_stmt(&mut self, arms: &[(ast::Expr, ast::Block)], other: Option<&ast::Block>) -> Option<StmtKind> {
        if let Some((cond, body)) = arms.first()
            && let Some(cond) = decided_early(cond)
        {
            return self.comptime_if(cond, body, &arms[1..], other);
        }
        let conds: Vec<(Option<Expr>, Vec<Stmt>)> =
            arms.iter().map(|(cond, body)| (self.condition(cond), self.block(body))).collect();
        let mut rest = other.map(|other| self.block(other)).unwrap_or_default();
        for (cond, then) in conds.into_iter().rev() {
            let cond = cond?;
            let span = cond.span;
            rest = vec![Stmt::new(StmtKind::If { cond, then, other: rest }, span)];
        }
        rest.pop().map(|stmt| stmt.kind)
    }

    /// `if comptime cond { }`: what does not hold is as good as not written.
    fn comptime_if(
        &mut self,
        cond: &ast::Expr,
        body: &ast::Block,
        rest: &[(ast::Expr, ast::Block)],
        other: Option<&ast::Block>,
    ) -> Option<StmtKind> {
        let cond = self.comptime(cond)?;
        match (cond.kind, rest, other) {
            (ExprKind::Int(0), [], None) => Some(StmtKind::Block(Vec::new())),
            (ExprKind::Int(0), [], Some(other)) => Some(StmtKind::Block(self.block(other))),
            (ExprKind::Int(0), rest, other) => self.if_stmt(rest, other),
            _ => Some(StmtKind::Block(self.block(body))),
        }
    }

    fn while_loop(&mut self, cond: &ast::Expr, body: &ast::Block) -> Option<StmtKind> {
        let cond = self.condition(cond);
        let body = self.body_of_loop(body);
        Some(StmtKind::While { cond: cond?, body })
    }

    /// The body of a loop that `break` ends.
    fn body_of_loop(&mut self, body: &ast::Block) -> Vec<Stmt> {
        let outer = self.scope.around;
        self.scope.around = Around { loops: outer.loops + 1, is_in_loop: true, is_unrolled: false, is_left: false };
        let body = self.block(body);
        self.scope.around = outer;
        body
    }

    /// The body of an `unroll`, and whether it leaves a round of the loop around it.
    fn body_of_unroll(&mut self, body: &ast::Block) -> (Vec<Stmt>, bool) {
        let outer = self.scope.around;
        self.scope.around = Around { loops: outer.loops + 1, is_unrolled: true, is_left: false, ..outer };
        let body = self.block(body);
        let is_left = self.scope.around.is_left;
        self.scope.around = Around { is_left: outer.is_left || is_left, ..outer };
        (body, is_left)
    }

    fn unroll(&mut self, count: &ast::Expr, body: &ast::Block) -> Option<StmtKind> {
        let span = count.span;
        let count = self.expr(count);
        let outer = self.scope.unrolled;
        if let Some(Expr { kind: ExprKind::Int(count @ 1..), .. }) = count {
            self.scope.unrolled = outer.saturating_mul(count);
        }
        let rounds = self.scope.unrolled;
        let (body, is_left) = self.body_of_unroll(body);
        self.scope.unrolled = outer;
        match count?.kind {
            ExprKind::Int(1..=MAX_UNROLL) if rounds > MAX_UNROLLED => self.error_help(
                span,
                format!("`unroll` inside `unroll` makes {rounds} rounds, and {MAX_UNROLLED} is the most"),
                "loop over a range: `for ($i : 0..1000) { ... }`",
            ),
            ExprKind::Int(count @ 1..=MAX_UNROLL) if is_left => Some(copies(count as usize, body, span)),
            ExprKind::Int(count @ 1..=MAX_UNROLL) => Some(StmtKind::Unroll { count: count as u32, body }),
            ExprKind::Int(count @ ..0) => self.error(span, format!("`unroll` cannot take {count} rounds")),
            ExprKind::Int(0) => self.error(span, "`unroll` takes 1 round or more"),
            ExprKind::Int(_) => self.error(span, format!("`unroll` takes 1 to {MAX_UNROLL} rounds")),
            _ => self.error_help(
                span,
                "`unroll` needs a number that is known before the trace starts",
                "loop over a range: `for ($i : 0..$n) { ... }`",
            ),
        }
    }

    fn for_loop(&mut self, var: &ast::Ident, iter: &ast::ForIter, body: &ast::Block) -> Option<StmtKind> {
        if let Some(local) = self.local(&var.name) {
            let line = self.line(local.declared);
            self.error_help::<()>(
                var.span,
                format!("the loop's variable `${}` already exists (line {line})", super::expand::plain(&var.name)),
                "give the loop variable a name of its own",
            );
        }
        match iter {
            ast::ForIter::Over(map) => self.for_map(var, map, body),
            ast::ForIter::Range(start, end) => self.for_range(var, start, end, body),
        }
    }

    fn for_range(
        &mut self,
        var: &ast::Ident,
        start: &ast::Expr,
        end: &ast::Expr,
        body: &ast::Block,
    ) -> Option<StmtKind> {
        let (start, end) = (self.bound(start, "starts"), self.bound(end, "ends"));
        let ty = match (&start, &end) {
            (Some(start), Some(end)) => super::expr::wide(start, end),
            _ => Type::I64,
        };
        self.scoped(|lower| {
            let id = lower.declare(&var.name, var.span, Some(ty.clone()), true);
            lower.update_local(&var.name, |local| local.assigned = true);
            let body = lower.body_of_loop(body);
            let (start, end) = (lower.convert(start?, &ty), lower.convert(end?, &ty));
            Some(StmtKind::ForRange { var: id?, start, end, body })
        })
    }

    fn bound(&mut self, ast: &ast::Expr, does: &str) -> Option<Expr> {
        let value = self.expr(ast)?;
        let value = self.as_number(value, &Type::U64);
        if value.ty.is_number() {
            return Some(value);
        }
        let ty = self.describe(&value.ty);
        self.error(ast.span, format!("a range {does} with a number, and this is {ty}"))
    }

    fn for_map(&mut self, var: &ast::Ident, over: &ast::Expr, body: &ast::Block) -> Option<StmtKind> {
        let map = self.iterated(over);
        self.scoped(|lower| {
            let ty = map.as_ref().map(|(_, ty)| ty.clone());
            let id = lower.declare(&var.name, var.span, ty, true);
            lower.update_local(&var.name, |local| local.assigned = true);
            lower.holds_entries(var, id, map.as_ref().map(|(map, _)| *map));
            let body = lower.body_of_loop(body);
            Some(StmtKind::ForMap { var: id?, map: map?.0, body })
        })
    }

    /// Takes note that a variable holds the keys and values of a map.
    fn holds_entries(&mut self, var: &ast::Ident, id: Option<VarId>, map: Option<MapId>) -> Option<()> {
        let key = self.key_of_var(&var.name, var.span);
        self.keys_of_vars.insert(id?, key);
        let info = self.inferred.map_of(map?)?;
        if info.keys.truths || info.values.truths {
            self.inferred.note_truth(key);
        }
        Some(())
    }

    /// The map that a loop runs over, and the type of its entries.
    fn iterated(&mut self, over: &ast::Expr) -> Option<(MapId, Type)> {
        let ast::ExprKind::Map { name, key } = &over.kind else {
            return self.error_help(over.span, "a loop runs over a map or a range", "a range is `0..10`");
        };
        if !key.is_empty() {
            return self.error_help(over.span, "a loop runs over a whole map", "leave out the key");
        }
        let map = self.whole_map(name)?;
        if self.is_keyed(&name.name) == Some(false) {
            return self.error(over.span, format!("`@{}` has no keys to loop over", name.name));
        }
        let key = self.inferred.map(&name.name).and_then(|info| info.key.clone())?;
        let value = match self.map_value(&name.name)? {
            MapValue::Plain(ty) => ty,
            MapValue::Aggregation(aggregation) => match super::map::number_type(&aggregation) {
                Some(ty) => ty,
                None => {
                    let message = format!("a loop cannot give the values of {}()", aggregation.function());
                    return self.error_help(over.span, message, super::map::whole_map(&name.name));
                }
            },
        };
        Some((map, Type::Tuple([key, value].into())))
    }

    fn jump(&mut self, kind: StmtKind, word: &str, span: Span) -> Option<StmtKind> {
        if self.scope.around.is_in_loop {
            self.scope.around.is_left = self.scope.around.is_unrolled;
            return Some(kind);
        }
        if self.scope.around.is_unrolled {
            let help = "`unroll` is no loop: use one over a range, `for ($i : 0..3) { ... }`";
            return self.error_help(span, format!("`{word}` outside a loop"), help);
        }
        self.error_help(span, format!("`{word}` outside a loop"), "`return` ends the probe's body")
    }

    fn return_stmt(&mut self, value: Option<&ast::Expr>, span: Span, out: &mut Vec<Stmt>) -> Option<StmtKind> {
        if self.scope.frame.is_some() {
            return self.return_from_fn(value, span, out);
        }
        let Some(value) = value else { return Some(StmtKind::Return) };
        let lowered = self.expr(value);
        match self.scope.kind {
            ProbeKind::Test => {}
            ProbeKind::Bench => return Some(StmtKind::Return),
            _ => {
                if let Some(value) = lowered.filter(|value| !value.ty.is_integer()) {
                    let ty = self.describe(&value.ty);
                    return self.error(value.span, format!("a probe returns a number or nothing, and this is {ty}"));
                }
                self.warning(value.span, "the value that a probe returns is not used");
                return Some(StmtKind::Return);
            }
        }
        let result = lowered?;
        if !result.ty.is_integer() {
            let ty = self.describe(&result.ty);
            return self.error_help(
                value.span,
                format!("a test returns a number, and this is {ty}"),
                "0 says that it passed",
            );
        }
        out.push(Stmt::new(StmtKind::Result(result), value.span));
        Some(StmtKind::Return)
    }

    /// `if` as a value.
    pub(super) fn if_value(&mut self, parts: &ast::IfExpr, span: Span) -> Option<Expr> {
        let Some(other) = &parts.other else {
            return self.error_help(span, "this `if` has no value when its condition is false", "add an `else`");
        };
        self.arms_value(&parts.arms, other, span)
    }

    fn arms_value(&mut self, arms: &[(ast::Expr, ast::Block)], other: &ast::Block, span: Span) -> Option<Expr> {
        let Some(((cond, then), rest)) = arms.split_first() else { return self.block_value(other) };
        if let Some(cond) = decided_early(cond) {
            return match self.comptime(cond)?.kind {
                ExprKind::Int(0) => self.arms_value(rest, other, span),
                _ => self.block_value(then),
            };
        }
        let (cond, then, rest) = (self.condition(cond), self.block_value(then), self.arms_value(rest, other, span));
        self.choose(cond?, then?, rest?, span)
    }

    /// A statement as a value: an `if`, or a block.
    pub(super) fn value_of(&mut self, stmt: &ast::Stmt) -> Option<Expr> {
        match &stmt.kind {
            ast::StmtKind::If(parts) => self.if_value(parts, stmt.span),
            ast::StmtKind::Block(inner) => self.block_value(inner),
            _ => None,
        }
    }

    /// A block as a value: that of its last expression.
    pub(super) fn block_value(&mut self, block: &ast::Block) -> Option<Expr> {
        self.scoped(|lower| {
            let mut body = Vec::new();
            let (last, before) = last_value(block);
            for stmt in before {
                lower.stmt(stmt, &mut body);
            }
            let value = match (&block.tail, last) {
                (Some(tail), _) => lower.expr(tail),
                (None, Some(last)) => lower.value_of(last),
                _ => lower.error_help(block.span, "this block has no value", "end it with an expression without `;`"),
            }?;
            if body.is_empty() {
                return Some(value);
            }
            let value = lower.whole(value);
            let ty = value.ty.clone();
            Some(Expr::new(ExprKind::Block(body, Box::new(value)), ty, block.span))
        })
    }

    /// `cond ? then : other`; if it is known which, only that one needs to make sense in its place.
    pub(super) fn choose(&mut self, cond: Expr, then: Expr, other: Expr, span: Span) -> Option<Expr> {
        let (then, other) = (self.whole(then), self.whole(other));
        let (first, second) = if self.is_loose(&then) { (&other, &then) } else { (&then, &other) };
        let joined = self
            .join_value(&first.ty, SoFar::default(), second)
            .or_else(|| self.join_value(&second.ty, SoFar::default(), first));
        if let Some(ty) = &joined {
            self.style_sign(&then, ty);
            self.style_sign(&other, ty);
        }
        if let ExprKind::Int(decided) = cond.kind {
            let chosen = if decided == 0 { other } else { then };
            let ty = joined.unwrap_or_else(|| chosen.ty.clone());
            return Some(Expr { span, ..self.convert(chosen, &ty) });
        }
        let Some(ty) = joined else {
            let (then, other) = (self.describe(&then.ty), self.describe(&other.ty));
            return self.error(span, format!("one side is {then}, the other {other}"));
        };
        let (then, other) = (self.convert(then, &ty), self.convert(other, &ty));
        let (cond, then, other) = (Box::new(cond), Box::new(then), Box::new(other));
        Some(Expr::new(ExprKind::Ternary { cond, then, other }, ty, span))
    }
}

/// The rounds of an `unroll` one after the other: `break` and `continue` in them are those of the loop around it.
fn copies(count: usize, body: Vec<Stmt>, span: Span) -> StmtKind {
    StmtKind::Block(vec![Stmt::new(StmtKind::Block(body), span); count])
}

/// The statement at a block's end that gives its value, where no expression does, and what stands before.
pub(super) fn last_value(block: &ast::Block) -> (Option<&ast::Stmt>, &[ast::Stmt]) {
    match block.stmts.split_last() {
        Some((last, before)) if block.tail.is_none() && is_compound(last) => (Some(last), before),
        _ => (None, &block.stmts),
    }
}

fn is_compound(stmt: &ast::Stmt) -> bool {
    matches!(stmt.kind, ast::StmtKind::If(_) | ast::StmtKind::Block(_))
}
