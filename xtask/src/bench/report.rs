//! The results as a table for people and as JSON for machines.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::tool::Tool;
use super::turns::{Metric, Results, ToolResults};
use crate::Failure;

/// Everything that was measured.
pub struct Report {
    tools: Vec<Tool>,
    repeat: usize,
    machine: BTreeMap<&'static str, String>,
    results: Vec<Results>,
}

impl Report {
    /// A report without results yet.
    pub fn new(tools: &[Tool], repeat: usize, machine: BTreeMap<&'static str, String>) -> Self {
        Self { tools: tools.to_vec(), repeat, machine, results: Vec::new() }
    }

    /// Adds a benchmark's results.
    pub fn add(&mut self, results: Results) {
        self.results.push(results);
    }

    /// A table with one line a metric: each tool's median, and how many times the first tool's that is; in the end, how
    /// many times the best peer's the first tool's is.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let facts: Vec<_> = self.machine.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(text, "{}; medians of {} runs by turns\n", facts.join("; "), self.repeat);
        let _ = writeln!(text, "| benchmark | figure | {} |", self.headings().join(" | "));
        let _ = writeln!(text, "|---|---|{}", "---:|".repeat(self.headings().len()));
        for results in &self.results {
            self.lines(results, &mut text);
        }
        self.notes(&mut text);
        text
    }

    /// Writes the JSON form in place of an earlier one, which is there until this one is whole.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&self.json())? + "\n";
        let beside = beside(path);
        let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
        written.map_err(|e| format!("cannot write {}: {e}", path.display()).into())
    }

    /// `{"machine": {...}, "repeat": N, "tools": [{"name", "command"}], "benchmarks": [{"name", "failures", "metrics":
    /// [{"name", "unit", "samples": {TOOL: [...]}, "medians": {TOOL: N}}]}]}`.
    fn json(&self) -> Value {
        let tools: Vec<_> = self.tools.iter().map(|tool| json!({"name": tool.name, "command": tool.command})).collect();
        let benchmarks: Vec<_> = self.results.iter().map(|results| self.json_of(results)).collect();
        json!({"machine": self.machine, "repeat": self.repeat, "tools": tools, "benchmarks": benchmarks})
    }

    fn json_of(&self, results: &Results) -> Value {
        let metrics: Vec<_> = results.metrics.iter().map(|metric| self.json_of_metric(results, *metric)).collect();
        let failures: BTreeMap<_, _> =
            self.with_names(results).filter_map(|(name, tool)| Some((name, tool.failure.as_ref()?))).collect();
        json!({"name": results.bench, "metrics": metrics, "failures": failures})
    }

    fn json_of_metric(&self, results: &Results, metric: Metric) -> Value {
        let samples: BTreeMap<_, _> =
            self.with_names(results).filter_map(|(name, tool)| Some((name, tool.samples.get(&metric)?))).collect();
        let medians: BTreeMap<_, _> =
            self.with_names(results).filter_map(|(name, tool)| Some((name, tool.median(metric)?))).collect();
        json!({"name": metric.name, "unit": metric.unit, "samples": samples, "medians": medians})
    }

    fn with_names<'a>(&'a self, results: &'a Results) -> impl Iterator<Item = (&'a str, &'a ToolResults)> {
        self.tools.iter().map(|tool| tool.name.as_str()).zip(&results.tools)
    }

    fn headings(&self) -> Vec<String> {
        let names = self.shown().map(|(_, tool)| tool.name.clone());
        names.chain(["to the best peer".to_owned()]).collect()
    }

    /// The tools that have any result.
    fn shown(&self) -> impl Iterator<Item = (usize, &Tool)> {
        let has_results = |index: usize| self.results.iter().any(|results| !results.tools[index].samples.is_empty());
        self.tools.iter().enumerate().filter(move |(index, _)| *index == 0 || has_results(*index))
    }

    fn lines(&self, results: &Results, text: &mut String) {
        for metric in &results.metrics {
            let medians: Vec<_> = results.tools.iter().map(|tool| tool.median(*metric)).collect();
            let first = medians.first().copied().flatten();
            let cell = |index: usize| medians[index].map_or("-".into(), |median| cell(index, median, first));
            let mut cells: Vec<String> = self.shown().map(|(index, _)| cell(index)).collect();
            cells.push(ratio(first, self.best(&medians, *metric)).unwrap_or("-".into()));
            let _ = writeln!(text, "| {} | {}, {} | {} |", results.bench, metric.name, metric.unit, cells.join(" | "));
        }
    }

    /// The best of the peers' medians: the greatest of what is so much a second, else the least.
    fn best(&self, medians: &[Option<f64>], metric: Metric) -> Option<f64> {
        let peers = self.tools.iter().zip(medians).filter(|(tool, _)| !tool.is_own).filter_map(|(_, median)| *median);
        match metric.unit.ends_with("/s") {
            true => peers.max_by(f64::total_cmp),
            false => peers.min_by(f64::total_cmp),
        }
    }

    /// Why a cell is empty.
    fn notes(&self, text: &mut String) {
        let mut notes = BTreeMap::<(&str, &str), Vec<&str>>::new();
        for results in &self.results {
            for (name, tool) in self.with_names(results) {
                if let Some(failure) = &tool.failure {
                    notes.entry((name, failure.trim_end())).or_default().push(&results.bench);
                }
            }
        }
        for ((tool, failure), benches) in notes {
            let _ = writeln!(text, "\n{tool} has no result for {}: {failure}", benches.join(", "));
        }
    }
}

