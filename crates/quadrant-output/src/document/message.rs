//! What is said around a trace: probes attached, errors and warnings, output that is passed on, losses, the end.

use super::Header;
use super::line;
use super::object::Object;
use crate::ledger::Entry;
use crate::message::Place;

/// Append the note that probes are attached.
pub fn attached(out: &mut Vec<u8>, header: &Header<'_>, probes: u64, tracer: &str) {
    line(out, "attached", header, |object| {
        object.number("probes", probes.into());
        object.text("quadrant", tracer.as_bytes());
    });
}

/// Append the note that an iterator stays as a file.
pub fn pinned(out: &mut Vec<u8>, header: &Header<'_>, path: &[u8]) {
    line(out, "pinned", header, |object| object.text("path", path));
}

/// How bad something is that the tracer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It could not be done.
    Error,
    /// It was done, and perhaps not as wanted.
    Warning,
}

/// A message of the tracer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// What failed and why, on one line.
    pub text: &'a str,
    /// What else is to be known of it.
    pub notes: &'a [String],
    /// What to do.
    pub help: &'a [String],
    /// Where in the script.
    pub place: Option<Place<'a>>,
}

/// Append a message of the tracer.
pub fn message(out: &mut Vec<u8>, header: &Header<'_>, message: &Message<'_>) {
    let kind = if message.severity == Severity::Error { "error" } else { "warning" };
    line(out, kind, header, |object| {
        object.text("message", message.text.as_bytes());
        for (name, texts) in [("notes", message.notes), ("help", message.help)] {
            object.list(name, texts, |out, text| crate::escape::json(out, text.as_bytes()));
        }
        place(object, message.place.as_ref());
    });
}

/// Append a file that `cat()` shows.
pub fn cat(out: &mut Vec<u8>, header: &Header<'_>, file: &[u8], text: &[u8]) {
    line(out, "cat", header, |object| {
        object.text("file", file);
        object.text("text", text);
    });
}

/// Append what a command of `system()` printed, and its exit status; `None` if a signal ended it.
pub fn system(out: &mut Vec<u8>, header: &Header<'_>, command: &[u8], text: &[u8], status: Option<i32>) {
    line(out, "system", header, |object| {
        object.text("command", command);
        object.text("text", text);
        object.maybe_number("status", status.map(i128::from));
    });
}

/// Append that the script called `exit()`.
pub fn exit(out: &mut Vec<u8>, header: &Header<'_>, status: i32) {
    line(out, "exit", header, |object| object.number("status", status.into()));
}

/// Append what was lost; also when nothing was. Entries with count 0 are left out.
pub fn losses(out: &mut Vec<u8>, header: &Header<'_>, entries: &[Entry<'_>]) {
    line(out, "losses", header, |object| {
        object.list("losses", entries.iter().filter(|entry| entry.count > 0), |out, entry| {
            Object::write(out, |object| {
                object.text("kind", entry.kind.name().as_bytes());
                object.number("count", entry.count.into());
                object.maybe_text("subject", entry.subject.map(str::as_bytes));
                object.maybe_text("place", entry.place.map(str::as_bytes));
            });
        });
    });
}

/// Append the end of the trace: why, and the tracer's exit status.
pub fn end(out: &mut Vec<u8>, header: &Header<'_>, reason: &str, status: i32) {
    line(out, "end", header, |object| {
        object.text("reason", reason.as_bytes());
        object.number("status", status.into());
    });
}

/// A place in the script, or null. Columns count bytes from 1, the last one included.
pub(super) fn place(object: &mut Object<'_>, place: Option<&Place<'_>>) {
    let out = object.member("place");
    let Some(place) = place else { return out.extend_from_slice(b"null") };
    Object::write(out, |object| {
        object.text("file", place.file.as_bytes());
        object.number("line", place.line.into());
        object.number("column", place.column.into());
        object.number("end_column", place.end_column.into());
    });
}
