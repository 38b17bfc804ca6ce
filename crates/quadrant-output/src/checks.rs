//! Results of a script's tests and benchmarks, in the form of bpftrace.

use crate::escape;
use crate::json;

/// Columns of a benchmark's name and time.
const NAME_WIDTH: usize = 40;
const TIME_WIDTH: usize = 14;
const LINE: &str = "------------------------------------------------------------------";

/// How a line of a test run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// About all tests.
    All,
    /// A test begins.
    Run,
    /// A test passed.
    Ok,
    /// Tests that passed.
    Passed,
    /// A test failed, or tests did.
    Failed,
}

/// Append a line of a test run, its label in color if that is wanted.
pub fn line(out: &mut Vec<u8>, label: Label, text: &str, color: bool) {
    let (label, code) = match label {
        Label::All => ("[==========]", 32),
        Label::Run => ("[ RUN      ]", 32),
        Label::Ok => ("[       OK ]", 32),
        Label::Passed => ("[  PASSED  ]", 32),
        Label::Failed => ("[  FAILED  ]", 31),
    };
    match color {
        true => out.extend_from_slice(format!("\x1b[{code}m{label}\x1b[0m ").as_bytes()),
        false => out.extend_from_slice(format!("{label} ").as_bytes()),
    }
    escape::text(out, text.as_bytes());
    out.push(b'\n');
}

/// Append the JSON object of a test: nanoseconds, and all that it printed.
pub fn test_result(out: &mut Vec<u8>, name: &str, ns: u64, passed: bool, output: &[u8]) {
    named(out, "test_result", name, |out| {
        out.extend_from_slice(format!("\"duration\": {ns}, \"passed\": {passed}, \"output\": ").as_bytes());
        escape::json(out, output);
    });
}

/// Append the JSON object of a benchmark: nanoseconds of a run, and how many there were.
pub fn benchmark_result(out: &mut Vec<u8>, name: &str, average_ns: u64, runs: u64) {
    named(out, "benchmark_result", name, |out| {
        out.extend_from_slice(format!("\"average\": {average_ns}, \"iters\": {runs}").as_bytes());
    });
}

fn named(out: &mut Vec<u8>, kind: &str, name: &str, fill: impl FnOnce(&mut Vec<u8>)) {
    json::object_with(out, kind, |out| {
        json::name(out, b"data");
        out.push(b'{');
        json::name(out, name.as_bytes());
        out.push(b'{');
        fill(out);
        out.extend_from_slice(b"}}");
    });
}

/// Append the head of the table of benchmarks.
pub fn table_head(out: &mut Vec<u8>) {
    row(out, "Benchmark", "Time(ns)", "Iterations");
    out.extend_from_slice(format!("{LINE}\n").as_bytes());
}

/// Append a line of the table of benchmarks.
pub fn table_row(out: &mut Vec<u8>, name: &str, average_ns: u64, runs: u64) {
    row(out, name, &average_ns.to_string(), &runs.to_string());
}

fn row(out: &mut Vec<u8>, name: &str, time: &str, runs: &str) {
    escape::text(out, name.as_bytes());
    let pad = NAME_WIDTH.saturating_sub(name.chars().count());
    out.extend_from_slice(format!("{:pad$} {time:TIME_WIDTH$} {runs}\n", "").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fill: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        fill(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines() {
        assert_eq!(text(|out| line(out, Label::Ok, "a (1 μs)", false)), "[       OK ] a (1 μs)\n");
        assert_eq!(text(|out| line(out, Label::Failed, "b", true)), "\x1b[31m[  FAILED  ]\x1b[0m b\n");
    }

    #[test]
    fn objects() {
        let test = text(|out| test_result(out, "a", 981, false, b"x\n"));
        let wanted = r#"{"type": "test_result", "data": {"a": {"duration": 981, "passed": false, "output": "x\n"}}}"#;
        assert_eq!(test.trim_end(), wanted);
        let bench = text(|out| benchmark_result(out, "b", 21, 80_000));
        assert_eq!(bench.trim_end(), r#"{"type": "benchmark_result", "data": {"b": {"average": 21, "iters": 80000}}}"#);
    }

    #[test]
    fn table() {
        let table = text(|out| {
            table_head(out);
            table_row(out, "a", 22, 80_000);
        });
        let wanted = "Benchmark                                Time(ns)       Iterations\n\
                      ------------------------------------------------------------------\n\
                      a                                        22             80000\n";
        assert_eq!(table, wanted);
    }
}
