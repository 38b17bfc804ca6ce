//! Messages around a trace: probes attached, errors and warnings of the script.

use crate::escape;
use crate::json;
use crate::number;
use crate::render::Mode;

/// Where in the script a message comes from. Lines and columns start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Name of the script's file; `stdin` for `-e`.
    pub file: &'a str,
    /// Line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last column.
    pub end_column: u32,
}

/// Which of the script's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `errorf`
    Error,
    /// `warnf`
    Warning,
}

/// Append the note that probes are attached. As text it belongs on standard error, as JSON it is part of the output.
pub fn attached(out: &mut Vec<u8>, probes: u64, mode: Mode) {
    match mode {
        Mode::Text => {
            out.extend_from_slice(b"Attached ");
            number::unsigned(out, probes);
            out.extend_from_slice(if probes == 1 { b" probe\n" } else { b" probes\n" });
        }
        Mode::Json => json::counted(out, "attached_probes", "probes", probes),
    }
}

/// Append the note that an iterator stays as a file. As text it belongs on standard error, as JSON it is part of the output.
pub fn pinned(out: &mut Vec<u8>, path: &[u8], mode: Mode) {
    match mode {
        Mode::Text => {
            out.extend_from_slice(b"Program pinned to ");
            escape::text(out, path);
            out.push(b'\n');
        }
        Mode::Json => json::object_with(out, "pinned", |out| {
            out.extend_from_slice(b"\"data\": {\"path\": ");
            escape::json(out, path);
            out.push(b'}');
        }),
    }
}

/// Append a message of `errorf` or `warnf`; `message` as [`crate::Renderer::formatted`] gives it.
///
/// As text it belongs on standard error, as JSON it is part of the output.
pub fn message(out: &mut Vec<u8>, severity: Severity, place: &Place<'_>, message: &[u8], mode: Mode) {
    match mode {
        Mode::Text => {
            location(out, place);
            out.extend_from_slice(if severity == Severity::Error { b"ERROR: " } else { b"WARNING: " });
            out.extend_from_slice(message.strip_suffix(b"\n").unwrap_or(message));
            out.push(b'\n');
        }
        Mode::Json => {
            let kind = if severity == Severity::Error { "errorf" } else { "warnf" };
            json::object_with(out, kind, |out| json_message(out, place, message));
        }
    }
}

/// Append the output of a command (`syscall`, as bpftrace calls it) or of `cat` as JSON. As text it is printed as it is.
pub fn output_of(out: &mut Vec<u8>, kind: Output, bytes: &[u8]) {
    let kind = match kind {
        Output::Cat => "cat",
        Output::System => "syscall",
    };
    json::text_object(out, kind, bytes);
}

/// Where output that is passed on comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A file shown by `cat`.
    Cat,
    /// A command run by `system`.
    System,
}

fn location(out: &mut Vec<u8>, place: &Place<'_>) {
    escape::text(out, place.file.as_bytes());
    for (before, number) in [(b':', place.line), (b':', place.column), (b'-', place.end_column)] {
        out.push(before);
        number::unsigned(out, number.into());
    }
    out.extend_from_slice(b": ");
}

fn json_message(out: &mut Vec<u8>, place: &Place<'_>, message: &[u8]) {
    json::name(out, b"msg");
    escape::json(out, message);
    out.extend_from_slice(b", ");
    json::name(out, b"filename");
    escape::json(out, place.file.as_bytes());
    for (name, number) in [(&b", \"line\": "[..], place.line), (b", \"col\": ", place.column)] {
        out.extend_from_slice(name);
        number::unsigned(out, number.into());
    }
}
