//! The values of integer and string literals.

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

/// Why an integer literal has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntError {
    /// More than 64 bits.
    TooLarge,
    /// A digit that the base does not have.
    BadDigit(char),
    /// Letters after the digits that mean nothing.
    BadSuffix(String),
}

/// The value of an integer literal: decimal, `0x` hexadecimal, octal by a
/// leading zero, `1e6`; underscores between digits; C or duration suffix.
pub fn parse_int(text: &str) -> Result<IntLiteral, IntError> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let (digits, suffix) = split_digits(hex, |b| b.is_ascii_hexdigit());
        if digits.is_empty() {
            return Err(IntError::BadSuffix(text[1..].to_owned()));
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
    let bytes = inner.as_bytes();
    let (mut value, mut bad) = (Vec::with_capacity(bytes.len()), Vec::new());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            value.push(byte);
            at += 1;
            continue;
        }
        let (escaped, len) = escape(&bytes[at..]);
        match escaped {
            Some(byte) => value.push(byte),
            None => bad.push((at + 1, escape_len(inner, at))),
        }
        at += len;
    }
    (value, bad)
}

fn split_digits(text: &str, is_digit: impl Fn(u8) -> bool) -> (&str, &str) {
    let len = text.bytes().take_while(|&b| is_digit(b) || b == b'_').count();
    text.split_at(len)
}

/// `e6us` gives `(6, "us")`.
fn split_exponent(text: &str) -> Option<(u32, &str)> {
    let rest = text.strip_prefix(['e', 'E'])?;
    let (digits, suffix) = split_digits(rest, |b| b.is_ascii_digit());
    let exponent: String = digits.chars().filter(|&c| c != '_').collect();
    Some((exponent.parse().ok()?, suffix))
}

fn accumulate(digits: &str, base: u32) -> Result<u64, IntError> {
    let mut value = 0u64;
    for digit in digits.chars().filter(|&c| c != '_') {
        let units = digit.to_digit(base).ok_or(IntError::BadDigit(digit))?;
        value = value
            .checked_mul(u64::from(base))
            .and_then(|v| v.checked_add(u64::from(units)))
            .ok_or(IntError::TooLarge)?;
    }
    Ok(value)
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
    let unsigned = match suffix.to_ascii_lowercase().as_str() {
        "" | "l" | "ll" => false,
        "u" | "ul" | "ull" | "lu" | "llu" => true,
        _ => return Err(IntError::BadSuffix(suffix.to_owned())),
    };
    Ok(IntLiteral { value, unsigned, duration: false })
}

/// The byte that an escape sequence stands for, and the sequence's length.
fn escape(bytes: &[u8]) -> (Option<u8>, usize) {
    let simple = match bytes.get(1) {
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'"') => b'"',
        Some(b'\\') => b'\\',
        Some(b'0'..=b'7') => return numeric(bytes, 1, 3, 8),
        Some(b'x') => return numeric(bytes, 2, 2, 16),
        Some(_) => return (None, 2),
        None => return (None, 1),
    };
    (Some(simple), 2)
}

fn numeric(bytes: &[u8], from: usize, max: usize, base: u32) -> (Option<u8>, usize) {
    let digits = bytes[from..].iter().take(max).map_while(|&b| (b as char).to_digit(base));
    let (value, count) =
        digits.fold((0u32, 0), |(value, count), digit| (value.saturating_mul(base) + digit, count + 1));
    let value = if count == 0 { None } else { u8::try_from(value).ok() };
    (value, from + count)
}

/// How many bytes of `inner` a bad escape at `at` covers, whole characters only.
fn escape_len(inner: &str, at: usize) -> usize {
    let next = inner.get(at + 1..).and_then(|rest| rest.chars().next());
    1 + next.map_or(0, char::len_utf8)
}
