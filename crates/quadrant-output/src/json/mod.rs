//! JSON output: one object a line, in the shapes of `bpftrace -f json`.
//!
//! * Numbers that a double cannot hold exactly are strings of digits, as bpftrace writes them.
//! * Strings are lossless: see [`crate::escape::json`].
//! * Keys of maps are one string, parts joined by commas.
//! * A stack that was not kept is `"\n<lost stack>\n"`.

pub(crate) mod map;
pub(crate) mod value;

use crate::escape;

/// Append `{"type": "<kind>", "data": ` and what `data` writes, `}` and a line end.
pub(crate) fn object(out: &mut Vec<u8>, kind: &str, data: impl FnOnce(&mut Vec<u8>)) {
    object_with(out, kind, |out| {
        out.extend_from_slice(b"\"data\": ");
        data(out);
    });
}

/// Append `{"type": "<kind>", ` and what `members` writes, `}` and a line end.
pub(crate) fn object_with(out: &mut Vec<u8>, kind: &str, members: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"type\": \"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\", ");
    members(out);
    out.extend_from_slice(b"}\n");
}

/// Append an object for a number of things: `count`, and the same again in `data` under the name of the things.
pub(crate) fn counted(out: &mut Vec<u8>, kind: &str, things: &str, count: u64) {
    object_with(out, kind, |out| {
        out.extend_from_slice(format!("\"count\": {count}, \"data\": {{\"{things}\": {count}}}").as_bytes());
    });
}

/// Append an object whose data is text that was written in the text form.
pub(crate) fn text_object(out: &mut Vec<u8>, kind: &str, text: &[u8]) {
    object(out, kind, |out| escape::json(out, text));
}

/// Append `"name": `.
pub(crate) fn name(out: &mut Vec<u8>, name: &[u8]) {
    escape::json(out, name);
    out.extend_from_slice(b": ");
}

/// Append parts with a separator.
pub(crate) fn separated<T>(
    out: &mut Vec<u8>,
    parts: impl Iterator<Item = T>,
    separator: &[u8],
    mut each: impl FnMut(&mut Vec<u8>, T),
) {
    for (i, part) in parts.enumerate() {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        each(out, part);
    }
}
