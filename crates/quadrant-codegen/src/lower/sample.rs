//! Leaving out firings, when the trace costs more than it may.

use quadrant_bpf::helper;
use quadrant_program::sampling;

use super::unit::Lower;
use crate::object::Loss;
use crate::object::LossKind;
use crate::object::SKIP_STRIDE;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;

impl Lower<'_, '_> {
    /// Leaves the program unless the firing counts: all do while the mask is 0, else one of so many at random. By turns would be
    /// cheaper, but what fires by turns would then be seen from one side only.
    pub fn leave_most(&mut self, end: Block) {
        if !self.g.target.sampling || !sampling::are_sampled(self.g.program, self.unit.all_clauses()) {
            return;
        }
        let [draw, skip, go] = [(); 3].map(|()| self.f.b.create_block());
        let at = self.g.sample_mask();
        let mask = self.data(at);
        let mask = self.f.b.load(mask.base, mask.off, Size::B8);
        self.f.b.branch(Cond::Eq, mask, 0, go, &[], draw, &[]);
        self.f.b.switch_to(draw);
        let random = self.f.b.call(helper::GET_PRANDOM_U32, &[]);
        let drawn = self.f.b.and(random, mask);
        self.f.b.branch(Cond::Eq, drawn, 0, go, &[], skip, &[]);
        self.f.b.switch_to(skip);
        self.count_skipped();
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(go);
    }

    /// Counts the firing as left out, on this CPU alone: this is done at full speed on all of them.
    fn count_skipped(&mut self) {
        let clause = self.unit.all_clauses().next().unwrap_or_default();
        let span = self.g.program.clauses.get(clause).map_or(self.span, |clause| clause.span);
        let counters = self.g.skipped(Loss { kind: LossKind::Skipped, clause: clause as u32, span });
        self.count_by_cpu(counters, SKIP_STRIDE);
    }
}
