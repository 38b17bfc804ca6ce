//! What a running trace says, brought to the user.

use quadrant_program::sources::Sources;
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;

use quadrant_bpf::errno::Errno;
use quadrant_bpf::interrupt::Interruptible;
use quadrant_bpf::sideband::Event;
use quadrant_output::Mode;
use quadrant_output::Renderer;
use quadrant_output::Resolver;
use quadrant_output::document;
use quadrant_output::message;
use quadrant_program::Program;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_session::Ledger;
use quadrant_session::MapPrint;
use quadrant_session::Sink;
use quadrant_session::View;
use quadrant_session::overhead::Cost;
use quadrant_session::overhead::Step;

use crate::bpftrace::Losses;
use crate::failure;
use crate::host;
use crate::losses;
use crate::notify;
use crate::output_file;
use crate::overhead;
use crate::overhead::Told;
use crate::packets::Complaint;
use crate::packets::Packets;
use crate::progress::Progress;
use crate::resolver::Names;
use crate::script;

/// Bytes that are gathered before they are written.
const CHUNK: usize = 64 << 10;

/// The sink of a trace: renders into a buffer, and writes that out.
pub struct Answers<'p> {
    renderer: Renderer<'p>,
    names: Names,
    script: &'p Sources,
    buffer: Vec<u8>,
    output: Box<dyn Write>,
    quiet: bool,
    verbose: bool,
    progress: Progress,
    /// As bpftrace says it, instead of in our own way.
    bpftrace: Option<Losses>,
    /// Losses in bpftrace's words, whatever the rest.
    losses: Option<Losses>,
    /// The user knows that probes are attached.
    announced: bool,
    /// Notes are part of the output in text, too.
    all_in_one: bool,
    /// What is said on standard error behind the header.
    notes: Vec<u8>,
    /// Written when there is much of it, and at the end.
    gathering: bool,
    overhead: Told,
    /// What the trace has cost is told.
    tells_cost: bool,
    /// Nothing is said of the script's own warnings.
    no_warnings: bool,
    packets: Packets,
}

