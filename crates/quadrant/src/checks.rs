//! `--test` and `--bench`: what is run, and how the results are shown.

use std::cell::RefCell;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use quadrant_bpf::sideband::Event;
use quadrant_bpftrace::Script;
use quadrant_bpftrace::ast::AttachPart;
use quadrant_bpftrace::ast::Item;
use quadrant_output::Mode;
use quadrant_output::checks;
use quadrant_output::checks::Label;
use quadrant_program::Program;
use quadrant_program::probe::Point;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::ProbeSpec;
use quadrant_program::probe::Site;
use quadrant_program::record::RecordId;
use quadrant_session::Check;
use quadrant_session::Checks;
use quadrant_session::Ledger;
use quadrant_session::MapPrint;
use quadrant_session::Sink;
use quadrant_session::View;

use crate::answers::Answers;
use crate::args::Args;
use crate::bpftrace::Losses;
use crate::resolver::Names;
use quadrant_program::sources::Sources;

/// What the command line asks for instead of a trace.
pub fn wanted(args: &Args) -> Option<Checks> {
    match (args.test, args.bench) {
        (true, _) => Some(Checks::Tests),
        (false, true) => Some(Checks::Benchmarks),
        (false, false) => None,
    }
}

/// Whether a probe belongs to the run that the command line asks for.
pub fn includes(args: &Args, spec: &ProbeSpec) -> bool {
    let checked = match wanted(args) {
        None => return !matches!(spec.kind, ProbeKind::Test | ProbeKind::Bench),
        Some(Checks::Tests) => ProbeKind::Test,
        Some(Checks::Benchmarks) => ProbeKind::Bench,
    };
    let is_chosen = |name: &String| args.probe_filter.as_ref().is_none_or(|filter| filter.is_match(name));
    match spec.kind {
        ProbeKind::Begin | ProbeKind::End => true,
        // One without a name has an error.
        kind => kind == checked && spec.parts.first().is_none_or(is_chosen),
    }
}

/// Whether a point is to be attached: `--probe-filter` chooses tests and benchmarks by their own names, others by their full ones.
pub fn attaches(args: &Args, point: &Point) -> bool {
    match (&args.probe_filter, &point.site) {
        (None, _) | (_, Site::Begin | Site::End | Site::Test | Site::Bench) => true,
        (Some(filter), _) => filter.is_match(&point.name),
    }
}

/// Why there is nothing to run.
pub struct Nothing {
    /// One line.
    pub why: &'static str,
    /// There are probes, which nobody asked for.
    pub has_others: bool,
}

/// Why there is nothing to run; `None` if there is something.
pub fn nothing_to_run(args: &Args, script: &Script, program: &Program) -> Option<Nothing> {
    if !program.points.is_empty() {
        return None;
    }
    let others = match (has(script, ProbeKind::Test), has(script, ProbeKind::Bench)) {
        _ if args.probe_filter.is_some() => None,
        (true, _) if !args.test => Some("No probes attached; use --test to run test probes."),
        (_, true) if !args.bench => Some("No probes attached; use --bench to run benchmark probes."),
        _ => None,
    };
    let none = match wanted(args) {
        Some(Checks::Tests) if args.probe_filter.is_none() => "the script has no test: probes",
        Some(Checks::Benchmarks) if args.probe_filter.is_none() => "the script has no bench: probes",
        _ => "No probes to attach",
    };
    Some(Nothing { why: others.unwrap_or(none), has_others: others.is_some() })
}

fn has(script: &Script, kind: ProbeKind) -> bool {
    let mut points = script.tree.items.iter().flat_map(|item| match item {
        Item::Probe(probe) => probe.attach.as_slice(),
        _ => &[],
    });
    let is_kind = |part: &AttachPart| quadrant_bpftrace::lower::probe_kind(&part.text) == Some(kind);
    points.any(|point| point.parts.first().is_some_and(is_kind))
}

/// What programs print while they are checked.
#[derive(Clone, Default)]
struct Captured(Rc<RefCell<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shows the results. What a test prints is shown when it fails, in JSON always.
pub struct Results<'p> {
    answers: Answers<'p>,
    captured: Captured,
    output: Box<dyn Write>,
    mode: Mode,
    color: bool,
    benchmarks: bool,
    passed: usize,
    failed: Vec<String>,
}

