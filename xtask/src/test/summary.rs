//! What all the tests together gave.

use std::collections::BTreeMap;
use std::fmt;

/// A test that could not run here.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    /// Its name.
    pub test: String,
    /// Why.
    pub reason: String,
}

/// The results of several test binaries.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many passed; skipped ones are not among them.
    pub passed: usize,
    /// The names of those that failed.
    pub failed: Vec<String>,
    /// What those that failed printed, by their names.
    pub said: BTreeMap<String, Vec<String>>,
    /// Those that could not run here.
    pub skipped: Vec<Skipped>,
}

/// Lines of a failed test that are shown once more at the end: the last of them say why.
const LAST_LINES: usize = 30;

impl Summary {
    /// A test that passed for the harness gave a reason why it did not run. Its first reason counts.
    pub fn skip(&mut self, skipped: Skipped) {
        if self.skipped.last().is_none_or(|last| last.test != skipped.test) {
            self.passed = self.passed.saturating_sub(1);
            self.skipped.push(skipped);
        }
    }

    /// Takes in the results of a place where the same tests ran, with its name.
    pub fn add(&mut self, place: &str, other: Summary) {
        let at = |test: String| format!("{place}: {test}");
        self.passed += other.passed;
        self.failed.extend(other.failed.into_iter().map(at));
        self.said.extend(other.said.into_iter().map(|(test, lines)| (at(test), lines)));
        self.skipped.extend(other.skipped.into_iter().map(|it| Skipped { test: at(it.test), ..it }));
    }

    /// When what failed was run once more: its results then count.
    pub fn with_second_chance(self, second: Summary) -> Summary {
        let skipped = [self.skipped, second.skipped].concat();
        Summary { passed: self.passed + second.passed, failed: second.failed, said: second.said, skipped }
    }

    /// The three numbers.
    pub fn counts(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped.len())
    }

    /// The end of what a failed test printed, but for the calls that led there.
    fn last_lines(&self, test: &str) -> &[String] {
        let lines = self.said.get(test).map_or(&[][..], Vec::as_slice);
        let end = lines.iter().position(|line| line == "stack backtrace:").unwrap_or(lines.len());
        &lines[end.saturating_sub(LAST_LINES)..end]
    }

    /// A test that the harness was told not to run.
    pub fn ignore(&mut self, test: &str, reason: &str) {
        self.skipped.push(Skipped { test: test.to_owned(), reason: reason.to_owned() });
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for skipped in &self.skipped {
            writeln!(f, "skipped {}: {}", skipped.test, skipped.reason)?;
        }
        for failed in &self.failed {
            writeln!(f, "FAILED {failed}")?;
            self.last_lines(failed).iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        writeln!(f, "{}", self.counts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_a_failed_test_printed_is_shown() {
        let mut lines: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
        lines.extend(["stack backtrace:", "main"].map(str::to_owned));
        let said = BTreeMap::from([("a".to_owned(), lines)]);
        let text = Summary { failed: vec!["a".to_owned()], said, ..Summary::default() }.to_string();
        assert!(
            text.contains("FAILED a\n    line 10\n") && text.ends_with("    line 39\n0 passed, 1 failed, 0 skipped\n"),
            "{text}"
        );
    }

    #[test]
    fn only_what_fails_twice_has_failed() {
        let summary = |passed, failed: &[&str]| Summary {
            passed,
            failed: failed.iter().map(|name| (*name).to_owned()).collect(),
            said: BTreeMap::new(),
            skipped: vec![Skipped { test: format!("of {passed}"), reason: "none".to_owned() }],
        };
        let both = summary(5, &["a", "b"]).with_second_chance(summary(1, &["b"]));
        assert_eq!(both.counts(), "6 passed, 1 failed, 2 skipped");
        assert_eq!(both.failed, ["b"]);
    }
}