impl<'p> Answers<'p> {
    /// Answers of a program.
    pub fn new(
        program: &'p Program,
        script: &'p Sources,
        mode: Mode,
        names: Names,
        output: Box<dyn Write>,
    ) -> Answers<'p> {
        let renderer = Renderer::new(program, mode);
        Answers {
            renderer,
            names,
            script,
            buffer: Vec::with_capacity(2 * CHUNK),
            output,
            quiet: false,
            verbose: false,
            progress: Progress::default(),
            bpftrace: None,
            losses: None,
            announced: false,
            all_in_one: false,
            notes: Vec::new(),
            gathering: false,
            overhead: Told::default(),
            tells_cost: false,
            no_warnings: false,
            packets: Packets::default(),
        }
    }

    /// Only answers, nothing about the trace itself.
    pub fn quiet(self, quiet: bool) -> Answers<'p> {
        Answers { quiet, ..self }
    }

    /// Maps by stacks are lines for flame graphs.
    pub fn folding_stacks(self, folds_stacks: bool) -> Answers<'p> {
        Answers { renderer: self.renderer.folding_stacks(folds_stacks), ..self }
    }

    /// Errors and what was lost go to the output, too.
    pub fn all_in_one(self) -> Answers<'p> {
        Answers { all_in_one: true, ..self }
    }

    /// Also say what is missing of symbols.
    pub fn verbose(self, verbose: bool) -> Answers<'p> {
        Answers { verbose, ..self }
    }

    /// Also tell what the trace has cost.
    pub fn telling_cost(self, tells_cost: bool) -> Answers<'p> {
        Answers { tells_cost, ..self }
    }

    /// Say nothing of the script's own warnings.
    pub fn without_warnings(self, no_warnings: bool) -> Answers<'p> {
        Answers { no_warnings, ..self }
    }

    /// Write only when there is much to write, and at the end.
    pub fn gathering(self, gathering: bool) -> Answers<'p> {
        Answers { gathering, ..self }
    }

    /// As bpftrace does it: the number of probes before all else, losses in its form.
    pub fn in_bpftraces_way(self, losses: Losses) -> Answers<'p> {
        Answers { bpftrace: Some(losses), ..self }.telling_losses(losses)
    }

    /// Losses in bpftrace's form.
    pub fn telling_losses(self, losses: Losses) -> Answers<'p> {
        Answers { losses: Some(losses), ..self }
    }

    /// In bpftrace's way, the number of probes comes before what BEGIN prints, which is held back until all is attached: whoever waits
    /// for either may count on the probes. It counts each use of a place.
    fn announce(&mut self, view: View) -> io::Result<()> {
        if self.announced || self.bpftrace.is_none() {
            return Ok(());
        }
        let probes = view.program().clauses.iter().map(|clause| clause.points.len()).sum();
        self.say_attached(probes)
    }

    fn say_attached(&mut self, probes: usize) -> io::Result<()> {
        let held = std::mem::take(&mut self.buffer);
        self.announced = true;
        let silent = self.quiet && (self.bpftrace.is_some() || !self.is_json());
        if !silent {
            self.note(|out, mode| message::attached(out, probes as u64, mode))?;
        }
        if self.bpftrace.is_some() {
            self.write_out()?;
            notify::attached()?;
        }
        self.buffer.extend(held);
        io::stderr().write_all(&std::mem::take(&mut self.notes))
    }

    /// Who speaks in messages.
    fn who(&self, severity: &str) -> String {
        match self.bpftrace {
            Some(_) => severity.to_uppercase(),
            None => format!("quadrant: {severity}"),
        }
    }

    fn is_json(&self) -> bool {
        self.renderer.mode() == Mode::Json
    }

    /// In JSON everything is part of the output; in text, notes go to standard error.
    fn note(&mut self, render: impl FnOnce(&mut Vec<u8>, Mode)) -> io::Result<()> {
        if self.is_json() {
            render(&mut self.buffer, Mode::Json);
            return Ok(());
        }
        if self.all_in_one {
            render(&mut self.buffer, Mode::Text);
            return Ok(());
        }
        self.write_out()?;
        if self.is_holding() {
            render(&mut self.notes, Mode::Text);
            return Ok(());
        }
        let mut text = Vec::new();
        render(&mut text, Mode::Text);
        io::stderr().write_all(&text)
    }

    /// In bpftrace's way, nothing is said before the header.
    fn is_holding(&self) -> bool {
        self.bpftrace.is_some() && !self.announced
    }

    fn write_out(&mut self) -> io::Result<()> {
        if self.is_holding() {
            return Ok(());
        }
        if !self.buffer.is_empty() {
            self.output.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        self.output.flush()
    }

    fn formatted(&mut self, view: View, record: &Record, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        self.renderer.formatted(&mut text, record, bytes, &mut self.names.resolver(view));
        text
    }

    fn passed_on(&mut self, kind: message::Output, bytes: &[u8]) {
        match self.is_json() {
            true => message::output_of(&mut self.buffer, kind, bytes),
            false => self.buffer.extend_from_slice(bytes),
        }
    }

    fn cat(&mut self, view: View, record: &Record, bytes: &[u8]) {
        let name = self.formatted(view, record, bytes);
        let limit = view.program().config.max_cat_bytes;
        match host::read_file(&name, limit) {
            Ok(content) => self.passed_on(message::Output::Cat, &content),
            Err(error) if self.bpftrace.is_some() => {
                let why = Errno::of(&error).text().unwrap_or("it cannot be read");
                self.tell("error", &format!("failed to open file '{}' ({why})", name.escape_ascii()));
            }
            Err(error) => self.complain(&format!("cannot read {} for cat()", name.escape_ascii()), &error),
        }
    }

    fn system(&mut self, view: View, record: &Record, bytes: &[u8]) -> io::Result<()> {
        self.write_out()?;
        let command = self.formatted(view, record, bytes);
        match host::run(&command) {
            Ok(output) => {
                self.passed_on(message::Output::System, &output.stdout);
                self.failed(output.status);
            }
            Err(error) => self.complain("cannot run /bin/sh for system()", &error),
        }
        Ok(())
    }

    /// Tells of a command of system() that did not do its work.
    fn failed(&mut self, status: ExitStatus) {
        if !status.success() {
            self.tell("warning", &format!("a command of system() failed ({status})"));
        }
    }

    fn complain(&mut self, what: &str, error: &io::Error) {
        self.tell("error", &quadrant_bpf::Error::io(what, error).to_string());
    }

    /// On standard error, behind the header.
    fn tell(&mut self, severity: &str, what: &str) {
        let line = format!("{}: {what}\n", self.who(severity));
        match self.is_holding() {
            true => self.notes.extend_from_slice(line.as_bytes()),
            false => eprint!("{line}"),
        }
    }

    fn packet(&mut self, view: View, file: &Arc<str>, bytes: &[u8]) {
        let wall_clock = |boot_ns| self.names.resolver(view).wall_clock(boot_ns);
        let complaint = self.packets.write(file, bytes, wall_clock);
        self.complain_of_packets(complaint);
    }

    fn complain_of_packets(&self, complaints: impl IntoIterator<Item = Complaint>) {
        complaints.into_iter().for_each(|complaint| eprintln!("{}: {complaint}", self.who("error")));
    }

    fn message(&mut self, view: View, severity: message::Severity, record: &Record, bytes: &[u8]) -> io::Result<()> {
        let text = self.formatted(view, record, bytes);
        let place = script::range(self.script, record.span.start, record.span.end);
        self.note(|out, mode| message::message(out, severity, &place, &text, mode))
    }
}

