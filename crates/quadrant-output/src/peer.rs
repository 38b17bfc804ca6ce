//! Losses in the form of bpftrace, for its command line. Our own form, which names every loss, is [`crate::ledger`].

use crate::escape;
use crate::json;
use crate::ledger::Entry;
use crate::ledger::ledger;
use crate::message::Place;
use crate::number;
use crate::render::Mode;

/// Append how many records were lost in all. As text it belongs on standard error, as JSON it is part of the output.
pub fn lost_events(out: &mut Vec<u8>, count: u64, mode: Mode) {
    match mode {
        Mode::Text => {
            out.extend_from_slice(b"Lost ");
            number::unsigned(out, count);
            out.extend_from_slice(b" events\nWARNING: Total lost event count: ");
            number::unsigned(out, count);
            out.push(b'\n');
        }
        Mode::Json => json::counted(out, "lost_events", "events", count),
    }
}

/// Append the losses that bpftrace has no words for, in ours: as text for standard error, as JSON one object, if there are any.
pub fn losses(out: &mut Vec<u8>, entries: &[Entry<'_>], mode: Mode) {
    let lost = entries.iter().filter(|entry| entry.count > 0);
    match mode {
        Mode::Text => ledger(out, entries),
        Mode::Json if lost.clone().next().is_none() => {}
        Mode::Json => json::object(out, "losses", |out| {
            out.push(b'[');
            json::separated(out, lost, b", ", loss);
            out.push(b']');
        }),
    }
}

fn loss(out: &mut Vec<u8>, entry: &Entry<'_>) {
    out.extend_from_slice(b"{\"kind\": ");
    escape::json(out, entry.kind.name().as_bytes());
    out.extend_from_slice(b", \"count\": ");
    json::value::number(out, entry.count.into());
    for (name, text) in [(&b"subject"[..], entry.subject), (b"place", entry.place)] {
        if let Some(text) = text {
            out.extend_from_slice(b", ");
            json::name(out, name);
            escape::json(out, text.as_bytes());
        }
    }
    out.push(b'}');
}

/// Append the JSON object for a call into the kernel that failed: what the kernel said, the call, and its result.
pub fn helper_error(out: &mut Vec<u8>, place: &Place<'_>, what: &str, (helper, result): (&str, i32), count: u64) {
    json::object_with(out, "helper_error", |out| {
        for (name, text) in [(&b"msg"[..], what), (b"helper", helper)] {
            json::name(out, name);
            escape::json(out, text.as_bytes());
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(format!("\"retcode\": {result}, ").as_bytes());
        counted(out, place, count);
    });
}

/// Append the JSON object for a mistake that shows while the script runs.
pub fn runtime_error(out: &mut Vec<u8>, place: &Place<'_>, what: &str, count: u64) {
    json::object_with(out, "runtime_error", |out| {
        json::name(out, b"msg");
        escape::json(out, what.as_bytes());
        out.extend_from_slice(b", ");
        counted(out, place, count);
    });
}

/// Where it happened and how often: bpftrace tells each time of its own.
fn counted(out: &mut Vec<u8>, place: &Place<'_>, count: u64) {
    placed(out, place);
    out.extend_from_slice(format!(", \"count\": {count}").as_bytes());
}

fn placed(out: &mut Vec<u8>, place: &Place<'_>) {
    json::name(out, b"filename");
    escape::json(out, place.file.as_bytes());
    out.extend_from_slice(format!(", \"line\": {}, \"col\": {}", place.line, place.column).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_events_count_twice() {
        let mut out = Vec::new();
        lost_events(&mut out, 7, Mode::Json);
        assert_eq!(out, b"{\"type\": \"lost_events\", \"count\": 7, \"data\": {\"events\": 7}}\n");
        out.clear();
        lost_events(&mut out, 7, Mode::Text);
        assert_eq!(out, b"Lost 7 events\nWARNING: Total lost event count: 7\n");
    }

    #[test]
    fn failed_calls() {
        let mut out = Vec::new();
        let place = Place { file: "stdin", line: 1, column: 55, end_column: 62 };
        helper_error(&mut out, &place, "Argument list too long", ("map_update_elem", -7), 3);
        let expected = concat!(
            r#"{"type": "helper_error", "msg": "Argument list too long", "helper": "map_update_elem", "retcode": -7, "#,
            r#""filename": "stdin", "line": 1, "col": 55, "count": 3}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
