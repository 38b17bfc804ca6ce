//! Floating point numbers of traced programs and the kernel.

/// The number that bytes of a `float`, `double` or `long double` hold.
pub fn decode(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        8 => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
        10..=16 => extended(bytes),
        _ => None,
    }
}

/// The 80-bit number of x86: 64 bits of mantissa with its first one, 15 of exponent, a sign.
fn extended(bytes: &[u8]) -> Option<f64> {
    let mantissa = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let top = u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?);
    let exponent = i32::from(top & 0x7fff);
    let magnitude = match (exponent, mantissa << 1) {
        (0x7fff, 0) => f64::INFINITY,
        (0x7fff, _) => f64::NAN,
        _ => mantissa as f64 * 2f64.powi(exponent - 16383 - 63),
    };
    Some(if top >> 15 == 1 { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_bytes() {
        assert_eq!(decode(&1.5f32.to_le_bytes()), Some(1.5));
        assert_eq!(decode(&(-0.25f64).to_le_bytes()), Some(-0.25));
        let mut one_and_a_half = [0; 16];
        one_and_a_half[7] = 0xc0;
        one_and_a_half[8..10].copy_from_slice(&0x3fffu16.to_le_bytes());
        assert_eq!(decode(&one_and_a_half), Some(1.5));
        assert_eq!(decode(&[1, 2, 3]), None);
    }
}
