//! Programs at the entry and at the return of kernel functions: one program that asks where it is.

use super::error::Result;
use super::unit::Lower;
use crate::object::Context;
use crate::object::Unit;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::KfuncRef;

/// What runs at the entry and what at the return, each as a unit of its own; other units as they are.
pub(super) fn halves(unit: &Unit) -> Vec<Unit> {
    let Context::Session { clauses, points } = &unit.context else { return vec![unit.clone()] };
    let at_entry = Unit { context: Context::Registers, ..unit.clone() };
    let at_return = Unit { clauses: clauses.clone(), points: points.clone(), ..at_entry.clone() };
    vec![at_entry, at_return]
}

impl<'g> Lower<'_, 'g> {
    /// Lowers the clauses at the entry and those at the return. The program's result is 0 in any case, which at the entry says
    /// that it wants to run at the return, too.
    pub fn session(&mut self, at_entry: &'g Unit, at_return: &'g Unit, unit_end: Block) -> Result<()> {
        let (entered, returned) = (self.f.b.create_block(), self.f.b.create_block());
        let Some(is_return) = self.g.target.session_is_return else {
            return Err(self.model_error("a program for entry and return, and no way to tell them apart"));
        };
        // Some kernels want the context as an argument, to others it does no harm.
        let answer = self.f.b.call_kfunc(KfuncRef(is_return), &[self.f.ctx]);
        // Only the lowest byte of a truth value counts.
        let answer = self.f.b.and(answer, 1);
        self.f.b.branch(Cond::Ne, answer, 0, returned, &[], entered, &[]);
        for (block, half) in [(entered, at_entry), (returned, at_return)] {
            self.f.b.switch_to(block);
            self.unit = half;
            self.clauses(unit_end)?;
        }
        Ok(())
    }
}
