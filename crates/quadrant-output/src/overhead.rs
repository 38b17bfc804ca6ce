//! What a trace has cost, and what was done about it, as text.

use crate::escape;

/// What a trace has cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost<'a> {
    /// How long it took, in nanoseconds.
    pub elapsed_ns: u64,
    /// CPUs in use.
    pub cpus: u64,
    /// What each program cost; or why the kernel does not count that.
    pub probes: Result<Vec<Probe<'a>>, &'a str>,
    /// CPU time of the tracer in nanoseconds.
    pub tracer_cpu_ns: u64,
    /// The most memory that it had, in bytes.
    pub tracer_peak: Option<u64>,
    /// What was done to spare the machine.
    pub steps: Vec<Step<'a>>,
}

/// What a program has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe<'a> {
    /// Its probe, or the first of them.
    pub name: &'a str,
    /// Points that it serves.
    pub points: u64,
    /// How often it ran.
    pub runs: u64,
    /// Nanoseconds that this took.
    pub run_time_ns: u64,
    /// How often the kernel did not run it.
    pub misses: u64,
    /// Each run begins with a trap of the process, whose time is not in it.
    pub traps: bool,
}

/// Something that was done to spare the machine, or said of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// What.
    pub action: Action,
    /// When, in nanoseconds from the start.
    pub after_ns: u64,
    /// The part of one CPU that programs took before.
    pub share: f64,
    /// What they may take.
    pub limit: f64,
    /// Why no less was enough.
    pub why: Option<&'a str>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is only said.
    Warned,
    /// One in so many firings counts from now on.
    Sampled(u32),
    /// The trace ends.
    Detached,
}

impl Action {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Action::Warned => "warned",
            Action::Sampled(_) => "sampled",
            Action::Detached => "detached",
        }
    }
}

impl Probe<'_> {
    /// Nanoseconds of a run, if there was one.
    pub fn mean_ns(&self) -> Option<u64> {
        self.run_time_ns.checked_div(self.runs)
    }
}

/// Append what a trace has cost; it belongs on standard error.
pub fn cost(out: &mut Vec<u8>, cost: &Cost<'_>) {
    let text = match &cost.probes {
        Ok(probes) => table(cost, probes),
        Err(why) => format!("Overhead: not known: {}\n", shown(why)),
    };
    let memory =
        cost.tracer_peak.map_or(String::new(), |bytes| format!(", {:.1} MB of memory at most", bytes as f64 / 1e6));
    let tracer =
        format!("The tracer itself: {:.3} s of CPU time since its start{memory}\n", cost.tracer_cpu_ns as f64 / 1e9);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(tracer.as_bytes());
}

fn table(cost: &Cost<'_>, probes: &[Probe<'_>]) -> String {
    let (runs, ns) = probes.iter().fold((0, 0), |(runs, ns), probe| (runs + probe.runs, ns + probe.run_time_ns));
    let share = part(ns, cost.elapsed_ns);
    let mut text = format!(
        "Overhead: {} of one CPU ({} of all {}) in {:.3} s, {runs} runs\n{:>14} {:>10} {:>9}  PROBE\n",
        percent(share),
        percent(share / cost.cpus.max(1) as f64),
        cost.cpus,
        cost.elapsed_ns as f64 / 1e9,
        "RUNS",
        "MEAN NS",
        "ONE CPU",
    );
    let mut sorted: Vec<&Probe> = probes.iter().collect();
    sorted.sort_by_key(|probe| std::cmp::Reverse(probe.run_time_ns));
    sorted.iter().for_each(|probe| text.push_str(&row(probe, cost.elapsed_ns)));
    let trapped: u64 = probes.iter().filter(|probe| probe.traps).map(|probe| probe.runs).sum();
    if trapped > 0 {
        text.push_str(&format!(
            "Not in it: the way of the process into the kernel and back for {trapped} runs of user probes, which costs more \
             than most programs (docs/overhead.md)\n"
        ));
    }
    text
}

fn row(probe: &Probe<'_>, elapsed_ns: u64) -> String {
    let mean = probe.mean_ns().map_or("-".to_owned(), |mean| mean.to_string());
    let share = percent(part(probe.run_time_ns, elapsed_ns));
    let missed = if probe.misses > 0 { format!(" ({} missed)", probe.misses) } else { String::new() };
    format!("{:>14} {mean:>10} {share:>9}  {}{missed}\n", probe.runs, shown(probe.name))
}