/// Three significant digits, more before the point.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A median, and how many times the first tool's it is.
fn cell(index: usize, median: f64, first: Option<f64>) -> String {
    match ratio(Some(median), first) {
        Some(ratio) if index > 0 => format!("{} ({ratio})", number(median)),
        _ => number(median),
    }
}

fn ratio(value: Option<f64>, to: Option<f64>) -> Option<String> {
    let (value, to) = (value?, to?);
    (to > 0.0).then(|| format!("{:.2}", value / to))
}

/// The file beside another one that takes its place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Metric = Metric { name: "wall", unit: "ms" };

    fn report() -> Report {
        let own = Tool { is_own: true, ..Tool::bpftrace("quadrant", "q") };
        let tools = [own, Tool::bpftrace("other", "o"), Tool::bpftrace("none", "n")];
        let measured = |value| ToolResults { samples: BTreeMap::from([(TIME, vec![value])]), failure: None };
        let failed = ToolResults { failure: Some("not here".into()), ..Default::default() };
        let tools_results = vec![measured(4.0), measured(345.6), failed];
        let mut report = Report::new(&tools, 3, BTreeMap::from([("kernel", "6.1".into())]));
        report.add(Results { bench: "begin-exit".into(), metrics: vec![TIME], tools: tools_results });
        report
    }

    #[test]
    fn the_table_has_medians_ratios_and_reasons() {
        let expected = "\
kernel 6.1; medians of 3 runs by turns

| benchmark | figure | quadrant | other | to the best peer |
|---|---|---:|---:|---:|
| begin-exit | wall, ms | 4.00 | 346 (86.40) | 0.01 |

none has no result for begin-exit: not here
";
        assert_eq!(report().markdown(), expected);
    }

    #[test]
    fn json_has_every_sample() {
        let json = report().json();
        assert_eq!(json["benchmarks"][0]["metrics"][0]["samples"], json!({"quadrant": [4.0], "other": [345.6]}));
        assert_eq!(json["benchmarks"][0]["failures"], json!({"none": "not here"}));
    }

    #[test]
    fn an_earlier_file_stays_until_there_is_a_whole_one() {
        let file = std::env::temp_dir().join(format!("quadrant-report-{}.json", std::process::id()));
        std::fs::write(&file, "earlier").expect("files can be written");
        // Nothing can be written there, so no part of the new one takes the earlier one's place.
        std::fs::create_dir(beside(&file)).expect("folders can be made");
        assert!(report().write(&file).is_err());
        assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "earlier");
        std::fs::remove_dir(beside(&file)).expect("it is there");
        report().write(&file).expect("it can be written now");
        assert!(std::fs::read_to_string(&file).expect("it is there").contains("begin-exit"));
        assert!(!beside(&file).exists());
        std::fs::remove_file(&file).expect("it is there");
    }
}
