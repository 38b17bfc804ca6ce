//! What printf conversions have in common in all languages: counts, padding, signs and digits.

use quadrant_program::format::Conversion;
use quadrant_program::format::MAX_COUNT;

use crate::number;
use crate::pad::pad_left;
use crate::pad::pad_right;

/// A conversion with the counts that came as arguments.
pub(crate) struct Spec<'a> {
    pub conversion: &'a Conversion,
    pub left: bool,
    pub width: usize,
    pub precision: Option<usize>,
}

impl Spec<'_> {
    /// A negative width is one to the left, a negative precision is none.
    pub fn new(conversion: &Conversion, width: Option<i64>, precision: Option<i64>) -> Spec<'_> {
        let width = width.unwrap_or(0);
        let limit = |n: u64| usize::try_from(n.min(MAX_COUNT.into())).unwrap_or(0);
        Spec {
            conversion,
            left: conversion.left || width < 0,
            width: limit(width.unsigned_abs()),
            precision: precision.and_then(|p| u64::try_from(p).ok()).map(limit),
        }
    }

    /// Fill what was written since `start` with blanks up to the width.
    pub fn pad(&self, out: &mut Vec<u8>, start: usize) {
        if self.left { pad_right(out, start, self.width) } else { pad_left(out, start, self.width) }
    }

    /// Append a signed decimal.
    pub fn signed(&self, out: &mut Vec<u8>, value: i64) {
        let start = out.len();
        out.extend_from_slice(sign(value < 0, self.conversion));
        self.digits(out, start, value.unsigned_abs(), b"d");
        self.pad(out, start);
    }

    /// Append an unsigned number: `x`, `X`, `p` and `o` in their bases, all others in decimal.
    pub fn unsigned(&self, out: &mut Vec<u8>, value: u64, kind: &[u8]) {
        self.prefixed(out, prefix(value, kind, self.conversion.alternate), value, kind);
    }

    /// As [`Spec::unsigned`], with this before the digits.
    pub fn prefixed(&self, out: &mut Vec<u8>, prefix: &[u8], value: u64, kind: &[u8]) {
        let start = out.len();
        out.extend_from_slice(prefix);
        self.digits(out, start, value, kind);
        self.pad(out, start);
    }

    /// Append the digits of a number whose sign or prefix has been written at `start`, with leading zeros.
    fn digits(&self, out: &mut Vec<u8>, start: usize, value: u64, kind: &[u8]) {
        let first = out.len();
        match kind {
            b"x" | b"X" | b"p" => number::power_of_two(out, value, 4),
            b"o" => number::power_of_two(out, value, 3),
            _ => number::unsigned(out, value),
        }
        if kind == b"X" {
            out[first..].make_ascii_uppercase();
        }
        if self.conversion.group && !matches!(kind, b"x" | b"X" | b"p" | b"o") {
            group(out, first);
        }
        self.zeros(out, start, first, value);
        // For octal numbers, `#` is a precision: that of a number which begins with 0.
        if kind == b"o" && self.conversion.alternate && out.get(first) != Some(&b'0') {
            out.insert(first, b'0');
        }
    }

    /// Leading zeros: up to the precision, or with the flag `0` up to the width.
    fn zeros(&self, out: &mut Vec<u8>, start: usize, first: usize, value: u64) {
        let least = match self.precision {
            Some(0) if value == 0 => return out.truncate(first),
            Some(precision) => precision,
            None if self.conversion.zero && !self.left => self.width.saturating_sub(first - start),
            None => return,
        };
        let missing = least.saturating_sub(out.len() - first);
        out.resize(out.len() + missing, b'0');
        out[first..].rotate_right(missing);
    }
}

/// What stands before a number: its sign, or what the flags ask for.
pub(crate) fn sign(negative: bool, c: &Conversion) -> &'static [u8] {
    match (negative, c.plus, c.space) {
        (true, ..) => b"-",
        (false, true, _) => b"+",
        (false, false, true) => b" ",
        _ => b"",
    }
}

fn prefix(value: u64, kind: &[u8], alternate: bool) -> &'static [u8] {
    match (kind, alternate && value != 0) {
        (b"p", _) if value != 0 => b"0x",
        (b"x", true) => b"0x",
        (b"X", true) => b"0X",
        _ => b"",
    }
}

/// A comma before every three digits.
fn group(out: &mut Vec<u8>, first: usize) {
    let mut at = out.len();
    while at - first > 3 {
        at -= 3;
        out.insert(at, b',');
    }
}
