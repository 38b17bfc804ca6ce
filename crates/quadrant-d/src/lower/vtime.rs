//! `vtimestamp`: how long the thread has been running.
//!
//! The kernel's own account of it is brought up to date only at ticks and switches, and its clock differs from one processor to the
//! next. So a script that asks gets a clause at each switch of threads, which adds up what the thread that leaves has run.

use quadrant_program::span::Span;

use super::Lower;
use super::env::SourceKind;
use super::translate::Frame;
use super::value::Value;
use crate::Mode;

/// The variables: what the thread has run up to the last switch, since when each processor runs its thread, and the start of the trace.
const VARIABLES: &str = "self uint64_t __vtime; uint64_t __vsince[int]; uint64_t __vstart;";
/// The value.
const VALUE: &str = "self->__vtime + timestamp - (__vsince[cpu] ? __vsince[cpu] : __vstart)";
/// The clauses. The thread that leaves is still the current one; a dead one needs no account.
const CLAUSES: &str = "
dtrace:::BEGIN { __vstart = timestamp; }
rawtp:::sched_switch {
    self->__vtime = tid == 0 || ((struct task_struct *)arg1)->__state & 0x80 ? 0
        : self->__vtime + timestamp - (__vsince[cpu] ? __vsince[cpu] : __vstart);
    __vsince[cpu] = timestamp;
}";

impl Lower<'_> {
    /// The value of `vtimestamp`.
    pub(super) fn vtimestamp(&mut self, span: Span) -> Option<Value> {
        if !self.counts_vtime {
            self.counts_vtime = true;
            let parsed = self.texts.parse("vtimestamp", None, VARIABLES, Mode::default());
            self.declarations(&parsed.script);
        }
        let expr = self.piece_of_d(VALUE);
        let mut value = self.within(Frame { at: span, ..Frame::default() }, |lower| lower.expr(&expr))?;
        value.expr.span = span;
        Some(value)
    }

    /// The clauses that keep the account, if a script wants it, before all others.
    pub(super) fn add_vtime(&mut self) {
        if !self.counts_vtime {
            return;
        }
        let before = self.program.clauses.len();
        let parsed = self.texts.parse("vtimestamp", None, CLAUSES, Mode::default());
        for clause in super::clauses(&parsed.script) {
            let (probes, _) = self.probes_of(clause, SourceKind::Script);
            self.clause(clause, probes);
        }
        let added = self.program.clauses.len() - before;
        self.program.clauses.rotate_right(added);
    }
}
