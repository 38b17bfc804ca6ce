//! Speculations: which of their numbers are in use. What they hold is in user space.
//!
//! One word for each, in the data section: 0 idle, 1 active, 2 ending. Programs make idle ones active and active ones ending; user space
//! makes ending ones idle when it has committed or discarded what they hold.

use quadrant_program::action::ActionKind;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::program::Fault;
use quadrant_program::record::Record;
use quadrant_program::record::RecordKind;

use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use super::walk;
use super::walk::Node;
use crate::object::LossKind;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

const IDLE: i64 = 0;
const ACTIVE: i64 = 1;
const ENDING: i64 = 2;
/// Up to so many are tried without a loop.
const UNROLLED: u32 = 16;

impl Lower<'_, '_> {
    /// `speculation()`: the first idle one, or 0.
    pub fn speculation(&mut self) -> Result<Value> {
        let count = self.g.program.config.speculations;
        let mark = self.mark();
        let [found, ending] = [(); 2].map(|()| self.cell(0));
        if count <= UNROLLED {
            let done = self.f.b.create_block();
            for index in 0..count {
                let index = self.f.b.iconst(index.into());
                self.try_speculation(index, (found, ending), done);
            }
            self.f.b.jump(done, &[]);
            self.f.b.switch_to(done);
        } else {
            self.repeat(count, |lower, index, stop| {
                lower.try_speculation(index, (found, ending), stop);
                Ok(())
            })?;
        }
        let found = self.cell_get(found);
        let end = self.f.b.create_block();
        self.f.b.branch_away(Cond::Ne, found, 0, end);
        let ending = self.cell_get(ending);
        let [busy, none] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Ne, ending, 0, busy, &[], none, &[]);
        for (block, kind) in [(busy, LossKind::BusySpeculation), (none, LossKind::NoSpeculation)] {
            self.f.b.switch_to(block);
            self.lose(kind);
            self.f.b.jump(end, &[]);
        }
        self.f.b.switch_to(end);
        self.release(mark);
        Ok(found)
    }

    /// Takes a speculation and goes to `done` if it is idle.
    fn try_speculation(
        &mut self,
        index: Value,
        (found, ending): (super::cells::Cell, super::cells::Cell),
        done: Block,
    ) {
        let word = self.speculation_word(index);
        let old = self.exchange(word, IDLE, ACTIVE);
        self.when(Cond::Eq, old, IDLE, |lower| {
            let number = lower.f.b.add(index, 1);
            lower.cell_set(found, number);
            lower.f.b.jump(done, &[]);
        });
        self.when(Cond::Eq, old, ENDING, |lower| lower.cell_set(ending, 1));
    }

    /// `commit(id)` and `discard(id)`: no record goes there from now on. An id that there cannot be faults where faults end the clause.
    pub fn end_speculation(&mut self, id: &Expr) -> Result<()> {
        let id = self.scalar(id)?;
        if self.aborts() {
            let most = i64::from(self.g.program.config.speculations);
            let none = self.f.b.iconst(0);
            self.abort_if(Fault::IllegalOperation, Cond::Ugt, id, most, none)?;
        }
        let (end, word) = self.known_speculation(id);
        self.exchange(word, ACTIVE, ENDING);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// For a record that belongs to a speculation: goes on if that is active, else to the block that is given back.
    pub fn leave_unless_speculating(&mut self, record: &Record, args: &[Expr]) -> Result<Option<Block>> {
        let RecordKind::Firing(actions) = &record.kind else { return Ok(None) };
        if !actions.iter().any(|action| action.kind == ActionKind::Speculate) {
            return Ok(None);
        }
        let Some(id) = args.get(1).filter(|id| is_simple(id)) else {
            return Err(self.model_error("a speculation's number that must be computed again"));
        };
        let id = self.scalar(id)?;
        let (end, word) = self.known_speculation(id);
        let state = self.f.b.load(word.base, word.off, Size::B8);
        self.f.b.branch_away(Cond::Ne, state, ACTIVE, end);
        Ok(Some(end))
    }

    /// The word of a speculation; goes to the block that is given back when there is none of that number.
    fn known_speculation(&mut self, id: Value) -> (Block, Mem) {
        let end = self.f.b.create_block();
        let index = self.f.b.sub(id, 1);
        self.f.b.branch_away(Cond::Uge, index, i64::from(self.g.program.config.speculations), end);
        (end, self.speculation_word(index))
    }

    fn speculation_word(&mut self, index: Value) -> Mem {
        let (at, span) = self.g.speculations();
        let index = self.f.b.and(index, i64::from(span) - 1);
        let off = self.f.b.shl(index, 3);
        let first = self.data(at);
        Mem { base: self.f.b.add(first.base, off), off: first.off }
    }

    /// Replaces a word if it has a value; gives what it had. Kernels without atomic exchange do not interrupt programs in between but
    /// for another CPU, which may then speculate under the same number.
    fn exchange(&mut self, word: Mem, from: i64, to: i64) -> Value {
        let [expected, new] = [from, to].map(|state| self.f.b.iconst(state));
        if self.g.target.atomic_fetch {
            return self.f.b.cmpxchg(word.base, word.off, Size::B8, expected, new);
        }
        let old = self.f.b.load(word.base, word.off, Size::B8);
        self.when(Cond::Eq, old, from, |lower| lower.f.b.store(word.base, word.off, Size::B8, new));
        old
    }
}

/// Whether an expression may be evaluated a second time.
fn is_simple(e: &Expr) -> bool {
    let mut simple = true;
    walk::expr(e, &mut |node| {
        simple &= match node {
            Node::Expr(e) => !matches!(
                e.kind,
                ExprKind::IncDec { .. }
                    | ExprKind::MapDelete { .. }
                    | ExprKind::Block(..)
                    | ExprKind::Call(Function::Speculation, _)
            ),
            Node::Stmt(_) | Node::End(_) => false,
        }
    });
    simple
}
