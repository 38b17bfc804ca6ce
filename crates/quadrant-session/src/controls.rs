//! Orders to user space that found no room in the ring buffer.
//!
//! A full ring buffer must not keep a map from being printed, emptied or set to zero. The program counts the record as lost, as it does
//! with every record; the count is where the order comes through: it is carried out when the records that did arrive are done.

use quadrant_codegen::object::Loss;
use quadrant_codegen::object::LossKind;
use quadrant_program::Program;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;

use crate::kernel::Kernel;
use crate::ledger::Ledger;

/// The orders of a script, in source order.
#[derive(Debug)]
pub(crate) struct Controls(Vec<Control>);

#[derive(Debug)]
struct Control {
    record: RecordId,
    loss: Loss,
    /// Where its losses are counted in the data section.
    counter: u32,
    /// Losses that have been looked at.
    seen: u64,
    /// Those of them that the order made up for.
    made_up: u64,
}

impl Controls {
    pub(crate) fn of(program: &Program, kernel: &Kernel) -> Controls {
        let orders = (0..program.records.len() as u32).map(RecordId).filter(|id| is_order(program, *id));
        let control = |id: RecordId| {
            let span = program.records[id.0 as usize].span;
            let counted = move |(loss, _): &&(Loss, u32)| loss.kind == LossKind::Record && loss.span == span;
            let control = move |(loss, counter): &(Loss, u32)| Control {
                record: id,
                loss: *loss,
                counter: *counter,
                seen: 0,
                made_up: 0,
            };
            kernel.data.losses.iter().filter(counted).map(control)
        };
        Controls(orders.flat_map(control).collect())
    }

    /// The orders whose records were lost since the last call, each once: to empty a map twice in a row is to empty it, and what would
    /// have been printed at the times between is gone.
    pub(crate) fn missed(&mut self, program: &Program, kernel: &Kernel) -> Vec<RecordId> {
        let missed = self.0.iter_mut().filter_map(|control| {
            let new = kernel.word(control.counter) - control.seen;
            control.seen += new;
            control.made_up += if is_print(program, control.record) { new.min(1) } else { new };
            (new > 0).then_some(control.record)
        });
        missed.collect()
    }

    /// Takes what was made up for out of the losses.
    pub(crate) fn settle(&self, ledger: &mut Ledger) {
        for (loss, count) in &mut ledger.losses {
            let made_up = self.0.iter().filter(|control| control.loss == *loss).map(|control| control.made_up);
            *count = count.saturating_sub(made_up.sum());
        }
        ledger.losses.retain(|(_, count)| *count > 0);
    }
}

/// Whether a record is an order that needs nothing but its kind.
fn is_order(program: &Program, id: RecordId) -> bool {
    is_print(program, id) || matches!(program.records[id.0 as usize].kind, RecordKind::Clear(_) | RecordKind::Zero(_))
}

fn is_print(program: &Program, id: RecordId) -> bool {
    matches!(program.records[id.0 as usize].kind, RecordKind::PrintMap { .. })
}
