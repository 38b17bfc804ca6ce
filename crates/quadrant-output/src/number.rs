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
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
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
        for value in [0, 1, 9, 10, 255, 1 << 33, i64::MAX as u64, u64::MAX] {
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
