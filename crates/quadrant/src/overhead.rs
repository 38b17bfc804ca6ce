//! `--overhead` and `--max-overhead`: the wish, and the answer as the output wants it.

use std::time::Duration;

use quadrant_output::overhead::Action;
use quadrant_output::overhead::Cost;
use quadrant_output::overhead::Probe;
use quadrant_output::overhead::Step;
use quadrant_session::overhead;
use quadrant_session::overhead::Change;
use quadrant_session::overhead::Overhead;

/// A part of one CPU's time, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

/// `2%`, `0.5%`, `150%`: percent of one CPU.
///
/// # Errors
/// What else it is.
pub fn share(text: &str) -> Result<Share, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    let percent: f64 = number.parse().map_err(|_| format!("`{}` is no number of percent", text.escape_debug()))?;
    let ppm = percent * 1e4;
    match (1.0..=f64::from(u32::MAX)).contains(&ppm) {
        true => Ok(Share(ppm.round() as u32)),
        false => Err("it is a part of one CPU's time, such as 2%; more than 100% is more than one CPU".to_owned()),
    }
}

/// What the session is asked for.
pub fn wanted(told: bool, limit: Option<Share>) -> Overhead {
    Overhead { told, limit: limit.map(|share| f64::from(share.0) / 1e6) }
}

/// As the output wants it.
pub fn step(step: &overhead::Step) -> Step<'_> {
    let action = match step.change {
        Change::Warned => Action::Warned,
        Change::Sampled(every) => Action::Sampled(every),
        Change::Detached => Action::Detached,
    };
    Step { action, after_ns: ns(step.after), share: step.share, limit: step.limit, why: step.why.as_deref() }
}

/// As the output wants it.
pub fn cost(cost: &overhead::Cost) -> Cost<'_> {
    Cost {
        elapsed_ns: ns(cost.elapsed),
        cpus: cost.cpus as u64,
        probes: cost.probes.as_ref().map(|probes| probes.iter().map(probe).collect()).map_err(String::as_str),
        tracer_cpu_ns: ns(cost.tracer_cpu),
        tracer_peak: cost.tracer_peak,
        steps: cost.steps.iter().map(step).collect(),
    }
}

fn probe(cost: &overhead::ProbeCost) -> Probe<'_> {
    Probe {
        name: &cost.name,
        points: cost.points as u64,
        runs: cost.runs,
        run_time_ns: cost.run_time_ns,
        misses: cost.misses,
        traps: cost.traps,
    }
}

fn ns(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// The steps of a trace so far; for sinks.
#[derive(Clone, Debug, Default)]
pub struct Told {
    steps: Vec<overhead::Step>,
}

impl Told {
    /// Takes note of a step; gives the line to say.
    pub fn step(&mut self, what: &overhead::Step) -> String {
        self.steps.push(what.clone());
        quadrant_output::overhead::step(&step(what))
    }

    /// What is to be said beside answers, if firings were left out.
    pub fn sampled(&self) -> Option<String> {
        let steps: Vec<Step> = self.steps.iter().map(step).collect();
        quadrant_output::overhead::sampled(&steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_of_one_cpu() {
        for (text, ppm) in [("2%", 20_000), ("0.5%", 5_000), ("150", 1_500_000), (" 1 % ", 10_000)] {
            assert_eq!(share(text), Ok(Share(ppm)), "{text}");
        }
        for wrong in ["", "x", "-1%", "0", "inf", "NaN", "1e9%", "2%%x"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
