//! What a running D program says, brought to the user.

pub mod drops;
mod held;
mod host;
mod out;

use std::io;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use quadrant_bpf::process::Status;
use quadrant_bpf::sideband::Event;
use quadrant_d::options::Options;
use quadrant_output::dtrace::Printer;
use quadrant_output::dtrace::message;
use quadrant_output::dtrace::message::Ended;
use quadrant_program::Program;
use quadrant_program::action::Action;
use quadrant_program::action::ActionKind;
use quadrant_program::layout;
use quadrant_program::probe::Site;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::value::extend;
use quadrant_session::Ledger;
use quadrant_session::MapPrint;
use quadrant_session::Sink;
use quadrant_session::View;
use quadrant_session::overhead::Cost;
use quadrant_session::overhead::Step;

use crate::failure;
use crate::overhead;
use crate::overhead::Told;
use crate::resolver::Names;
use drops::Drops;
use drops::OwnDrops;
use held::Buffers;
use held::Speculations;
use host::Bound;
use out::Out;

/// Bytes that are gathered before they are written.
const CHUNK: usize = 64 << 10;

/// How a program's answers are treated.
#[derive(Clone, Debug)]
pub struct Settings {
    /// D's options, which `setopt()` changes.
    pub options: Options,
    /// `$target`.
    pub target: Option<u32>,
    /// D's `bufsize`: what one CPU may have in a buffer whose records wait for the end.
    pub buffer_bytes: u64,
    /// D's `specsize`.
    pub speculation_bytes: u64,
}

/// The sink of a D program.
pub struct Answers<'p> {
    program: &'p Program,
    printer: Printer<'p>,
    names: Names,
    text: Vec<u8>,
    out: Out,
    speculations: Speculations,
    buffers: Buffers,
    drops: Drops,
    settings: Settings,
    next_status: Instant,
    next_switch: Instant,
    overhead: Told,
    /// What the trace has cost is told.
    pub tells_cost: bool,
}

impl<'p> Answers<'p> {
    /// Answers to standard output, or added to a file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(program: &'p Program, settings: Settings, path: Option<&Path>) -> io::Result<Answers<'p>> {
        let now = Instant::now();
        Ok(Answers {
            program,
            printer: Printer::new(program, super::settings::of_printer(&settings.options, settings.target)),
            names: Names::new(false).unresolved(settings.options.noresolve),
            text: Vec::with_capacity(2 * CHUNK),
            out: Out::open(path)?,
            speculations: Speculations::new(settings.speculation_bytes),
            buffers: Buffers::new(settings.options.bufpolicy, settings.buffer_bytes),
            drops: Drops::default(),
            next_status: now + Duration::from_nanos(settings.options.statusrate.0),
            next_switch: now + Duration::from_nanos(settings.options.switchrate.0),
            settings,
            overhead: Told::default(),
            tells_cost: false,
        })
    }

    /// With these names of addresses.
    pub fn with_names(self, names: Names) -> Answers<'p> {
        Answers { names: names.unresolved(self.settings.options.noresolve), ..self }
    }

    /// Carry out a record's actions.
    fn fire(&mut self, view: View, id: RecordId, bytes: &[u8]) -> io::Result<()> {
        self.with_host(view, |printer, text, host| printer.firing(text, id, bytes, host))?;
        if self.text.len() < CHUNK { Ok(()) } else { self.flush() }
    }

    /// Let the printer work, then do what it asked for that concerns itself.
    fn with_host(&mut self, view: View, work: impl FnOnce(&mut Printer, &mut Vec<u8>, &mut Bound)) -> io::Result<()> {
        let mut resolver = self.names.resolver(view);
        let mut host = Bound {
            view,
            resolver: &mut resolver,
            out: &mut self.out,
            speculations: &mut self.speculations,
            settings: &mut self.settings,
            failure: None,
        };
        work(&mut self.printer, &mut self.text, &mut host);
        host.failure.map_or(Ok(()), Err)
    }

    /// Keep a record for the end. Speculations end now: their buffers are wanted again.
    fn keep(&mut self, view: View, record: &Record, actions: &[Action], id: RecordId, bytes: &[u8]) -> io::Result<()> {
        self.buffers.keep(id, bytes, self.is_end(bytes));
        for action in actions {
            let Some(speculation) = ended_speculation(record, action, bytes) else { continue };
            let held = self.speculations.take(speculation);
            view.free_speculation(speculation)?;
            if action.kind == ActionKind::Commit {
                held.iter().for_each(|(id, bytes)| self.buffers.keep(*id, bytes, false));
            }
        }
        Ok(())
    }

    /// Whether a record comes from END.
    fn is_end(&self, bytes: &[u8]) -> bool {
        let point = bytes.get(8..16).map_or(u64::MAX, |word| extend(word, false));
        self.program.points.get(point as usize).is_some_and(|point| point.site == Site::End)
    }

    /// Say what is new of what was lost.
    fn tell_drops(&mut self, ledger: &Ledger) -> io::Result<()> {
        let own = OwnDrops { records: self.buffers.dropped.clone(), speculation: self.speculations.dropped };
        let news = self.drops.news(self.program, ledger, own, self.printer.options.droptags);
        self.complain(&news)
    }

    /// On standard error, after what was printed before.
    fn complain(&mut self, text: &[u8]) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.flush()?;
        io::stderr().write_all(text)
    }
}

