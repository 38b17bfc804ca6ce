//! The values of D's literals.

use quadrant_syntax::literal::{IntError, IntSuffix, accumulate, c_escape, int_suffix};

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
    // DTrace has no `\'` and `\?` in strings.
    let simple = |byte: u8| c_escape(byte).filter(|byte| !matches!(byte, b'\'' | b'?'));
    bytes(inner.strip_suffix('"').unwrap_or(inner), simple)
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
    let bytes = bytes(inner.strip_suffix('\'').unwrap_or(inner), c_escape);
    match bytes.len() {
        0 => Err(CharError::Empty),
        1..=MAX_CHARS => Ok(bytes.iter().fold(0, |value, byte| value << 8 | i64::from(*byte))),
        _ => Err(CharError::TooLong),
    }
}

fn bytes(inner: &str, simple: impl Fn(u8) -> Option<u8>) -> Vec<u8> {
    let mut rest = inner.as_bytes();
    let mut value = Vec::with_capacity(rest.len());
    while let [first, behind @ ..] = rest {
        let escaped = if *first == b'\\' { escape(behind, &simple) } else { None };
        let (byte, len) = escaped.unwrap_or((*first, 0));
        value.push(byte);
        rest = &behind[len..];
    }
    value
}

/// What stands behind a backslash, and its length; nothing if the backslash means itself.
fn escape(behind: &[u8], simple: impl Fn(u8) -> Option<u8>) -> Option<(u8, usize)> {
    match behind.first()? {
        b'0'..=b'7' => number(behind, 3, 8),
        b'x' => number(&behind[1..], usize::MAX, 16).map(|(byte, len)| (byte, len + 1)),
        byte => simple(*byte).map(|byte| (byte, 1)),
    }
}

/// Digits in C's way: hexadecimal ones as many as there are. The byte is the lowest of the number.
fn number(text: &[u8], most: usize, base: u8) -> Option<(u8, usize)> {
    let digits = text.iter().take(most).map_while(|byte| char::from(*byte).to_digit(base.into()));
    let step = |(value, len): (u8, usize), digit: u32| (value.wrapping_mul(base).wrapping_add(digit as u8), len + 1);
    Some(digits.fold((0, 0), step)).filter(|(_, len)| *len > 0)
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
        assert_eq!(str_value(r#""a\tb\x41\101\"""#), b"a\tbAA\"");
        assert_eq!(str_value(r#""\q\d\\n\x""#), br"\q\d\n\x");
        assert_eq!(str_value(r#""it\'s\?\é""#), "it\\'s\\?\\é".as_bytes());
    }

    #[test]
    fn numbers_in_strings_are_the_lowest_byte_of_all_their_digits() {
        assert_eq!(str_value(r#""\x101z\x4""#), b"\x01z\x04");
        assert_eq!(str_value(r#""\1012\400\8""#), b"A2\0\\8");
        assert_eq!(char_value(r"'\x41b'"), Ok(0x1b));
        assert_eq!(char_value(r"'\400'"), Ok(0));
    }

    #[test]
    fn characters() {
        assert_eq!(char_value("'a'"), Ok(97));
        assert_eq!(char_value(r"'\n'"), Ok(10));
        assert_eq!(char_value(r"'\''"), Ok(39));
        assert_eq!(char_value("'ab'"), Ok(0x6162));
        assert_eq!(char_value("''"), Err(CharError::Empty));
        assert_eq!(char_value("'123456789'"), Err(CharError::TooLong));
    }
}
