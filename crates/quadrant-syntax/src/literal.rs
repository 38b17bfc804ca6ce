//! The values of literals.

/// Why an integer literal has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntError {
    /// More than 64 bits.
    TooLarge,
    /// A digit that the base does not have.
    BadDigit(char),
    /// No digit behind the letters that say the base.
    NoDigits,
    /// Letters after the digits that mean nothing.
    BadSuffix(String),
}

/// What C's letters behind an integer say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntSuffix {
    /// There is a `u`.
    pub unsigned: bool,
    /// How many `l` there are: 0, 1, 2.
    pub longs: u8,
}

/// The value of digits; underscores between them do not count.
///
/// # Errors
/// A digit that the base does not have; more than 64 bits.
pub fn accumulate(digits: &str, base: u32) -> Result<u64, IntError> {
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

/// C's suffix of an integer: `u` and `l` or `ll` in any order and case.
pub fn int_suffix(suffix: &str) -> Option<IntSuffix> {
    let (unsigned, longs) = match suffix.to_ascii_lowercase().as_str() {
        "" => (false, 0),
        "l" => (false, 1),
        "ll" => (false, 2),
        "u" => (true, 0),
        "ul" | "lu" => (true, 1),
        "ull" | "llu" => (true, 2),
        _ => return None,
    };
    Some(IntSuffix { unsigned, longs })
}

/// What a letter means behind a backslash in C, for [`unescape`].
pub fn c_escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'"' | b'\'' | b'\\' | b'?' => byte,
        _ => return None,
    })
}

/// The bytes of the text between quotes, and the escapes (by offset and length, whole characters) that mean nothing.
///
/// Numbers in octal (`\0` to `\377`) and hexadecimal (`\x41`) are the same in all languages; `simple` gives the byte for
/// the character behind any other backslash.
pub fn unescape(inner: &str, simple: impl Fn(u8) -> Option<u8>) -> (Vec<u8>, Vec<(usize, usize)>) {
    let bytes = inner.as_bytes();
    let (mut value, mut bad) = (Vec::with_capacity(bytes.len()), Vec::new());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            value.push(byte);
            at += 1;
            continue;
        }
        let (escaped, len) = escape(&bytes[at..], &simple);
        let Some(byte) = escaped else {
            let marked = escape_len(inner, at);
            bad.push((at, marked));
            at += len.max(marked);
            continue;
        };
        value.push(byte);
        at += len;
    }
    (value, bad)
}

/// The byte that an escape sequence stands for, and the sequence's length.
fn escape(bytes: &[u8], simple: impl Fn(u8) -> Option<u8>) -> (Option<u8>, usize) {
    match bytes.get(1) {
        Some(b'0'..=b'7') => numeric(bytes, 1, 3, 8),
        Some(b'x') => numeric(bytes, 2, 2, 16),
        Some(&byte) => (simple(byte), 2),
        None => (None, 1),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_make_numbers() {
        assert_eq!(accumulate("1_000", 10), Ok(1000));
        assert_eq!(accumulate("ffffffffffffffff", 16), Ok(u64::MAX));
        assert_eq!(accumulate("10000000000000000", 16), Err(IntError::TooLarge));
        assert_eq!(accumulate("78", 8), Err(IntError::BadDigit('8')));
    }

    #[test]
    fn suffixes_in_any_order_and_case() {
        let suffix = |text: &str| int_suffix(text).map(|suffix| (suffix.unsigned, suffix.longs));
        assert_eq!(suffix("uLL"), Some((true, 2)));
        assert_eq!(suffix("LU"), Some((true, 1)));
        assert_eq!(suffix(""), Some((false, 0)));
        assert_eq!(suffix("lul"), None);
    }

    #[test]
    fn escapes() {
        let simple = |byte| (byte == b'n').then_some(b'\n');
        assert_eq!(unescape("a\\n\\101\\x41\\0", simple).0, b"a\nAA\0");
        assert_eq!(unescape("é\\é\\400\\x", simple), ("é".as_bytes().to_vec(), vec![(2, 3), (5, 2), (9, 2)]));
        assert_eq!(unescape("a\\", simple), (b"a".to_vec(), vec![(1, 1)]));
    }
}
