//! Statements that are calls: actions, and subroutines for their effect or to be shown.

mod output;
mod printf;
mod rules;
mod system;

use quadrant_program::action::ActionKind;
use quadrant_program::stmt::{Stmt, StmtKind};

use super::Lower;
use super::aggregate;
use super::call::Call;
use super::value::Ty;
use crate::ast::{self, Ident};

pub(super) use printf::Pending;

/// The actions.
const ACTIONS: &[&str] = &[
    "breakpoint",
    "chill",
    "clear",
    "commit",
    "denormalize",
    "discard",
    "exit",
    "freopen",
    "ftruncate",
    "normalize",
    "panic",
    "pcap",
    "print",
    "printa",
    "printf",
    "raise",
    "return",
    "setopt",
    "speculate",
    "stop",
    "system",
    "trace",
    "tracemem",
    "trunc",
];

/// Whether a name is an action's.
pub(super) fn is_action(name: &str) -> bool {
    ACTIONS.contains(&name)
}

/// Whether an expression is an action, or chooses between some.
pub(super) fn acts(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Call { callee, .. } => is_action(&callee.name),
        ast::ExprKind::Ternary { then, other, .. } => acts(then) || acts(other),
        _ => false,
    }
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().copied()
}

impl Lower<'_> {
    /// An expression as a statement.
    pub(super) fn statement(&mut self, expr: &ast::Expr) {
        match &expr.kind {
            ast::ExprKind::Call { callee, args } => drop(self.call_statement(expr, callee, args)),
            ast::ExprKind::Assign { op, target, value, .. } if matches!(target.kind, ast::ExprKind::Agg { .. }) => {
                let ast::ExprKind::Agg { name, keys } = &target.kind else { return };
                match op {
                    None => drop(self.aggregate(name, keys, value, expr.span)),
                    Some(op) => drop(self.fail::<()>(
                        expr.span,
                        "D_AGG_OP",
                        format!("aggregation may not be used as an operand of operator {}=", op.symbol()),
                    )),
                }
            }
            ast::ExprKind::Assign { .. } | ast::ExprKind::IncDec { .. } | ast::ExprKind::Comma(_) => {
                if let Some(stmts) = self.effects(expr) {
                    self.push(stmts);
                }
            }
            ast::ExprKind::Error => {}
            ast::ExprKind::Ternary { .. } | ast::ExprKind::Binary { .. } if has_effect(expr) => {
                if let Some(stmts) = self.effects(expr) {
                    self.push(stmts);
                }
            }
            // Without an effect, unless it faults.
            _ => {
                if let Some(value) = self.expr(expr).filter(|value| value.expr.ty.is_scalar()) {
                    self.push([Stmt::new(StmtKind::Expr(value.expr), expr.span)]);
                }
            }
        }
    }

    fn call_statement(&mut self, expr: &ast::Expr, callee: &Ident, args: &[ast::Expr]) -> Option<()> {
        let span = expr.span;
        let call = Call { name: &callee.name, args, span };
        if is_action(call.name) {
            return self.action(&call);
        }
        if !Lower::is_subroutine(call.name) || aggregate::is_function(call.name) {
            return self.call(callee, args, span).map(drop);
        }
        let value = self.recorded(expr)?;
        if let Ty::Special(_) = value.ty {
            self.check_recording(span);
            self.act(ActionKind::Trace, vec![value.expr]);
            return Some(());
        }
        self.push([Stmt::new(StmtKind::Expr(value.expr), span)]);
        Some(())
    }

    fn action(&mut self, call: &Call) -> Option<()> {
        match call.name {
            "trace" => self.trace(call),
            "tracemem" => self.tracemem(call),
            "print" => self.print(call),
            "printf" => self.printf(call),
            "printa" => self.printa(call),
            "clear" | "trunc" | "normalize" | "denormalize" => self.change_aggregation(call),
            "freopen" => self.freopen(call),
            "ftruncate" => {
                self.count_args(call, 0, 0)?;
                self.check_unspeculated(call.span)?;
                self.act(ActionKind::Ftruncate, Vec::new());
                Some(())
            }
            "setopt" => self.setopt(call),
            "system" => self.system(call),
            "pcap" => self.pcap(call),
            "exit" => self.exit(call),
            "speculate" => self.speculate(call),
            "commit" | "discard" => self.end_speculation(call),
            "raise" => self.raise(call),
            "stop" => self.stop(call),
            "chill" => self.chill(call),
            "return" => self.override_result(call),
            _ => self.impossible(call),
        }
    }

    /// `return(value)`: only functions of the kernel can be told what to return.
    fn override_result(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        self.int_arg_as(call, 1, "int")?;
        let Some(point) = self.clause.point.clone().filter(|point| !is_function(point)) else {
            let help =
                "`override()` in bpftrace's language makes a function that allows error injection return another value";
            return self.fail_help(call.span, "D_ACT_UNAVAIL", "return( ) is not implemented", help);
        };
        self.fail(call.span, "D_ACT_RETURN", format!("return( ) not allowed for {point}"))
    }

    /// What the kernel does not let a tracer do.
    fn impossible(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 0, 0)?;
        self.check_unspeculated(call.span)?;
        let why = match call.name {
            "panic" => {
                "no eBPF program may crash the kernel; end the trace with exit() and write to /proc/sysrq-trigger with system()"
            }
            _ => "no eBPF program may stop the kernel; use kgdb and set the breakpoint there",
        };
        let message = format!("{}( ) is not implemented: the kernel does not allow it", call.name);
        self.fail_help(call.span, "D_ACT_UNAVAIL", message, why)
    }
}

/// Whether a point, by its name in full, is in a function of the kernel.
fn is_function(point: &str) -> bool {
    point.starts_with("fbt:") || point.starts_with("rawfbt:")
}

/// Whether evaluating an expression does something.
fn has_effect(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Assign { .. } | ast::ExprKind::IncDec { .. } | ast::ExprKind::Call { .. } => true,
        ast::ExprKind::Ternary { then, other, .. } => has_effect(then) || has_effect(other),
        ast::ExprKind::Binary { left, right, .. } => has_effect(left) || has_effect(right),
        _ => false,
    }
}
