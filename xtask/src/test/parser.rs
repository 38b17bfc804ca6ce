//! Reads what Rust's test harness prints.

use super::summary::{Skipped, Summary};

/// What a test prints that could not run here, before its reason.
const SKIPPED: &str = "skipped: ";

/// Where in one test binary's output the next line stands.
#[derive(Default, PartialEq)]
enum Part {
    #[default]
    Results,
    /// What passed tests printed: of interest only for the reasons of skipped ones.
    PassedOutput,
    FailedOutput,
}

/// Reads the output line by line.
#[derive(Default)]
pub struct Parser {
    part: Part,
    /// The test whose output the next line is.
    test: String,
}

impl Parser {
    /// Takes a line; whether it is worth showing.
    pub fn line(&mut self, line: &str, summary: &mut Summary) -> bool {
        match line {
            "successes:" => self.part = Part::PassedOutput,
            // The second time, only the names follow.
            "failures:" => (self.part, self.test) = (Part::FailedOutput, String::new()),
            _ if line.starts_with("test result: ") => {
                self.part = Part::Results;
                return true;
            }
            _ => self.line_of_part(line, summary),
        }
        self.part != Part::PassedOutput && !line.is_empty()
    }

    fn line_of_part(&mut self, line: &str, summary: &mut Summary) {
        match self.part {
            Part::Results => result(line, summary),
            Part::PassedOutput => self.output(line, summary),
            Part::FailedOutput => self.failed_output(line, summary),
        }
    }

    fn failed_output(&mut self, line: &str, summary: &mut Summary) {
        if let Some(test) = heading(line) {
            self.test = test.to_owned();
        } else if !self.test.is_empty() && !line.is_empty() {
            summary.said.entry(self.test.clone()).or_default().push(line.to_owned());
        }
    }

    fn output(&mut self, line: &str, summary: &mut Summary) {
        if let Some(test) = heading(line) {
            self.test = test.to_owned();
        } else if let Some(reason) = line.strip_prefix(SKIPPED) {
            summary.skip(Skipped { test: self.test.clone(), reason: reason.to_owned() });
        }
    }
}

/// The test whose output follows.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// `test NAME ... ok`, where NAME can hold spaces (`src/lib.rs - item (line 3)`), or `... ignored, REASON`.
fn result(line: &str, summary: &mut Summary) {
    let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
        return;
    };
    match outcome {
        "ok" => summary.passed += 1,
        "FAILED" => summary.failed.push(name.to_owned()),
        _ if outcome.starts_with("ignored") => summary.ignore(name, outcome),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 5 tests
test counts ... ok
test needs::probe ... ok
test says_much ... ok
test wrong ... FAILED
test slow ... ignored, takes an hour

successes:

---- needs::probe stdout ----
skipped: this kernel has no kprobes

---- says_much stdout ----
test of a line ... FAILED


successes:
    counts
    needs::probe
    says_much

failures:

---- wrong stdout ----
skipped: not, for it failed

failures:
    wrong

test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    fn read(output: &str) -> (Summary, Vec<&str>) {
        let (mut parser, mut summary) = (Parser::default(), Summary::default());
        let shown = output.lines().filter(|line| parser.line(line, &mut summary)).collect();
        (summary, shown)
    }

    #[test]
    fn a_test_that_says_why_it_cannot_run_is_skipped_and_not_passed() {
        let (summary, _) = read(OUTPUT);
        assert_eq!(summary.passed, 2);
        assert_eq!(summary.failed, ["wrong"]);
        let skipped: Vec<_> = summary.skipped.iter().map(|s| (s.test.as_str(), s.reason.as_str())).collect();
        assert_eq!(skipped, [("slow", "ignored, takes an hour"), ("needs::probe", "this kernel has no kprobes")]);
    }

    #[test]
    fn what_passed_tests_print_is_not_shown_and_what_failed_ones_print_is() {
        let (_, shown) = read(OUTPUT);
        assert!(!shown.iter().any(|line| line.contains("test of a line")), "{shown:?}");
        assert!(shown.contains(&"skipped: not, for it failed"), "{shown:?}");
        assert!(shown.last().unwrap().starts_with("test result: FAILED."), "{shown:?}");
    }

    #[test]
    fn what_failed_tests_print_comes_again_at_the_end() {
        let (summary, _) = read(OUTPUT);
        assert_eq!(summary.said["wrong"], ["skipped: not, for it failed"]);
        let end = summary.to_string();
        assert!(end.contains("FAILED wrong\n    skipped: not, for it failed\n2 passed"), "{end}");
    }

    #[test]
    fn two_reasons_of_one_test_skip_it_once() {
        let (summary, _) =
            read("test a ... ok\nsuccesses:\n\n---- a stdout ----\nskipped: one\nskipped: two\ntest result: ok.");
        assert_eq!((summary.passed, summary.skipped.len()), (0, 1));
    }

    #[test]
    fn the_name_of_a_doc_test_has_spaces() {
        let (summary, _) = read("test src/lib.rs - a::b (line 3) ... FAILED");
        assert_eq!(summary.failed, ["src/lib.rs - a::b (line 3)"]);
    }
}
