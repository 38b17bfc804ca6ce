//! JSON of our own: one object a line. docs/json.md and docs/json.schema.json in the repository describe it for its readers.
//!
//! * Every line says when, and what came from the script also on which CPU, by which thread, and at which probe.
//! * Texts are lossless: see [`crate::escape::json`]. One that was cut is an object that says so, one that could not be read is null.
//! * Whole numbers keep their value: those beyond 2^53 - 1, which many readers would round, are strings of digits.
//! * Keys of maps are arrays, structures objects, stacks arrays of frames.
//!
//! The module `json` has the shapes of bpftrace.

mod map;
pub mod message;
mod object;
pub mod overhead;
mod record;
mod value;

use jiff::Timestamp;

use object::Object;
pub use record::Documents;

/// Raised when a member changes its meaning.
pub const VERSION: u64 = 1;

/// The greatest whole number up to which a double holds all of them (RFC 8259, section 6).
const SAFE: u64 = (1 << 53) - 1;

/// What each line says of when and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Nanoseconds since 1970.
    pub wall_ns: i64,
    /// The boot clock, in nanoseconds.
    pub boot_ns: u64,
    /// The firing that it comes from; `None` for what the tracer says by itself.
    pub firing: Option<Firing<'a>>,
}

/// The firing of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing<'a> {
    /// The CPU.
    pub cpu: u32,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// The full name of the probe.
    pub probe: &'a str,
}

/// Append a line: an object with its header, and the members that `members` adds.
fn line(out: &mut Vec<u8>, kind: &str, header: &Header<'_>, members: impl FnOnce(&mut Object<'_>)) {
    Object::write(out, |object| {
        object.text("type", kind.as_bytes());
        object.number("version", VERSION.into());
        object.text("time", instant(header.wall_ns).as_bytes());
        object.number("boot_ns", header.boot_ns.into());
        let firing = header.firing.as_ref();
        for (name, number) in [
            ("cpu", firing.map(|firing| firing.cpu)),
            ("pid", firing.map(|firing| firing.pid)),
            ("tid", firing.map(|firing| firing.tid)),
        ] {
            object.maybe_number(name, number.map(i128::from));
        }
        object.maybe_text("probe", firing.map(|firing| firing.probe.as_bytes()));
        members(object);
    });
    out.push(b'\n');
}

/// RFC 3339 in UTC, with nanoseconds.
fn instant(wall_ns: i64) -> String {
    Timestamp::from_nanosecond(wall_ns.into()).map_or_else(|_| wall_ns.to_string(), |time| format!("{time:.9}"))
}

/// Append a whole number: as a string of digits where readers would round it.
pub fn number(out: &mut Vec<u8>, value: i128) {
    let text = match value.unsigned_abs() <= SAFE.into() {
        true => value.to_string(),
        false => format!("\"{value}\""),
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_nine_digits() {
        assert_eq!(instant(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(instant(1_700_000_000_000_000_001), "2023-11-14T22:13:20.000000001Z");
        assert_eq!(instant(i64::MAX), "2262-04-11T23:47:16.854775807Z");
    }

    #[test]
    fn numbers_beyond_what_doubles_hold_are_texts() {
        let shown = |value| {
            let mut out = Vec::new();
            number(&mut out, value);
            String::from_utf8(out).unwrap()
        };
        assert_eq!([shown(-1), shown(9_007_199_254_740_991)], ["-1", "9007199254740991"]);
        assert_eq!(
            [shown(9_007_199_254_740_992), shown(i64::MIN.into())],
            ["\"9007199254740992\"", "\"-9223372036854775808\""]
        );
        assert_eq!(shown(u64::MAX.into()), "\"18446744073709551615\"");
    }
}
