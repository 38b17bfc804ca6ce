//! Orders to user space that found no room in the ring buffer.
//!
//! A full ring buffer must not keep a map from being printed, emptied or set to zero. The program counts the record as lost, as it does
//! with every record; the count is where the order comes through: it is carried out when the records that did arrive are done.

use quadrant_codegen::object::Data;
use quadrant_codegen::object::Loss;
use quadrant_codegen::object::LossKind;
use quadrant_program::Program;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;

use crate::ledger::Ledger;

/// The orders of a script, in source order.
#[derive(Debug)]
pub(crate) struct Controls(Vec<Control>);

#[derive(Debug)]
struct Control {
    record: RecordId,
    loss: Loss,
    /// The CPU whose losses these are, where they are counted by CPU.
    cpu: Option<u32>,
    /// Where its losses are counted in the data section.
    counter: u32,
    /// Losses that have been looked at.
    seen: u64,
    /// Those of them that the order made up for.
    made_up: u64,
}

impl Controls {
    pub(crate) fn of(program: &Program, data: &Data) -> Controls {
        let orders = (0..program.records.len() as u32).map(RecordId).filter(|id| is_order(program, *id));
        let control = |id: RecordId| {
            let span = program.records[id.0 as usize].span;
            let words = data.loss_words().filter(move |(loss, ..)| loss.kind == LossKind::Record && loss.span == span);
            words.map(move |(loss, cpu, counter)| Control { record: id, loss, cpu, counter, seen: 0, made_up: 0 })
        };
        Controls(orders.flat_map(control).collect())
    }

    /// The orders whose records were lost since the last call, each once: to empty a map twice in a row is to empty it, and what would
    /// have been printed at the times between is gone. `word` reads a word of the data section.
    pub(crate) fn missed(&mut self, program: &Program, word: impl Fn(u32) -> u64) -> Vec<RecordId> {
        let mut missed = Vec::new();
        for control in &mut self.0 {
            let new = word(control.counter) - control.seen;
            control.seen += new;
            let is_first = new > 0 && !missed.contains(&control.record);
            control.made_up += if is_print(program, control.record) { u64::from(is_first) } else { new };
            missed.extend(is_first.then_some(control.record));
        }
        missed
    }

    /// Takes what was made up for out of the losses.
    pub(crate) fn settle(&self, ledger: &mut Ledger) {
        let made_up = |is: &dyn Fn(&Control) -> bool| -> u64 {
            self.0.iter().filter(|control| is(control)).map(|control| control.made_up).sum()
        };
        for (loss, count) in &mut ledger.losses {
            *count = count.saturating_sub(made_up(&|control| control.loss == *loss));
        }
        for (loss, cpu, count) in &mut ledger.by_cpu {
            *count = count.saturating_sub(made_up(&|control| control.loss == *loss && control.cpu == Some(*cpu)));
        }
        ledger.losses.retain(|(_, count)| *count > 0);
        ledger.by_cpu.retain(|(.., count)| *count > 0);
    }
}

/// Whether a record is an order that needs nothing but its kind.
fn is_order(program: &Program, id: RecordId) -> bool {
    is_print(program, id) || matches!(program.records[id.0 as usize].kind, RecordKind::Clear(_) | RecordKind::Zero(_))
}

fn is_print(program: &Program, id: RecordId) -> bool {
    program.records[id.0 as usize].kind.printed().is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use quadrant_program::map::MapId;
    use quadrant_program::record::Record;
    use quadrant_program::span::Span;

    use super::*;

    /// A script that prints and then empties a map, and where the losses of these two orders are counted.
    fn script(by_cpu: bool) -> (Program, Data) {
        let print = RecordKind::PrintMap { map: MapId(0), top: 0, div: 0, take: false };
        let mut program = Program::default();
        let mut data = Data { cpus: 2, ..Data::default() };
        for (kind, at) in [print, RecordKind::Clear(MapId(0))].into_iter().zip([16, 64]) {
            let span = Span { start: at, end: at + 1 };
            program.records.push(Record { kind, args: Vec::new(), span });
            let loss = Loss { kind: LossKind::Record, clause: 0, span };
            if by_cpu { data.losses_by_cpu.push((loss, at)) } else { data.losses.push((loss, at)) }
        }
        (program, data)
    }

    fn left(controls: &Controls, data: &Data, words: &HashMap<u32, u64>) -> (Vec<u64>, Vec<(u32, u64)>) {
        let mut ledger = Ledger::counted(data, |at| words.get(&at).copied().unwrap_or(0));
        controls.settle(&mut ledger);
        let by_cpu = ledger.by_cpu.iter().map(|(_, cpu, count)| (*cpu, *count));
        (ledger.losses.iter().map(|(_, count)| *count).collect(), by_cpu.collect())
    }

    #[test]
    fn orders_that_were_lost_are_made_up_for_once() {
        let (program, data) = script(false);
        let mut controls = Controls::of(&program, &data);
        let words = HashMap::from([(16, 3), (64, 2)]);
        let word = |at| words.get(&at).copied().unwrap_or(0);
        assert_eq!(controls.missed(&program, word), [RecordId(0), RecordId(1)]);
        assert_eq!(controls.missed(&program, word), []);
        assert_eq!(left(&controls, &data, &words), (vec![2], vec![]));
    }

    #[test]
    fn so_are_those_that_are_counted_by_cpu() {
        let (program, data) = script(true);
        let mut controls = Controls::of(&program, &data);
        let words = HashMap::from([(16, 1), (24, 2), (72, 5)]);
        let word = |at| words.get(&at).copied().unwrap_or(0);
        assert_eq!(controls.missed(&program, word), [RecordId(0), RecordId(1)]);
        assert_eq!(left(&controls, &data, &words), (vec![2], vec![(1, 2)]));
    }
}
