//! What a clause records: the actions of a straight piece of it become one record, which is sent last.
//!
//! A clause that faults leaves no record, and statements after an action do not change what it showed: its arguments are evaluated at
//! their place and kept until the record is sent.

use quadrant_program::action::{Action, ActionKind};
use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind, Place, VarId};
use quadrant_program::record::{Record, RecordId, RecordKind};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_program::visit::{self, Visitor};

use super::Lower;

/// Values of a record that may wait for it in registers, or on the stack.
const MAX_REGISTERS: usize = 2;

/// A straight piece of a clause.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub stmts: Vec<Stmt>,
    actions: Vec<Action>,
    args: Vec<Expr>,
    /// The speculation that everything here belongs to.
    speculation: Option<Expr>,
    /// What is done once the record is sent.
    last: Vec<Stmt>,
    /// Values that wait for the record.
    held: usize,
    pub seen: Seen,
}

/// What came before in the clause, for the rules of speculations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub speculate: bool,
    pub commit: bool,
    /// Something that records data.
    pub data: bool,
}

/// Arguments that the record of every firing has: the point, and the speculation.
const EVERY: u32 = 2;

impl Segment {
    /// The start of a branch off this piece, which belongs to the same speculation.
    pub fn branch(&self) -> Segment {
        let seen = Seen { speculate: self.seen.speculate, ..Seen::default() };
        Segment { speculation: self.speculation.clone(), seen, ..Segment::default() }
    }
}

impl Lower<'_> {
    /// Adds statements to the piece at hand.
    pub(super) fn push(&mut self, stmts: impl IntoIterator<Item = Stmt>) {
        self.clause.segment.stmts.extend(stmts);
    }

    /// Adds an action; its arguments are evaluated here.
    pub(super) fn act(&mut self, kind: ActionKind, args: Vec<Expr>) {
        let start = self.clause.segment.args.len() as u32;
        for arg in args {
            let arg = self.hold(arg);
            self.clause.segment.args.push(arg);
        }
        let end = self.clause.segment.args.len() as u32;
        self.clause.segment.actions.push(Action { kind, args: start..end });
    }

    /// Adds a statement that runs once the record is sent.
    pub(super) fn push_last(&mut self, stmt: Stmt) {
        self.clause.segment.last.push(stmt);
    }

    /// From here on everything belongs to a speculation.
    pub(super) fn speculate_from_here(&mut self, id: Expr) {
        // Whether there is such a speculation is asked beside the record, so nothing may be computed there, as a recording's fault is.
        let (keep, id) = self.keep(id);
        self.clause.segment.stmts.push(keep);
        self.clause.segment.speculation = Some(id);
        self.act(ActionKind::Speculate, Vec::new());
    }

    /// A value that stays what it is until the record is sent.
    pub(super) fn hold(&mut self, value: Expr) -> Expr {
        if is_stable(&value) {
            return value;
        }
        self.clause.segment.held += 1;
        if !value.ty.is_scalar() || self.clause.segment.held <= MAX_REGISTERS {
            let (keep, kept) = self.keep(value);
            self.clause.segment.stmts.push(keep);
            return kept;
        }
        // Many numbers that wait for the record would not fit on the stack. A tuple is kept in memory.
        let (ty, span) = (value.ty.clone(), value.span);
        let tuple = Type::Tuple([ty.clone()].into());
        let (keep, kept) = self.keep(Expr::new(ExprKind::Tuple(vec![value]), tuple, span));
        self.clause.segment.stmts.push(keep);
        Expr::new(ExprKind::TupleField(Box::new(kept), 0), ty, span)
    }

    /// The statements of the piece at hand, which ends here; the next one starts. `always` sends a record even without an action.
    pub(super) fn end_segment(&mut self, always: bool, span: Span) -> Vec<Stmt> {
        let seen = self.clause.segment.seen;
        let mut segment = std::mem::take(&mut self.clause.segment);
        self.clause.segment.seen = seen;
        self.clause.segment.speculation = segment.speculation.clone();
        if segment.actions.is_empty() && !always {
            return segment.stmts;
        }
        // What cannot fault may as well come after the record, which then need not wait for it.
        let is_arg = |stmt: &Stmt| {
            let mut sent = segment.args.iter().chain(&segment.speculation);
            kept(stmt).is_some_and(|(id, _)| sent.any(|arg| is_kept(arg, id)))
        };
        let safe = segment.stmts.iter().rev().take_while(|stmt| !is_arg(stmt) && !may_fault(stmt)).count();
        let after = segment.stmts.split_off(segment.stmts.len() - safe);
        put_back(&mut segment.stmts, &mut segment.args);
        let emit = self.emit(segment.actions, segment.args, segment.speculation, span);
        segment.stmts.push(emit);
        segment.stmts.extend(after);
        segment.stmts.extend(segment.last);
        segment.stmts
    }

    /// The record of some actions, whose arguments are counted without the two that every such record has.
    fn emit(&mut self, mut actions: Vec<Action>, more: Vec<Expr>, speculation: Option<Expr>, span: Span) -> Stmt {
        for action in &mut actions {
            action.args = action.args.start + EVERY..action.args.end + EVERY;
        }
        let point = Expr::new(ExprKind::Builtin(Builtin::Point), Type::U64, span);
        let id = speculation.clone().unwrap_or_else(|| Expr::int(0, Type::U64, span));
        let args: Vec<Expr> = [point, id].into_iter().chain(more).collect();
        let types = args.iter().map(|arg| arg.ty.clone()).collect();
        let record = self.new_record(RecordKind::Firing(actions), types, span);
        let emit = Stmt::new(StmtKind::Emit { record, args }, span);
        match speculation {
            // What is speculated without a speculation is nothing.
            Some(id) => Stmt::new(StmtKind::If { cond: id, then: vec![emit], other: Vec::new() }, span),
            None => emit,
        }
    }

    /// A record of its own, outside any speculation, sent at once.
    pub(super) fn act_alone(&mut self, kind: ActionKind, args: Vec<Expr>, span: Span) {
        let action = Action { kind, args: 0..args.len() as u32 };
        let emit = self.emit(vec![action], args, None, span);
        self.push([emit]);
    }

    pub(super) fn new_record(&mut self, kind: RecordKind, args: Vec<Type>, span: Span) -> RecordId {
        self.program.records.push(Record { kind, args, span });
        RecordId(self.program.records.len() as u32 - 1)
    }

    /// A value that the body of a clause computes once, before all else.
    pub(super) fn once(&mut self, what: &'static str, value: Expr) -> Expr {
        if let Some(known) = self.clause.once.get(what) {
            return known.clone();
        }
        let (keep, kept) = self.keep(value);
        self.clause.prelude.push(keep);
        self.clause.once.insert(what, kept.clone());
        kept
    }
}

