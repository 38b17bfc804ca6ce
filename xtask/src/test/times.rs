//! Which tests take the time, so that what is slow can be mended, or left to the host.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How many of the slowest groups, and of the slowest tests, are shown.
const SHOWN: usize = 8;

/// The time of each test of a binary whose tests run in turn.
#[derive(Default)]
pub struct Times {
    tests: BTreeMap<String, Duration>,
}

impl Times {
    /// Takes a line that the binary prints, and what passed since the line before.
    pub fn line(&mut self, line: &str, took: Duration) {
        if let Some((name, _)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            *self.tests.entry(name.to_owned()).or_default() += took;
        }
    }

    /// The time of all tests whose names begin with the same module.
    fn groups(&self) -> BTreeMap<String, Duration> {
        let mut groups = BTreeMap::new();
        for (name, took) in &self.tests {
            let group = name.split_once("::").map_or(&**name, |(group, _)| group);
            *groups.entry(group.to_owned()).or_default() += *took;
        }
        groups
    }
}

impl fmt::Display for Times {
    /// The slowest groups and the slowest tests, in seconds: `load 40.1, tools 31.0; load::maps 12.2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", slowest(&self.groups()), slowest(&self.tests))
    }
}

fn slowest(times: &BTreeMap<String, Duration>) -> String {
    let mut times: Vec<_> = times.iter().collect();
    times.sort_by_key(|(_, took)| std::cmp::Reverse(**took));
    let texts = times.iter().take(SHOWN).map(|(name, took)| format!("{name} {:.1}", took.as_secs_f64()));
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_groups_and_tests_come_first() {
        let mut times = Times::default();
        times.line("running 3 tests", Duration::from_secs(9));
        times.line("test a::b ... ok", Duration::from_secs(1));
        times.line("test c::d::e ... FAILED", Duration::from_secs(2));
        times.line("test c::f ... ok", Duration::from_secs(3));
        assert_eq!(times.to_string(), "c 5.0, a 1.0; c::f 3.0, c::d::e 2.0, a::b 1.0");
    }
}
