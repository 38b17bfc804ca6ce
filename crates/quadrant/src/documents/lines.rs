//! The output, and what is said before and after the trace.

use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;

use quadrant_bpf::interrupt::interruptibly;
use quadrant_output::document::Header;
use quadrant_output::document::message;
use quadrant_output::document::message::Message;
use quadrant_program::diag::Diagnostic;
use quadrant_session::End;
use quadrant_session::Outcome;

use crate::failure::Failure;
use crate::output_file;
use crate::script;
use quadrant_program::sources::Sources;

/// Where the lines go: a new private file, or standard output.
pub struct Lines(Option<File>);

impl Lines {
    /// Creates the file, if there is to be one.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn open(path: Option<&Path>) -> io::Result<Lines> {
        path.map(output_file::create).transpose().map(Lines)
    }

    /// Write whole lines, and bring them to the reader.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, lines: &[u8]) -> io::Result<()> {
        interruptibly(|| match &self.0 {
            Some(file) => (&mut &*file).write_all(lines),
            None => {
                let mut out = io::stdout().lock();
                out.write_all(lines).and_then(|()| out.flush())
            }
        })
    }

    /// Messages of the compiler.
    ///
    /// # Errors
    /// Those of writing.
    pub fn diagnostics(&self, script: &Sources, diagnostics: &[Diagnostic]) -> io::Result<()> {
        self.all(|out| diagnostics.iter().for_each(|one| diagnostic(out, script, one)))
    }

    /// Warnings without a place.
    ///
    /// # Errors
    /// Those of writing.
    pub fn warnings(&self, warnings: &[String]) -> io::Result<()> {
        self.all(|out| warnings.iter().for_each(|text| say(out, message::Severity::Warning, text, &[])))
    }

    /// Why the command fails, as the last but one line.
    ///
    /// # Errors
    /// Those of writing.
    pub fn failure(&self, failure: &Failure, status: i32) -> io::Result<()> {
        self.all(|out| {
            if let Some((script, diagnostics)) = failure.diagnostics() {
                diagnostics.iter().for_each(|one| diagnostic(out, script, one));
            }
            if let Some((text, help)) = failure.message() {
                say(out, message::Severity::Error, text, help);
            }
            message::end(out, &now(), "error", status);
        })
    }

    /// The end of a trace. A reader that has seen enough sees no more.
    ///
    /// # Errors
    /// Those of writing.
    pub fn end(&self, outcome: &Outcome, status: i32) -> io::Result<()> {
        let reason = match outcome.end {
            None => return Ok(()),
            Some(End::Exit(_)) => "exit",
            Some(End::Signal) => "signal",
            Some(End::Full) => "full",
            Some(End::Overhead) => "overhead",
            Some(End::Target(_)) => "process",
        };
        self.all(|out| message::end(out, &now(), reason, status))
    }

    fn all(&self, lines: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut out = Vec::new();
        lines(&mut out);
        self.write(&out)
    }
}

/// The header of what the tracer says by itself.
pub(super) fn now() -> Header<'static> {
    let boot_ns = quadrant_session::boot_ns();
    let wall_ns = (boot_ns as i64).wrapping_add(quadrant_session::wall_offset_ns());
    Header { wall_ns, boot_ns, firing: None }
}

fn say(out: &mut Vec<u8>, severity: message::Severity, text: &str, help: &[String]) {
    message::message(out, &now(), &Message { severity, text, notes: &[], help, place: None });
}

fn diagnostic(out: &mut Vec<u8>, script: &Sources, diagnostic: &Diagnostic) {
    let severity = match diagnostic.severity {
        quadrant_program::diag::Severity::Error => message::Severity::Error,
        quadrant_program::diag::Severity::Warning => message::Severity::Warning,
    };
    let label = Some(diagnostic.label.clone()).filter(|label| !label.is_empty());
    let notes: Vec<String> = label.into_iter().chain(diagnostic.notes.iter().cloned()).collect();
    let places = diagnostic.places.iter().map(|(span, text)| format!("{}: {text}", script.place(span.start)));
    let notes: Vec<String> = notes.into_iter().chain(places).collect();
    let place = Some(script::range(script, diagnostic.span.start, diagnostic.span.end));
    let said = Message { severity, text: &diagnostic.message, notes: &notes, help: &diagnostic.help, place };
    message::message(out, &now(), &said);
}
