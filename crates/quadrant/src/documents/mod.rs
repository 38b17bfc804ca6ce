//! Answers as JSON of our own: everything that is said goes to the output, one object a line.

mod lines;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use quadrant_bpf::sideband::Event;
use quadrant_output::Resolver;
use quadrant_output::document;
use quadrant_output::document::Header;
use quadrant_output::document::message;
use quadrant_output::document::message::Severity;
use quadrant_output::ledger::Entry;
use quadrant_output::message::Place;
use quadrant_program::Program;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_session::Ledger;
use quadrant_session::MapPrint;
use quadrant_session::Sink;
use quadrant_session::View;
use quadrant_session::overhead::Change;
use quadrant_session::overhead::Cost;
use quadrant_session::overhead::Step;

use crate::host;
use crate::losses;
use crate::notify;
use crate::overhead;
use crate::packets::Complaint;
use crate::packets::Packets;
use crate::resolver::Names;
use crate::script;
pub use lines::Lines;
use quadrant_program::sources::Sources;

/// Bytes that are gathered before they are written.
const CHUNK: usize = 64 << 10;

/// The sink of a trace whose answers are JSON.
pub struct Documents<'p> {
    renderer: document::Documents<'p>,
    names: Names,
    script: &'p Sources,
    buffer: Vec<u8>,
    lines: &'p Lines,
    verbose: bool,
    /// What the trace has cost is told.
    tells_cost: bool,
    packets: Packets,
}

impl<'p> Documents<'p> {
    /// Answers of a stamped program; with `verbose` also what is missing of symbols.
    pub fn new(
        program: &'p Program,
        script: &'p Sources,
        names: Names,
        lines: &'p Lines,
        verbose: bool,
    ) -> Documents<'p> {
        let renderer = document::Documents::new(program);
        Documents {
            renderer,
            names,
            script,
            buffer: Vec::with_capacity(2 * CHUNK),
            lines,
            verbose,
            tells_cost: false,
            packets: Packets::default(),
        }
    }

    /// Also tell what the trace has cost.
    pub fn telling_cost(self, tells_cost: bool) -> Documents<'p> {
        Documents { tells_cost, ..self }
    }

    fn write_out(&mut self) -> io::Result<()> {
        let written = self.lines.write(&self.buffer);
        self.buffer.clear();
        written
    }

    /// Write what has gathered, if it is much.
    fn spill(&mut self) -> io::Result<()> {
        if self.buffer.len() >= CHUNK { self.write_out() } else { Ok(()) }
    }

    fn say(&mut self, severity: Severity, text: &str) {
        let text = message::Message { severity, text, notes: &[], help: &[], place: None };
        message::message(&mut self.buffer, &lines::now(), &text);
    }

    /// Something that a record asked for could not be done.
    fn complain(&mut self, header: &Header<'_>, record: &Record, what: &str, error: &io::Error) {
        let text = quadrant_bpf::Error::io(what, error).to_string();
        let place = Some(place(self.script, record));
        let said = message::Message { severity: Severity::Error, text: &text, notes: &[], help: &[], place };
        message::message(&mut self.buffer, header, &said);
    }

    fn packet(&mut self, view: View, file: &Arc<str>, bytes: &[u8]) {
        let wall_clock = |boot_ns| self.names.resolver(view).wall_clock(boot_ns);
        let complaint = self.packets.write(file, bytes, wall_clock);
        self.complain_of_packets(complaint);
    }

    fn complain_of_packets(&mut self, complaints: impl IntoIterator<Item = Complaint>) {
        complaints.into_iter().for_each(|complaint| self.say(Severity::Error, &complaint.to_string()));
    }

    fn print(&mut self, view: View, print: &MapPrint<'_>) {
        let program = view.program();
        let resolver = &mut self.names.resolver(view);
        let header = match print.record {
            Some((id, bytes)) => self.renderer.header(&program.records[id.0 as usize], bytes, resolver),
            None => lines::now(),
        };
        let content = (&program.maps[print.map.0 as usize], print.snapshot);
        self.renderer.map(&mut self.buffer, &header, content, print.top, print.div, resolver);
    }

    fn cat(&mut self, view: View, header: &Header<'_>, record: &Record, bytes: &[u8]) {
        let name = self.renderer.formatted(record, bytes, &mut self.names.resolver(view));
        match host::read_file(&name, view.program().config.max_cat_bytes) {
            Ok(content) => message::cat(&mut self.buffer, header, &name, &content),
            Err(error) => {
                let what = format!("cannot read {} for cat()", name.escape_ascii());
                self.complain(header, record, &what, &error);
            }
        }
    }

    fn system(&mut self, view: View, header: &Header<'_>, record: &Record, bytes: &[u8]) {
        let command = self.renderer.formatted(record, bytes, &mut self.names.resolver(view));
        match host::run(&command) {
            Ok(output) => {
                message::system(&mut self.buffer, header, &command, &output.stdout, output.status.code());
            }
            Err(error) => self.complain(header, record, "cannot run /bin/sh for system()", &error),
        }
    }
}