impl Sink for Answers<'_> {
    fn attaching(&mut self, done: usize, points: usize) {
        if !self.quiet && !self.is_json() {
            self.progress.show(&format!("Attaching: {done} of {points} probes"));
        }
    }

    fn interrupted(&mut self, done: usize, points: usize) {
        self.progress.end();
        if !self.quiet {
            eprintln!("quadrant: interrupted when {done} of {points} probes were attached; they are taken away now");
        }
    }

    fn warned(&mut self, of: &str) {
        eprintln!("{}: {}", self.who("warning"), failure::shown(of));
    }

    fn advised(&mut self, of: &str) {
        if !self.quiet {
            self.warned(of);
        }
    }

    fn attached(&mut self, view: View, points: usize) -> io::Result<()> {
        self.progress.end();
        let complaints = self.packets.start(view.program());
        self.complain_of_packets(complaints);
        notify::ready();
        if self.bpftrace.is_some() { self.announce(view) } else { self.say_attached(points) }
    }

    fn pinned(&mut self, path: &Path) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        self.note(|out, mode| message::pinned(out, path.as_os_str().as_bytes(), mode))
    }

    fn only_shows(&self) -> bool {
        true
    }

    fn record(&mut self, view: View, id: RecordId, bytes: &[u8]) -> io::Result<()> {
        let record = &view.program().records[id.0 as usize];
        match &record.kind {
            RecordKind::Cat(_) | RecordKind::System(_) if !view.allows() => {}
            RecordKind::Cat(_) => self.cat(view, record, bytes),
            RecordKind::Packet(file) => self.packet(view, file, bytes),
            RecordKind::System(_) => self.system(view, record, bytes)?,
            RecordKind::Errorf(_) => self.message(view, message::Severity::Error, record, bytes)?,
            RecordKind::Warnf(_) if self.no_warnings => {}
            RecordKind::Warnf(_) => self.message(view, message::Severity::Warning, record, bytes)?,
            _ => self.renderer.record(&mut self.buffer, record, bytes, &mut self.names.resolver(view)),
        }
        if self.buffer.len() >= CHUNK { self.write_out() } else { Ok(()) }
    }

    fn map(&mut self, view: View, print: &MapPrint<'_>) -> io::Result<()> {
        let map = &view.program().maps[print.map.0 as usize];
        {
            let resolver = &mut self.names.resolver(view);
            let MapPrint { snapshot, top, div, record, .. } = *print;
            match (snapshot.len, &map.key, record) {
                (0, None, Some(_)) => self.renderer.missing(&mut self.buffer, map, resolver),
                _ => self.renderer.map(&mut self.buffer, map, snapshot, top, div, resolver),
            }
        }
        if self.buffer.len() >= CHUNK { self.write_out() } else { Ok(()) }
    }

    fn ending(&mut self, view: View) -> io::Result<()> {
        self.announce(view)?;
        self.gathering = false;
        if !self.is_json() {
            self.buffer.extend_from_slice(b"\n\n");
            self.overhead
                .sampled()
                .iter()
                .for_each(|text| self.buffer.extend_from_slice(format!("({text})\n").as_bytes()));
        }
        Ok(())
    }

    fn idle(&mut self, view: View) -> io::Result<()> {
        self.names.keep_up(view);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let complaints = self.packets.flush();
        self.complain_of_packets(complaints);
        if self.gathering { Ok(()) } else { self.write_out() }
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
        let line = format!("{}: {}\n", self.who("warning"), self.overhead.step(step));
        self.note(|out, mode| match mode {
            Mode::Json => document::overhead::peer_limit(out, &overhead::step(step)),
            Mode::Text => out.extend_from_slice(line.as_bytes()),
        })
    }

    fn cost(&mut self, cost: &Cost) -> io::Result<()> {
        if !self.tells_cost {
            return Ok(());
        }
        self.note(|out, mode| match mode {
            Mode::Json => document::overhead::peer_cost(out, &overhead::cost(cost)),
            Mode::Text => quadrant_output::overhead::cost(out, &overhead::cost(cost)),
        })
    }

    fn ledger(&mut self, view: View, lost: &Ledger) -> io::Result<()> {
        self.complain_of_packets(self.packets.unwritten());
        if let Some(why) = self.names.nameless_kernel() {
            self.warned(&why);
        }
        if let Some(form) = self.losses {
            let script = self.script;
            return self.note(|out, mode| form.tell(out, view.program(), script, lost, mode));
        }
        let text = losses::text(view.program(), self.script, lost);
        self.note(|out, _| out.extend_from_slice(&text))?;
        if self.verbose {
            self.names.warnings().iter().for_each(|warning| eprintln!("quadrant: {}", warning.escape_debug()));
        }
        Ok(())
    }
}

/// Where answers go: a new private file, or standard output.
///
/// # Errors
/// The file cannot be created.
pub fn output(path: Option<&Path>) -> io::Result<Box<dyn Write>> {
    let Some(path) = path else {
        return Ok(Box::new(Interruptible(io::stdout())));
    };
    Ok(Box::new(Interruptible(output_file::create(path)?)))
}
