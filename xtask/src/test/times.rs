//! Which groups of tests take the time of a guest, so that what is slow there can be left to the host.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How many of the slowest groups are shown.
const SHOWN: usize = 8;

/// The time of each group of tests, named as the first module of their names.
#[derive(Default)]
pub struct Times {
    groups: BTreeMap<String, Duration>,
}

impl Times {
    /// Takes a line of a binary whose tests run in turn, and what passed since the line before.
    pub fn line(&mut self, line: &str, took: Duration) {
        if let Some((name, _)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            let group = name.split_once("::").map_or(name, |(group, _)| group);
            *self.groups.entry(group.to_owned()).or_default() += took;
        }
    }
}

impl fmt::Display for Times {
    /// The slowest groups, in seconds: `load 40, tools 31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, took)| std::cmp::Reverse(**took));
        let texts = groups.iter().take(SHOWN).map(|(group, took)| format!("{group} {}", took.as_secs()));
        f.write_str(&texts.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_groups_come_first() {
        let mut times = Times::default();
        times.line("running 3 tests", Duration::from_secs(9));
        times.line("test a::b ... ok", Duration::from_secs(1));
        times.line("test c::d::e ... FAILED", Duration::from_secs(2));
        times.line("test c::f ... ok", Duration::from_secs(3));
        assert_eq!(times.to_string(), "c 5, a 1");
    }
}