/// Where a record stands in the script.
fn place<'a>(script: &'a Sources, record: &Record) -> Place<'a> {
    script::range(script, record.span.start, record.span.end)
}

impl Sink for Documents<'_> {
    fn interrupted(&mut self, done: usize, points: usize) {
        let text = format!("interrupted when {done} of {points} probes were attached; they are taken away now");
        self.say(Severity::Warning, &text);
    }

    fn warned(&mut self, of: &str) {
        self.say(Severity::Warning, of);
    }

    fn attached(&mut self, view: View, points: usize) -> io::Result<()> {
        let complaints = self.packets.start(view.program());
        self.complain_of_packets(complaints);
        notify::ready();
        message::attached(&mut self.buffer, &lines::now(), points as u64, env!("CARGO_PKG_VERSION"));
        Ok(())
    }

    fn pinned(&mut self, path: &Path) -> io::Result<()> {
        message::pinned(&mut self.buffer, &lines::now(), path.as_os_str().as_bytes());
        Ok(())
    }

    fn only_shows(&self) -> bool {
        true
    }

    fn record(&mut self, view: View, id: RecordId, bytes: &[u8]) -> io::Result<()> {
        let record = &view.program().records[id.0 as usize];
        if let RecordKind::Packet(file) = &record.kind {
            self.packet(view, file, bytes);
            return self.spill();
        }
        let header = self.renderer.header(record, bytes, &mut self.names.resolver(view));
        match &record.kind {
            RecordKind::Cat(_) | RecordKind::System(_) if !view.allows() => {}
            RecordKind::Cat(_) => self.cat(view, &header, record, bytes),
            RecordKind::System(_) => self.system(view, &header, record, bytes),
            _ => {
                let (script, resolver) = (self.script, &mut self.names.resolver(view));
                let place = || place(script, record);
                self.renderer.record(&mut self.buffer, &header, record, bytes, place, resolver);
            }
        }
        self.spill()
    }

    fn map(&mut self, view: View, print: &MapPrint<'_>) -> io::Result<()> {
        // At the end of the trace, what is empty has nothing to say.
        if print.snapshot.len == 0 && print.record.is_none() {
            return Ok(());
        }
        self.print(view, print);
        self.spill()
    }

    fn exits(&mut self, view: View, id: RecordId, bytes: &[u8], status: i32) -> io::Result<()> {
        let record = &view.program().records[id.0 as usize];
        let header = self.renderer.header(record, bytes, &mut self.names.resolver(view));
        message::exit(&mut self.buffer, &header, status);
        Ok(())
    }

    fn ending(&mut self, _view: View) -> io::Result<()> {
        Ok(())
    }

    fn idle(&mut self, view: View) -> io::Result<()> {
        self.names.keep_up(view);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let complaints = self.packets.flush();
        self.complain_of_packets(complaints);
        self.write_out()
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
        self.renderer.sampled |= matches!(step.change, Change::Sampled(_));
        document::overhead::limit(&mut self.buffer, &lines::now(), &overhead::step(step));
        Ok(())
    }

    fn cost(&mut self, cost: &Cost) -> io::Result<()> {
        if self.tells_cost {
            document::overhead::cost(&mut self.buffer, &lines::now(), &overhead::cost(cost));
        }
        Ok(())
    }

    fn ledger(&mut self, view: View, lost: &Ledger) -> io::Result<()> {
        let complaints = self.packets.unwritten();
        self.complain_of_packets(complaints);
        if let Some(why) = self.names.nameless_kernel() {
            self.warned(&why);
        }
        let lines = losses::lines(view.program(), self.script, lost);
        let entries: Vec<Entry> = lines.iter().map(losses::Line::entry).collect();
        if self.verbose {
            let warnings = self.names.warnings();
            warnings.iter().for_each(|warning| self.say(Severity::Warning, warning));
        }
        message::losses(&mut self.buffer, &lines::now(), &entries);
        Ok(())
    }
}
