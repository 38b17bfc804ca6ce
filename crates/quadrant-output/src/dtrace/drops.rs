//! Messages about what was dropped, for standard error.

use crate::number;

/// What was dropped, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Records for which the buffer had no room.
    Principal {
        /// Where, if it is known.
        cpu: Option<u32>,
        /// How many.
        count: u64,
    },
    /// Updates of aggregations that had no room for another key.
    Aggregation {
        /// Where, if it is known.
        cpu: Option<u32>,
        /// How many.
        count: u64,
    },
    /// Assignments to dynamic variables for which there was no room.
    Dynamic(u64),
    /// As [`Drop::Dynamic`], while room was being cleaned.
    DynamicRinsing(u64),
    /// As [`Drop::Dynamic`], while room waited for being cleaned.
    DynamicDirty(u64),
    /// Records for which the speculation had no room.
    Speculation(u64),
    /// Speculations that were not begun because those that ended were still busy.
    SpeculationBusy(u64),
    /// Speculations that were not begun because there was none left.
    SpeculationUnavailable(u64),
    /// Stacks of processes for which there was no room.
    StackString(u64),
    /// Faults in clauses of ERROR.
    Error(u64),
}

/// Append the message: `dtrace: 3 drops on CPU 0`. With `tags` it begins with what scripts can look for: `[DTRACEDROP_PRINCIPAL]`.
pub fn message(err: &mut Vec<u8>, drop: &Drop, tags: bool) {
    let (tag, count, cpu, [one, many], more) = words(drop);
    err.extend_from_slice(b"dtrace: ");
    if tags {
        err.extend_from_slice(b"[DTRACEDROP_");
        err.extend_from_slice(tag.as_bytes());
        err.extend_from_slice(b"] ");
    }
    number::unsigned(err, count);
    err.push(b' ');
    err.extend_from_slice(if count == 1 { one } else { many }.as_bytes());
    err.extend_from_slice(more.as_bytes());
    if let Some(cpu) = cpu {
        err.extend_from_slice(b" on CPU ");
        number::unsigned(err, cpu.into());
    }
    err.push(b'\n');
}

type Words = (&'static str, u64, Option<u32>, [&'static str; 2], &'static str);

/// Tag, count, CPU, what was dropped (one, many), and what is said after that.
fn words(drop: &Drop) -> Words {
    const DYNAMIC: [&str; 2] = ["dynamic variable drop", "dynamic variable drops"];
    const FAILED: [&str; 2] = ["failed speculation", "failed speculations"];
    match *drop {
        Drop::Principal { cpu, count } => ("PRINCIPAL", count, cpu, ["drop", "drops"], ""),
        Drop::Aggregation { cpu, count } => ("AGGREGATION", count, cpu, ["aggregation drop", "aggregation drops"], ""),
        Drop::Dynamic(count) => ("DYNAMIC", count, None, DYNAMIC, ""),
        Drop::DynamicRinsing(count) => ("DYNRINSE", count, None, DYNAMIC, " with non-empty rinsing list"),
        Drop::DynamicDirty(count) => ("DYNDIRTY", count, None, DYNAMIC, " with non-empty dirty list"),
        Drop::Speculation(count) => ("SPEC", count, None, ["speculative drop", "speculative drops"], ""),
        Drop::SpeculationBusy(count) => ("SPECBUSY", count, None, FAILED, " (available buffer(s) still busy)"),
        Drop::SpeculationUnavailable(count) => {
            ("SPECUNAVAIL", count, None, FAILED, " (no speculative buffer available)")
        }
        Drop::StackString(count) => (
            "STKSTROVERFLOW",
            count,
            None,
            ["jstack()/ustack() string table overflow", "jstack()/ustack() string table overflows"],
            "",
        ),
        Drop::Error(count) => {
            ("DBLERROR", count, None, ["error in ERROR probe enabling", "errors in ERROR probe enabling"], "")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(drop: Drop, tags: bool) -> String {
        let mut err = Vec::new();
        message(&mut err, &drop, tags);
        String::from_utf8(err).unwrap()
    }

    #[test]
    fn one_and_many() {
        assert_eq!(shown(Drop::Principal { cpu: Some(2), count: 1 }, false), "dtrace: 1 drop on CPU 2\n");
        assert_eq!(shown(Drop::Principal { cpu: None, count: 5 }, true), "dtrace: [DTRACEDROP_PRINCIPAL] 5 drops\n");
        let aggregation = Drop::Aggregation { cpu: Some(0), count: 2 };
        assert_eq!(shown(aggregation, true), "dtrace: [DTRACEDROP_AGGREGATION] 2 aggregation drops on CPU 0\n");
    }

    #[test]
    fn every_kind() {
        let lines = [
            Drop::Dynamic(2),
            Drop::DynamicRinsing(1),
            Drop::DynamicDirty(2),
            Drop::Speculation(1),
            Drop::SpeculationBusy(1),
            Drop::SpeculationUnavailable(2),
            Drop::StackString(1),
            Drop::Error(2),
        ];
        assert_eq!(
            lines.map(|drop| shown(drop, false)).concat(),
            "dtrace: 2 dynamic variable drops\n\
             dtrace: 1 dynamic variable drop with non-empty rinsing list\n\
             dtrace: 2 dynamic variable drops with non-empty dirty list\n\
             dtrace: 1 speculative drop\n\
             dtrace: 1 failed speculation (available buffer(s) still busy)\n\
             dtrace: 2 failed speculations (no speculative buffer available)\n\
             dtrace: 1 jstack()/ustack() string table overflow\n\
             dtrace: 2 errors in ERROR probe enabling\n"
        );
    }
}
