//! The values of D's literals.

use quadrant_syntax::literal::{IntError, IntSuffix, accumulate, c_escape, int_suffix, unescape};

use crate::ast::IntLiteral;

/// How many characters a character constant can have: they make up an integer.
const MAX_CHARS: usize = 8;

/// The value of an integer literal: decimal, `0x` hexadecimal, octal by a leading zero.
///
/// # Errors
/// A digit that is not octal; more than 64 bits.
pub fn int_value(text: &str) -> Result<IntLiteral, IntError> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (all, base) = match hex {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let end = all.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (digits, suffix) = all.split_at(end);
    let IntSuffix { unsigned, longs } = int_suffix(suffix).ok_or_else(|| IntError::BadSuffix(suffix.to_owned()))?;
    let value = accumulate(digits, base)?;
    Ok(IntLiteral { value, unsigned, longs, decimal: base == 10 })
}

/// The bytes of a string literal given with its quotes. A backslash in front of a character that it does not go with
/// stands for itself.
pub fn str_value(text: &str) -> Vec<u8> {
    let inner = text.strip_prefix('"').unwrap_or(text);
    bytes(inner.strip_suffix('"').unwrap_or(inner))
}

/// Why a character literal has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CharError {
    /// `''`
    Empty,
    /// More characters than an integer has bytes.
    TooLong,
}

/// The value of a character literal given with its quotes: the characters are an integer's bytes, the last one lowest.
///
/// # Errors
/// No character, or more than 8.
pub fn char_value(text: &str) -> Result<i64, CharError> {
    let inner = text.strip_prefix('\'').unwrap_or(text);
    let bytes = bytes(inner.strip_suffix('\'').unwrap_or(inner));
    match bytes.len() {
        0 => Err(CharError::Empty),
        1..=MAX_CHARS => Ok(bytes.iter().fold(0, |value, byte| value << 8 | i64::from(*byte))),
        _ => Err(CharError::TooLong),
    }
}

fn bytes(inner: &str) -> Vec<u8> {
    let (value, bad) = unescape(inner, c_escape);
    if bad.is_empty() {
        return value;
    }
    // Rare: put the backslashes that mean nothing back.
    let mut doubled = String::with_capacity(inner.len() + bad.len());
    let mut from = 0;
    for (at, _) in bad {
        doubled.push_str(&inner[from..at]);
        doubled.push_str("\\\\");
        from = at + 1;
    }
    doubled.push_str(&inner[from..]);
    unescape(&doubled, c_escape).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let value = |text: &str| int_value(text).map(|int| (int.value, int.unsigned, int.longs, int.decimal));
        assert_eq!(value("0"), Ok((0, false, 0, true)));
        assert_eq!(value("42UL"), Ok((42, true, 1, true)));
        assert_eq!(value("0xffLL"), Ok((255, false, 2, false)));
        assert_eq!(value("017"), Ok((15, false, 0, false)));
        assert_eq!(value("18446744073709551615"), Ok((u64::MAX, false, 0, true)));
        assert_eq!(value("18446744073709551616"), Err(IntError::TooLarge));
        assert_eq!(value("089"), Err(IntError::BadDigit('8')));
    }

    #[test]
    fn strings_keep_backslashes_that_mean_nothing() {
        assert_eq!(str_value(r#""a\tb\x41\101\"\?""#), b"a\tbAA\"?");
        assert_eq!(str_value(r#""\q\d\\n""#), br"\q\d\n");
        assert_eq!(str_value(r#""\é\400""#), "\\é\\400".as_bytes());
    }

    #[test]
    fn characters() {
        assert_eq!(char_value("'a'"), Ok(97));
        assert_eq!(char_value(r"'\n'"), Ok(10));
        assert_eq!(char_value("'ab'"), Ok(0x6162));
        assert_eq!(char_value("''"), Err(CharError::Empty));
        assert_eq!(char_value("'123456789'"), Err(CharError::TooLong));
    }
}