impl<'p> Results<'p> {
    /// No results yet.
    pub fn new(
        checks: Checks,
        program: &'p Program,
        script: &'p Sources,
        mode: Mode,
        names: Names,
        output: Box<dyn Write>,
    ) -> Results<'p> {
        let captured = Captured::default();
        let answers = Answers::new(program, script, Mode::Text, names, Box::new(captured.clone()));
        Results {
            answers: answers.quiet(true).all_in_one(),
            captured,
            output,
            mode,
            color: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            benchmarks: checks == Checks::Benchmarks,
            passed: 0,
            failed: Vec::new(),
        }
    }

    /// Without colors, if that is wanted: the output is no terminal.
    pub fn plain(self, plain: bool) -> Results<'p> {
        Results { color: self.color && !plain, ..self }
    }

    /// With what was lost in bpftrace's words: they tell what a division by zero gives there.
    pub fn telling_losses(self, losses: Losses) -> Results<'p> {
        Results { answers: self.answers.telling_losses(losses), ..self }
    }

    /// What was printed since the last time.
    fn printed(&mut self) -> io::Result<Vec<u8>> {
        self.answers.flush()?;
        Ok(std::mem::take(&mut *self.captured.0.borrow_mut()))
    }

    fn say(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut text = Vec::new();
        fill(&mut text);
        self.output.write_all(&text)
    }

    fn line(&mut self, label: Label, text: &str) -> io::Result<()> {
        let color = self.color;
        if self.mode == Mode::Json { Ok(()) } else { self.say(|out| checks::line(out, label, text, color)) }
    }

    fn begin(&mut self, count: usize) -> io::Result<()> {
        match (self.mode, self.benchmarks) {
            (Mode::Json, _) => Ok(()),
            (Mode::Text, true) => self.say(checks::table_head),
            (Mode::Text, false) => self.line(Label::All, &format!("Running {count} tests.")),
        }
    }

    fn tested(&mut self, name: &str, passed: bool, ns: u64) -> io::Result<()> {
        let printed = self.printed()?;
        match passed {
            true => self.passed += 1,
            false => self.failed.push(name.to_owned()),
        }
        if self.mode == Mode::Json {
            return self.say(|out| checks::test_result(out, name, ns, passed, &printed));
        }
        if !passed {
            self.output.write_all(&printed)?;
        }
        let label = if passed { Label::Ok } else { Label::Failed };
        self.line(label, &format!("{name} ({} μs)", ns.div_ceil(1_000)))
    }

    fn measured(&mut self, name: &str, average_ns: Option<u64>, runs: u64) -> io::Result<()> {
        self.printed()?;
        match (average_ns, self.mode) {
            (None, _) => eprintln!("ERROR: Benchmark '{}' failed.", crate::failure::shown(name)),
            (Some(ns), Mode::Json) => self.say(|out| checks::benchmark_result(out, name, ns, runs))?,
            (Some(ns), Mode::Text) => self.say(|out| checks::table_row(out, name, ns, runs))?,
        }
        Ok(())
    }

    fn summary(&mut self) -> io::Result<()> {
        let failed = std::mem::take(&mut self.failed);
        if self.benchmarks {
            return Ok(());
        }
        self.line(Label::All, &format!("{} ran.", tests(self.passed + failed.len())))?;
        self.line(Label::Passed, &format!("{}.", tests(self.passed)))?;
        if !failed.is_empty() {
            self.line(Label::Failed, &format!("{}, listed below:", tests(failed.len())))?;
        }
        failed.iter().try_for_each(|name| self.line(Label::Failed, name))
    }
}

fn tests(count: usize) -> String {
    if count == 1 { "1 test".to_owned() } else { format!("{count} tests") }
}

impl Sink for Results<'_> {
    fn attached(&mut self, _view: View, _points: usize) -> io::Result<()> {
        Ok(())
    }

    fn pinned(&mut self, path: &Path) -> io::Result<()> {
        self.answers.pinned(path)
    }

    fn record(&mut self, view: View, record: RecordId, bytes: &[u8]) -> io::Result<()> {
        self.answers.record(view, record, bytes)
    }

    fn map(&mut self, view: View, print: &MapPrint<'_>) -> io::Result<()> {
        self.answers.map(view, print)
    }

    fn check(&mut self, step: Check<'_>) -> io::Result<()> {
        match step {
            Check::All(count) => {
                // BEGIN belongs to no test.
                let printed = self.printed()?;
                self.pass_on(&printed)?;
                self.begin(count)
            }
            Check::Start(name) if !self.benchmarks => self.line(Label::Run, name),
            Check::Start(_) => Ok(()),
            Check::Tested { name, passed, ns } => self.tested(name, passed, ns),
            Check::Measured { name, runs, average_ns } => self.measured(name, average_ns, runs),
            Check::Over => self.summary(),
        }
    }

    fn ending(&mut self, _view: View) -> io::Result<()> {
        let printed = self.printed()?;
        self.pass_on(&printed)?;
        self.output.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.answers.flush()?;
        self.output.flush()
    }

    fn happened(&mut self, event: &Event) {
        self.answers.happened(event);
    }

    fn probed(&mut self, file: &Path) {
        self.answers.probed(file);
    }

    fn seen(&mut self, pid: u32) {
        self.answers.seen(pid);
    }

    fn ledger(&mut self, view: View, ledger: &Ledger) -> io::Result<()> {
        self.answers.ledger(view, ledger)?;
        let printed = self.printed()?;
        io::stderr().write_all(&printed)
    }
}

impl Results<'_> {
    /// What BEGIN and END print. In JSON the output has results alone.
    fn pass_on(&mut self, printed: &[u8]) -> io::Result<()> {
        match self.mode {
            Mode::Text => self.output.write_all(printed),
            Mode::Json => io::stderr().write_all(printed),
        }
    }
}
