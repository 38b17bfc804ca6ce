//! What all the tests together gave.

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
    /// Those that could not run here.
    pub skipped: Vec<Skipped>,
}

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
        self.skipped.extend(other.skipped.into_iter().map(|it| Skipped { test: at(it.test), ..it }));
    }

    /// When what failed was run once more: its results then count.
    pub fn with_second_chance(self, second: Summary) -> Summary {
        let skipped = [self.skipped, second.skipped].concat();
        Summary { passed: self.passed + second.passed, failed: second.failed, skipped }
    }

    /// The three numbers.
    pub fn counts(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped.len())
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
        }
        writeln!(f, "{}", self.counts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fails_twice_has_failed() {
        let summary = |passed, failed: &[&str]| Summary {
            passed,
            failed: failed.iter().map(|name| (*name).to_owned()).collect(),
            skipped: vec![Skipped { test: format!("of {passed}"), reason: "none".to_owned() }],
        };
        let both = summary(5, &["a", "b"]).with_second_chance(summary(1, &["b"]));
        assert_eq!(both.counts(), "6 passed, 1 failed, 2 skipped");
        assert_eq!(both.failed, ["b"]);
    }
}
