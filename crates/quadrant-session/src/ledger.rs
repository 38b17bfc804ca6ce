//! What was lost, and where.

use quadrant_codegen::object::Data;
use quadrant_codegen::object::Loss;
use quadrant_codegen::object::LossKind;

/// Everything that a trace lost or cut. Empty is the normal case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Counted by the programs themselves, at the statement; only those that happened.
    pub losses: Vec<(Loss, u64)>,
    /// Those of them that were counted by CPU: what each CPU has of them.
    pub by_cpu: Vec<(Loss, u32, u64)>,
    /// Runs that the kernel skipped because the program (or another at the same place) was running on that CPU: name of the first
    /// point, and how often.
    pub missed: Vec<(String, u64)>,
    /// Firings of perf events at which the kernel did not run the program: name of the probe, and how often.
    pub firings: Vec<(String, u64)>,
    /// Returns of kernel functions that were not seen, because more calls were under way than the kernel keeps track of: name of the
    /// probe, and how often.
    pub returns: Vec<(String, u64)>,
    /// Records that could not be understood.
    pub malformed: u64,
    /// Reports of what processes mapped and executed that the kernel had no room for: symbols may be missing.
    pub unfollowed: u64,
    /// Commands and files that a script asked for, and that were left because a signal ended the trace before their turn.
    pub left: u64,
    /// Orders to print a map that waited at the end, and were left because the map had been printed since the probes were gone.
    pub unprinted: u64,
}

impl Ledger {
    /// What programs counted in their data section; `word` reads a word of it.
    pub(crate) fn counted(data: &Data, word: impl Fn(u32) -> u64) -> Ledger {
        let counted = data.loss_words().map(|(loss, cpu, at)| (loss, cpu, word(at)));
        let counted: Vec<_> = counted.filter(|(.., count)| *count > 0).collect();
        let sum = |of_loss: &[(Loss, _, u64)]| (of_loss[0].0, of_loss.iter().map(|(.., count)| count).sum());
        let losses = counted.chunk_by(|one, next| one.0 == next.0).map(sum).collect();
        let by_cpu = counted.iter().filter_map(|(loss, cpu, count)| Some((*loss, (*cpu)?, *count))).collect();
        Ledger { losses, by_cpu, ..Ledger::default() }
    }

    /// What programs counted, by CPU where that is known.
    pub fn places(&self) -> impl Iterator<Item = (LossKind, Option<u32>, u64)> {
        let is_split = |loss: &Loss| self.by_cpu.iter().any(|(split, ..)| split == loss);
        let whole = self.losses.iter().filter(move |(loss, _)| !is_split(loss));
        let whole = whole.map(|(loss, count)| (loss.kind, None, *count));
        whole.chain(self.by_cpu.iter().map(|(loss, cpu, count)| (loss.kind, Some(*cpu), *count)))
    }

    /// Nothing was lost.
    pub fn is_empty(&self) -> bool {
        *self == Ledger::default()
    }

    /// How often something of a kind was lost.
    pub fn count(&self, is: impl Fn(LossKind) -> bool) -> u64 {
        self.losses.iter().filter(|(loss, _)| is(loss.kind)).map(|(_, count)| count).sum()
    }

    /// Records that did not arrive.
    pub fn records(&self) -> u64 {
        self.count(|kind| kind == LossKind::Record)
    }
}