/// Whether a value is the same, and cannot fail, wherever in the clause it is evaluated.
fn is_stable(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Int(_)
        | ExprKind::Str(_)
        | ExprKind::Arg(_)
        | ExprKind::Retval
        | ExprKind::Reg(_)
        | ExprKind::ContextAddr(_) => true,
        ExprKind::Builtin(builtin) => !matches!(builtin, Builtin::Rand | Builtin::Nsecs(_)),
        ExprKind::Cast(inner) | ExprKind::Unary(_, inner) => is_stable(inner),
        ExprKind::Deref { addr, space: Space::Context } => is_stable(addr),
        ExprKind::Binary(op, a, b) => !matches!(op, BinaryOp::Div | BinaryOp::Rem) && is_stable(a) && is_stable(b),
        _ => false,
    }
}

/// Whether a statement may end the clause, or does more than to set variables and maps.
fn may_fault(stmt: &Stmt) -> bool {
    let mut faults = Faults(false);
    visit::stmt(stmt, &mut faults);
    faults.0
}

struct Faults(bool);

impl Visitor for Faults {
    fn stmt(&mut self, stmt: &Stmt) {
        self.0 |= !matches!(
            stmt.kind,
            StmtKind::Expr(_)
                | StmtKind::Assign(..)
                | StmtKind::Update(..)
                | StmtKind::If { .. }
                | StmtKind::Aggregate { .. }
        );
    }

    fn expr(&mut self, expr: &Expr) {
        self.0 |= match &expr.kind {
            ExprKind::Deref { space, .. } => !matches!(space, Space::Context | Space::Program),
            ExprKind::Binary(op, ..) => matches!(op, BinaryOp::Div | BinaryOp::Rem),
            ExprKind::Call(..) | ExprKind::ArgAt(_) => true,
            _ => false,
        };
    }
}

/// Values that were kept just before the record is sent need not be kept: evaluating them as its arguments is the same.
fn put_back(stmts: &mut Vec<Stmt>, args: &mut [Expr]) {
    let mut at = args.len();
    while let Some((id, _)) = stmts.last().and_then(kept) {
        let Some(place) = args[..at].iter().rposition(|arg| is_kept(arg, id)) else { return };
        // Only in order: an argument before it must not be evaluated later than it was.
        let Some(Stmt { kind: StmtKind::Assign(_, value), .. }) = stmts.pop() else { return };
        args[place] = match (&args[place].kind, value.kind) {
            (ExprKind::TupleField(..), ExprKind::Tuple(mut parts)) if !parts.is_empty() => parts.swap_remove(0),
            (_, kind) => Expr { kind, ..value },
        };
        at = place;
    }
}

/// Whether an argument is what was kept in a variable.
fn is_kept(arg: &Expr, id: VarId) -> bool {
    match &arg.kind {
        ExprKind::Var(var) => *var == id,
        ExprKind::TupleField(inner, 0) => inner.kind == ExprKind::Var(id),
        _ => false,
    }
}

fn kept(stmt: &Stmt) -> Option<(VarId, &Expr)> {
    match &stmt.kind {
        StmtKind::Assign(Place::Var(id), value) => Some((*id, value)),
        _ => None,
    }
}