impl Sink for Answers<'_> {
    fn warned(&mut self, of: &str) {
        eprintln!("dtrace: {}", failure::shown(of));
    }

    fn advised(&mut self, of: &str) {
        if !self.printer.options.quiet {
            self.warned(of);
        }
    }

    fn attached(&mut self, _view: View, _points: usize) -> io::Result<()> {
        crate::notify::ready();
        Ok(())
    }

    fn pinned(&mut self, _path: &Path) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "D has no iterators"))
    }

    fn record(&mut self, view: View, id: RecordId, bytes: &[u8]) -> io::Result<()> {
        let program = view.program();
        let record = &program.records[id.0 as usize];
        match &record.kind {
            RecordKind::Firing(actions) => match self.printer.speculation(bytes) {
                0 if self.buffers.are_kept() => self.keep(view, record, actions, id, bytes)?,
                0 => self.fire(view, id, bytes)?,
                speculation => self.speculations.hold(speculation, id, bytes),
            },
            RecordKind::Fault => {
                let mut text = Vec::new();
                self.printer.fault(&mut text, bytes);
                self.complain(&text)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn map(&mut self, _view: View, _print: &MapPrint<'_>) -> io::Result<()> {
        Ok(())
    }

    fn idle(&mut self, view: View) -> io::Result<()> {
        let now = Instant::now();
        if now >= self.next_switch {
            self.next_switch = now + Duration::from_nanos(self.settings.options.switchrate.0);
            self.with_host(view, |printer, text, host| printer.flush(text, host))?;
        }
        if now >= self.next_status {
            self.next_status = now + Duration::from_nanos(self.settings.options.statusrate.0);
            self.tell_drops(&view.losses())?;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.buffers.are_full()
    }

    fn ended(&mut self, pid: u32, status: Option<Status>) {
        if !self.printer.options.quiet {
            let mut text = Vec::new();
            message::exited(&mut text, pid, how(status));
            // Nobody can be told that standard error does not take it.
            let _ = io::stderr().write_all(&text);
        }
    }

    fn ending(&mut self, view: View) -> io::Result<()> {
        for (id, bytes) in self.buffers.take() {
            self.fire(view, id, &bytes)?;
        }
        let sampled = self.overhead.sampled();
        sampled.iter().for_each(|text| self.text.extend_from_slice(format!("dtrace: {text}\n").as_bytes()));
        self.with_host(view, |printer, text, host| printer.finish(text, host))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write(&mut self.text)
    }

    fn happened(&mut self, event: &Event) {
        self.names.happened(event);
    }

    fn probed(&mut self, file: &Path) {
        self.names.keep(file);
    }

    fn seen(&mut self, pid: u32) {
        self.names.remember(pid);
    }

    fn limited(&mut self, step: &Step) -> io::Result<()> {
        let line = format!("dtrace: {}\n", self.overhead.step(step));
        self.complain(line.as_bytes())
    }

    fn cost(&mut self, cost: &Cost) -> io::Result<()> {
        let mut text = Vec::new();
        if self.tells_cost {
            quadrant_output::overhead::cost(&mut text, &overhead::cost(cost));
        }
        self.complain(&text)
    }

    fn ledger(&mut self, _view: View, lost: &Ledger) -> io::Result<()> {
        self.tell_drops(lost)?;
        let mut text = drops::last(lost);
        let nameless = self.names.nameless_kernel().map(|why| format!("dtrace: {}\n", failure::shown(&why)));
        text.extend(nameless);
        if self.settings.options.verbose {
            let warnings = self.names.warnings();
            warnings.iter().for_each(|warning| text.push_str(&format!("dtrace: {}\n", failure::shown(warning))));
        }
        self.complain(text.as_bytes())
    }
}

/// How a process ended, as far as that is known: of processes that are not ours it is not.
fn how(status: Option<Status>) -> Ended {
    match status {
        None | Some(Status::Exited(0)) => Ended::Exited,
        Some(Status::Exited(status)) => Ended::Status(status),
        Some(Status::Killed(signal)) => Ended::Signal(signal),
    }
}

/// The speculation that an action ends.
fn ended_speculation(record: &Record, action: &Action, bytes: &[u8]) -> Option<u64> {
    if !matches!(action.kind, ActionKind::Commit | ActionKind::Discard) {
        return None;
    }
    let (offsets, _) = layout::record_offsets(&record.args);
    let offset = *offsets.get(action.args.start as usize)? as usize;
    Some(extend(bytes.get(offset..offset + 8)?, false))
}