/// What is to be said of a step, in one line without its end.
pub fn step(step: &Step<'_>) -> String {
    let share = format!("the probes take {} of one CPU", percent(step.share));
    let allowed = format!("more than the {} that --max-overhead allows", percent(step.limit));
    let after = step.after_ns as f64 / 1e9;
    let why = step.why.map_or(String::new(), |why| format!("; {}", shown(why)));
    let above = step.share > step.limit;
    match step.action {
        Action::Warned => format!("{share}, {allowed}"),
        Action::Sampled(1) => format!("{share}: from {after:.1} s on all firings count again"),
        Action::Sampled(every) if above => {
            format!("{share}, {allowed}: from {after:.1} s on 1 in {every} firings counts{why}")
        }
        Action::Sampled(every) => format!("{share}: from {after:.1} s on 1 in {every} firings counts"),
        Action::Detached => format!("{share}, {allowed}: the trace ends, after {after:.1} s{why}"),
    }
}

/// What is to be said beside answers of a trace of which firings were left out: since when, and how many counted.
pub fn sampled(steps: &[Step<'_>]) -> Option<String> {
    let rate = |step: &Step<'_>| match step.action {
        Action::Sampled(every) => Some(format!("1 in {every} from {:.1} s on", step.after_ns as f64 / 1e9)),
        _ => None,
    };
    let rates: Vec<String> = steps.iter().filter_map(rate).collect();
    (!rates.is_empty())
        .then(|| format!("sampled to spare the machine ({}): counts and sums are too low", rates.join(", ")))
}

/// A part of a time.
pub(crate) fn part(ns: u64, of: u64) -> f64 {
    ns as f64 / of.max(1) as f64
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.01 { format!("{percent:.4}%") } else { format!("{percent:.2}%") }
}

fn shown(text: &str) -> String {
    let mut out = Vec::new();
    escape::text(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(name: &str, runs: u64, run_time_ns: u64) -> Probe<'_> {
        Probe { name, points: 1, runs, run_time_ns, misses: 0, traps: name.starts_with('u') }
    }

    #[test]
    fn a_table_with_the_dearest_first() {
        let probes =
            vec![probe("interval:s:1", 0, 0), Probe { misses: 2, ..probe("uprobe:\u{1b}a:b", 1000, 20_000_000) }];
        let tracer = (10_000_000, Some(9_000_000));
        let all = Cost {
            elapsed_ns: 2_000_000_000,
            cpus: 2,
            probes: Ok(probes),
            tracer_cpu_ns: tracer.0,
            tracer_peak: tracer.1,
            steps: vec![],
        };
        let mut out = Vec::new();
        cost(&mut out, &all);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Overhead: 1.00% of one CPU (0.50% of all 2) in 2.000 s, 1000 runs");
        assert_eq!(lines[2], "          1000      20000     1.00%  uprobe:\\x1ba:b (2 missed)");
        assert_eq!(lines[3], "             0          -     0.00%  interval:s:1");
        assert!(lines[4].starts_with("Not in it: ") && lines[4].contains("for 1000 runs"), "{text}");
        assert_eq!(lines[5], "The tracer itself: 0.010 s of CPU time since its start, 9.0 MB of memory at most");
    }

    #[test]
    fn what_cannot_be_known_is_said() {
        let all =
            Cost { elapsed_ns: 1, cpus: 1, probes: Err("EPERM"), tracer_cpu_ns: 0, tracer_peak: None, steps: vec![] };
        let mut out = Vec::new();
        cost(&mut out, &all);
        assert!(out.starts_with(b"Overhead: not known: EPERM\nThe tracer itself: 0.000 s"));
    }

    #[test]
    fn steps_say_what_is_done_and_why() {
        let say = |action, share, why| step(&Step { action, after_ns: 1_500_000_000, share, limit: 0.02, why });
        assert_eq!(
            say(Action::Warned, 0.05, None),
            "the probes take 5.00% of one CPU, more than the 2.00% that --max-overhead allows"
        );
        assert!(say(Action::Sampled(16), 0.05, None).ends_with("allows: from 1.5 s on 1 in 16 firings counts"));
        assert!(say(Action::Sampled(8), 0.001, None).ends_with("CPU: from 1.5 s on 1 in 8 firings counts"));
        assert!(say(Action::Sampled(1), 0.001, None).ends_with("from 1.5 s on all firings count again"));
        assert!(say(Action::Detached, 0.05, Some("so")).ends_with("the trace ends, after 1.5 s; so"));
    }
}
