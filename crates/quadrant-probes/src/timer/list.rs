//! The units of timers; their numbers cannot be listed.

use crate::glob::Glob;
use quadrant_program::probe::ProbeKind;

/// Units as scripts write them, with the nanoseconds of one; `hz` counts the other way round.
pub(super) const UNITS: [(&str, u64); 4] = [("hz", 0), ("ms", 1_000_000), ("s", 1_000_000_000), ("us", 1_000)];

/// `interval:hz:` and so on.
pub(crate) fn list(kind: ProbeKind, unit: &Glob) -> Vec<String> {
    let units = UNITS.iter().filter(|(name, _)| unit.matches(name));
    units.map(|(name, _)| format!("{}:{name}:", kind.name())).collect()
}
