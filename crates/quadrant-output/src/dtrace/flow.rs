//! Indentation by calls and returns (`flowindent`), for each CPU on its own.

use std::collections::BTreeMap;

use quadrant_program::record::RecordId;

/// Blanks for each call.
const STEP: usize = 2;
/// Bytes of records that one CPU may keep waiting: what DTrace's buffers hold.
const MOST_BYTES: usize = 4 << 20;

/// What a row of a flow shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A function (or, `true`, a system call) begins.
    Entry(bool),
    /// It ends.
    Return(bool),
    /// Neither.
    Other,
}

/// A row's indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    kind: Kind,
    /// Blanks before it.
    pub indent: usize,
}

impl Step {
    /// The arrow.
    pub fn prefix(&self) -> &'static [u8] {
        match self.kind {
            Kind::Entry(false) => b" -> ",
            Kind::Entry(true) => b" => ",
            Kind::Return(false) => b" <- ",
            Kind::Return(true) => b" <= ",
            Kind::Other => b"| ",
        }
    }

    /// The function's name says it all.
    pub fn named(&self) -> bool {
        self.kind != Kind::Other
    }
}

/// A record that waits to be shown, with its header.
pub(super) type Waiting = (RecordId, Vec<u8>);

/// The depth of each CPU, and its records.
#[derive(Debug, Default)]
pub(super) struct Flow {
    depths: BTreeMap<u32, Depth>,
    waiting: BTreeMap<u32, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    records: Vec<Waiting>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Depth {
    indent: usize,
    /// Point and record of the last row.
    last: Option<(u64, RecordId)>,
}

impl Flow {
    /// Keep a record until [`Flow::take`]. Gives the records of the CPU that have to be shown now, because they are too many.
    pub fn wait(&mut self, cpu: u32, record: RecordId, bytes: &[u8]) -> Vec<Waiting> {
        let queue = self.waiting.entry(cpu).or_default();
        queue.records.push((record, bytes.to_vec()));
        queue.bytes += bytes.len();
        match queue.bytes > MOST_BYTES {
            true => std::mem::take(queue).records,
            false => Vec::new(),
        }
    }

    /// The records that wait, those of one CPU after those of another.
    pub fn take(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.waiting).into_values().flat_map(|queue| queue.records).collect()
    }

    /// The indentation of a row. `point` is the index of the probe, `probe` its name `provider:module:function:name`.
    ///
    /// Of the clauses of one firing only the first goes a step in or out.
    pub fn step(&mut self, cpu: u32, point: u64, record: RecordId, probe: &str) -> Step {
        let depth = self.depths.entry(cpu).or_default();
        let again = depth.last.is_some_and(|(last, clause)| last == point && clause < record);
        depth.last = Some((point, record));
        match (kind(probe), again) {
            (kind @ Kind::Entry(_), false) => {
                depth.indent += STEP;
                Step { kind, indent: depth.indent - STEP }
            }
            (kind @ Kind::Return(_), again) => {
                depth.indent = depth.indent.saturating_sub(if again { 0 } else { STEP });
                Step { kind, indent: depth.indent }
            }
            _ => Step { kind: Kind::Other, indent: depth.indent },
        }
    }
}

fn kind(probe: &str) -> Kind {
    let is_call = probe.starts_with("syscall:");
    let last = probe.rsplit([':', '-']).next().unwrap_or_default();
    match last {
        "entry" => Kind::Entry(is_call),
        "return" => Kind::Return(is_call),
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_of_one_firing_step_once() {
        let mut flow = Flow::default();
        let (f, g) = ("fbt:vmlinux:f:entry", "fbt:vmlinux:f:return");
        let indents: Vec<(usize, bool)> = [(0, 1, f), (0, 2, f), (0, 1, f), (1, 3, g), (1, 4, g), (1, 3, g), (1, 3, g)]
            .iter()
            .map(|(point, record, name)| flow.step(0, *point, RecordId(*record), name))
            .map(|step| (step.indent, step.named()))
            .collect();
        assert_eq!(indents, [(0, true), (2, false), (2, true), (2, true), (2, true), (0, true), (0, true)]);
        assert_eq!(flow.step(1, 0, RecordId(1), f).indent, 0, "another CPU");
    }

    #[test]
    fn a_cpu_keeps_only_so_much() {
        let mut flow = Flow::default();
        let record = vec![0; MOST_BYTES / 2];
        assert!(flow.wait(0, RecordId(0), &record).is_empty());
        assert!(flow.wait(1, RecordId(1), &record).is_empty());
        assert!(flow.wait(0, RecordId(2), &record).is_empty());
        let shown: Vec<u32> = flow.wait(0, RecordId(3), &[0]).iter().map(|(id, _)| id.0).collect();
        assert_eq!(shown, [0, 2, 3]);
        assert_eq!(flow.take().len(), 1);
    }

    #[test]
    fn kinds_of_rows() {
        let kinds = ["syscall:vmlinux:read:entry", "syscall:vmlinux:read:return", "p1:a:b:c-entry", "p1:a:b:reentry"];
        assert_eq!(kinds.map(kind), [Kind::Entry(true), Kind::Return(true), Kind::Entry(false), Kind::Other]);
    }
}
