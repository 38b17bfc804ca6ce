//! Actions that change something: the trace, its output, processes.

use quadrant_program::action::ActionKind;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;

use super::super::Lower;
use super::super::call::{self, Call};
use crate::ast;

/// The number of SIGSTOP.
const SIGSTOP: i64 = 19;

impl Lower<'_> {
    /// clear(), trunc(), normalize(), denormalize().
    pub(super) fn change_aggregation(&mut self, call: &Call) -> Option<()> {
        let (most, tag) = match call.name {
            "clear" => (1, "D_CLEAR_AGGARG"),
            "denormalize" => (1, "D_NORMALIZE_AGGARG"),
            "trunc" => (2, "D_TRUNC_AGGARG"),
            _ => (2, "D_NORMALIZE_AGGARG"),
        };
        self.count_args(call, if call.name == "normalize" { 2 } else { 1 }, most)?;
        let ast::ExprKind::Agg { name, keys } = &call.args[0].kind else {
            let arg = &call.args[0];
            let got = match call::valueless(arg) {
                Some(what) => what.to_owned(),
                None => self.expr(arg).map(|value| self.type_name(&value.ty))?,
            };
            let name = call.name;
            let message = format!(
                "{name}( ) argument #1 is incompatible with prototype:\n\tprototype: aggregation\n\t argument: {got}"
            );
            return self.fail(call.args[0].span, tag, message);
        };
        if !keys.is_empty() {
            return self.fail(
                call.args[0].span,
                tag,
                format!("{}( ) argument #1 must be an aggregation without a key", call.name),
            );
        }
        self.check_recording(call.span);
        let map = self.aggregation_named(name);
        self.uses_aggregation(&name.name, call.args[0].span);
        let args = match call.args.len() {
            2 => vec![self.int_arg_as(call, 2, if call.name == "trunc" { "int64_t" } else { "uint64_t" })?],
            _ => Vec::new(),
        };
        let kind = match call.name {
            "clear" => ActionKind::Clear(map),
            "trunc" => ActionKind::Trunc(map),
            "normalize" => ActionKind::Normalize(map),
            _ => ActionKind::Denormalize(map),
        };
        self.act(kind, args);
        Some(())
    }

    /// `setopt(name[, value])`: constant texts.
    pub(super) fn setopt(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 2)?;
        let mut texts = Vec::new();
        for arg in call.args {
            if let ast::ExprKind::Str(text) = &arg.kind {
                texts.push(String::from_utf8_lossy(text).into_owned());
                continue;
            }
            let value = self.expr(arg)?;
            if !value.is_text() {
                return self.bad_arg(call, texts.len() + 1, "char *", &value);
            }
            let Some(text) = value.literal() else {
                return self.fail(arg.span, "D_SETOPT_STRCONST", "setopt( ) argument must be a string constant");
            };
            texts.push(String::from_utf8_lossy(text).into_owned());
        }
        self.check_recording(call.span);
        let mut texts = texts.into_iter();
        let name = texts.next()?;
        self.act(ActionKind::Setopt(name, texts.next()), Vec::new());
        Some(())
    }

    pub(super) fn exit(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        let status = self.int_arg(call, 1)?;
        self.check_exit(call.span);
        self.act(ActionKind::Exit, vec![status]);
        self.push_last(Stmt::new(StmtKind::Stop, call.span));
        Some(())
    }

    pub(super) fn speculate(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        let id = self.speculation_id(call)?;
        self.check_speculate(call.span);
        self.speculate_from_here(id);
        Some(())
    }

    /// commit(), discard().
    pub(super) fn end_speculation(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        let id = self.speculation_id(call)?;
        let kind = if call.name == "commit" {
            self.check_commit(call.span);
            ActionKind::Commit
        } else {
            ActionKind::Discard
        };
        let (keep, id) = self.keep(id);
        let end = Stmt::new(StmtKind::EndSpeculation { id: id.clone() }, call.span);
        self.push([keep, end]);
        if self.clause.segment.seen.speculate {
            // What ends a speculation cannot be part of one.
            self.act_alone(kind, vec![id], call.span);
        } else {
            self.act(kind, vec![id]);
        }
        Some(())
    }

    fn speculation_id(&mut self, call: &Call) -> Option<Expr> {
        let id = self.int_arg(call, 1)?;
        Some(Expr { ty: Type::U64, ..self.cut(id, super::super::value::Int::ULONG) })
    }

    pub(super) fn raise(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        let signal = self.int_arg(call, 1)?;
        self.destructive(call.name, call.span)?;
        self.signal(signal, call.span);
        Some(())
    }

    pub(super) fn stop(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 0, 0)?;
        self.destructive(call.name, call.span)?;
        self.signal(Expr::int(SIGSTOP, Type::I32, call.span), call.span);
        Some(())
    }

    fn signal(&mut self, signal: Expr, span: Span) {
        self.push([Stmt::new(StmtKind::Signal { signal, thread: false }, span)]);
    }

    pub(super) fn chill(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        let ns = self.int_arg(call, 1)?;
        self.destructive(call.name, call.span)?;
        let call_chill = Expr::new(ExprKind::Call(Function::Chill, vec![ns]), Type::None, call.span);
        self.push([Stmt::new(StmtKind::Expr(call_chill), call.span)]);
        Some(())
    }
}
