//! A benchmark, and running it with several tools by turns.

use std::collections::BTreeMap;

use super::tool::Tool;
use crate::Failure;

/// What one number of a benchmark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// What is measured.
    pub name: &'static str,
    /// In which unit.
    pub unit: &'static str,
}

/// A metric and its value, of one run of one tool.
pub type Value = (Metric, f64);

/// One run of a benchmark with one tool.
pub type Measure = Box<dyn Fn(&Tool) -> Result<Vec<Value>, Failure>>;

/// Something to measure.
pub struct Bench {
    /// Its name, for `--only`.
    pub name: String,
    /// What it does.
    pub about: String,
    /// How often at most: some take minutes with some tools.
    pub at_most: usize,
    /// Whether tools that take half a minute to start do it, too.
    pub is_for_all: bool,
    /// Does it once.
    pub measure: Measure,
    /// What to take off one metric so that another results.
    pub net: Option<Net>,
}

/// The rule of a benchmark whose metrics contain what an empty program costs as well.
#[derive(Debug, Clone, Copy)]
pub struct Net {
    /// What the script costs.
    pub gross: Metric,
    /// What an empty one costs. The least of the medians is taken off, for all tools the same: it is the price of the
    /// kernel's mechanism and clock, and a tool whose own empty program is dearer must not gain by it.
    pub empty: Metric,
    /// What results.
    pub result: Metric,
}

/// The samples of one benchmark.
pub struct Results {
    /// The benchmark's name.
    pub bench: String,
    /// In the order of the benchmark.
    pub metrics: Vec<Metric>,
    /// By tool, in the order of the tools.
    pub tools: Vec<ToolResults>,
}

/// The samples of one tool in one benchmark.
#[derive(Default)]
pub struct ToolResults {
    /// One value a run, in the order of the runs.
    pub samples: BTreeMap<Metric, Vec<f64>>,
    /// Why there are none, or no more.
    pub failure: Option<String>,
}

impl ToolResults {
    /// The median of a metric's samples.
    pub fn median(&self, metric: Metric) -> Option<f64> {
        median(self.samples.get(&metric)?)
    }
}

impl Bench {
    /// A benchmark that all but the slowest tools do as often as is wanted.
    pub fn new(name: &str, about: &str, measure: impl Fn(&Tool) -> Result<Vec<Value>, Failure> + 'static) -> Self {
        let (name, about) = (name.to_owned(), about.to_owned());
        Self { name, about, at_most: usize::MAX, is_for_all: false, measure: Box::new(measure), net: None }
    }

    /// Runs it `repeat` times: first tool, second tool, ..., first tool, ... A tool that fails once is not asked again; a slow one is
    /// asked once.
    pub fn run(&self, tools: &[Tool], repeat: usize) -> Results {
        let mut results = Results { bench: self.name.clone(), metrics: Vec::new(), tools: Vec::new() };
        results.tools.resize_with(tools.len(), ToolResults::default);
        for turn in 0..repeat.min(self.at_most) {
            for (index, tool) in tools.iter().enumerate() {
                let is_wanted = !tool.is_slow || self.is_for_all && turn == 0;
                if is_wanted && results.tools[index].failure.is_none() {
                    results.take(index, (self.measure)(tool));
                }
            }
        }
        if let Some(net) = self.net {
            results.subtract(net);
        }
        results
    }
}

impl Results {
    fn take(&mut self, tool: usize, outcome: Result<Vec<Value>, Failure>) {
        match outcome {
            Ok(values) => values.into_iter().for_each(|(metric, value)| self.add(tool, metric, value)),
            Err(failure) => self.tools[tool].failure = Some(failure.to_string()),
        }
    }

    fn add(&mut self, tool: usize, metric: Metric, value: f64) {
        if !self.metrics.contains(&metric) {
            self.metrics.push(metric);
        }
        self.tools[tool].samples.entry(metric).or_default().push(value);
    }

    fn subtract(&mut self, net: Net) {
        let empties = self.tools.iter().filter_map(|tool| tool.median(net.empty));
        let Some(least) = empties.min_by(f64::total_cmp) else { return };
        for tool in 0..self.tools.len() {
            let gross = self.tools[tool].samples.get(&net.gross).cloned().unwrap_or_default();
            gross.into_iter().for_each(|value| self.add(tool, net.result, value - least));
        }
    }
}

/// The middle of the values, or the mean of the two in the middle.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[half]),
        _ => Some((sorted[half - 1] + sorted[half]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const GROSS: Metric = Metric { name: "gross", unit: "ns" };
    const EMPTY: Metric = Metric { name: "empty", unit: "ns" };
    const RESULT: Metric = Metric { name: "net", unit: "ns" };

    fn bench(measure: Measure) -> Bench {
        let net = Some(Net { gross: GROSS, empty: EMPTY, result: RESULT });
        Bench { at_most: 3, net, ..Bench::new("b", "", measure) }
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn the_least_empty_program_is_taken_off_for_all() {
        let tools = [Tool::bpftrace("a", "a"), Tool::bpftrace("b", "b")];
        let cost = |tool: &Tool| if tool.name == "a" { (90.0, 60.0) } else { (200.0, 50.0) };
        let results =
            bench(Box::new(move |tool| Ok(vec![(GROSS, cost(tool).0), (EMPTY, cost(tool).1)]))).run(&tools, 5);
        let net: Vec<_> = results.tools.iter().map(|tool| tool.median(RESULT)).collect();
        assert_eq!(net, [Some(40.0), Some(150.0)]);
        assert_eq!(results.tools[0].samples[&GROSS].len(), 3);
    }

    #[test]
    fn a_tool_that_fails_is_not_asked_again_and_keeps_its_reason() {
        let asked = std::rc::Rc::new(Cell::new(0));
        let count = asked.clone();
        let measure: Measure = Box::new(move |_| {
            count.set(count.get() + 1);
            Err("no".into())
        });
        let results = bench(measure).run(&[Tool::bpftrace("a", "a")], 5);
        assert_eq!((asked.get(), results.tools[0].failure.as_deref()), (1, Some("no")));
    }
}
