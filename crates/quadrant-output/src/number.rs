//! Integers to digits, without allocation.

use crate::escape::HEX;

/// Append a signed decimal.
pub fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    unsigned(out, value.unsigned_abs());
}

/// Append an unsigned decimal.
pub fn unsigned(out: &mut Vec<u8>, value: u64) {
    let len = value.checked_ilog10().unwrap_or(0) as usize + 1;
    let mut digits = [0; DIGITS];
    let (mut at, mut rest) = (len, value);
    while at >= 2 {
        at -= 2;
        let pair = (rest % 100) as usize * 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
        rest /= 100;
    }
    if at == 1 {
        digits[0] = b'0' + rest as u8;
    }
    // A copy of constant size is a few instructions, one of `len` bytes a call.
    let end = out.len() + len;
    out.extend_from_slice(&digits);
    out.truncate(end);
}

/// Digits of the greatest number.
const DIGITS: usize = 20;

/// `00` to `99`: two digits at a time halve the divisions.
const PAIRS: &[u8; 200] = &pairs();

const fn pairs() -> [u8; 200] {
    let mut pairs = [0; 200];
    let mut i = 0;
    while i < 100 {
        pairs[2 * i] = b'0' + (i / 10) as u8;
        pairs[2 * i + 1] = b'0' + (i % 10) as u8;
        i += 1;
    }
    pairs
}

/// Append lower-case digits in base `1 << bits` (3 for octal, 4 for hexadecimal).
pub fn power_of_two(out: &mut Vec<u8>, value: u64, bits: u32) {
    let len = (64 - value.leading_zeros()).div_ceil(bits).max(1);
    let mask = (1 << bits) - 1;
    out.extend((0..len).rev().map(|i| HEX[(value >> (i * bits)) as usize & mask]));
}

/// Append `0x` and hexadecimal digits.
pub fn address(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(b"0x");
    power_of_two(out, value, 4);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        for value in [0, 1, 9, 10, 99, 100, 101, 255, 1000, 1 << 33, i64::MAX as u64, u64::MAX] {
            let mut out = Vec::new();
            unsigned(&mut out, value);
            out.push(b' ');
            signed(&mut out, value as i64);
            out.push(b' ');
            power_of_two(&mut out, value, 3);
            out.push(b' ');
            address(&mut out, value);
            let expected = format!("{value} {} {value:o} {value:#x}", value as i64);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
