//! The values of integer and string literals.

use quadrant_syntax::literal::{IntError, IntSuffix, accumulate, c_escape, int_suffix, unescape};

/// An integer literal's value and how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntLiteral {
    /// The value; durations are in nanoseconds.
    pub value: u64,
    /// Written with a `u` suffix.
    pub unsigned: bool,
    /// Written with a duration suffix.
    pub duration: bool,
}

/// The value of an integer literal: decimal, `0x` hexadecimal, octal by a
/// leading zero, `1e6`; underscores between digits; C or duration suffix.
pub fn parse_int(text: &str) -> Result<IntLiteral, IntError> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let (digits, suffix) = split_digits(hex, |b| b.is_ascii_hexdigit());
        if digits.is_empty() {
            return Err(IntError::NoDigits);
        }
        return with_suffix(accumulate(digits, 16)?, suffix);
    }
    let (digits, suffix) = split_digits(text, |b| b.is_ascii_digit());
    let base = if digits.len() > 1 && digits.starts_with('0') { 8 } else { 10 };
    if let Some((exponent, suffix)) = split_exponent(suffix) {
        return with_suffix(scale(accumulate(digits, 10)?, exponent)?, suffix);
    }
    with_suffix(accumulate(digits, base)?, suffix)
}

/// The bytes of a string literal given with its quotes, and the escapes (by
/// offset in `text` and length) that mean nothing.
pub fn parse_str(text: &str) -> (Vec<u8>, Vec<(usize, usize)>) {
    let inner = text.strip_prefix('"').unwrap_or(text);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let (value, bad) = unescape(inner, |byte| match byte {
        b'n' => Some(b'\n'),
        b't' => Some(b'\t'),
        b'r' => Some(b'\r'),
        b'"' | b'\\' => Some(byte),
        _ => None,
    });
    (value, bad.into_iter().map(|(at, len)| (at + 1, len)).collect())
}

/// The value of a character constant of C text, given with its quotes; nothing if it is not one ASCII character.
pub fn parse_char(text: &str) -> Option<u8> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    match unescape(inner, c_escape) {
        (bytes, bad) if bad.is_empty() => Some(bytes).filter(|bytes| bytes.len() == 1 && bytes.is_ascii())?.pop(),
        _ => None,
    }
}

fn split_digits(text: &str, is_digit: impl Fn(u8) -> bool) -> (&str, &str) {
    let len = text.bytes().take_while(|&b| is_digit(b) || b == b'_').count();
    // An underscore stands between digits.
    text.split_at(text[..len].trim_end_matches('_').len())
}

/// `e6us` gives `(6, "us")`.
fn split_exponent(text: &str) -> Option<(u32, &str)> {
    let rest = text.strip_prefix(['e', 'E'])?;
    let (digits, suffix) = split_digits(rest, |b| b.is_ascii_digit());
    let exponent: String = digits.chars().filter(|&c| c != '_').collect();
    Some((exponent.parse().ok()?, suffix))
}

fn scale(value: u64, exponent: u32) -> Result<u64, IntError> {
    if value == 0 {
        return Ok(0);
    }
    let factor = 10u64.checked_pow(exponent).ok_or(IntError::TooLarge)?;
    value.checked_mul(factor).ok_or(IntError::TooLarge)
}

fn with_suffix(value: u64, suffix: &str) -> Result<IntLiteral, IntError> {
    let unit: u64 = match suffix {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return c_suffix(value, suffix),
    };
    let value = value.checked_mul(unit).ok_or(IntError::TooLarge)?;
    Ok(IntLiteral { value, unsigned: true, duration: true })
}

fn c_suffix(value: u64, suffix: &str) -> Result<IntLiteral, IntError> {
    match int_suffix(suffix) {
        Some(IntSuffix { unsigned, .. }) => Ok(IntLiteral { value, unsigned, duration: false }),
        None => Err(IntError::BadSuffix(suffix.to_owned())),
    }
}
