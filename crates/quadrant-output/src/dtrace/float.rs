//! Floating-point numbers: D has them only to be printed.

use crate::conversion::Spec;
use crate::conversion::sign;

/// The number that bytes of a `float`, `double` or `long double` hold.
pub(super) fn decode(bytes: &[u8]) -> Option<f64> {
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

/// Append a number by `e`, `f` or `g` (capital: with capitals), as C does.
pub(super) fn float(out: &mut Vec<u8>, value: f64, kind: u8, spec: &Spec<'_>) {
    let start = out.len();
    out.extend_from_slice(sign(value.is_sign_negative(), spec.conversion));
    let first = out.len();
    out.extend_from_slice(magnitude(value.abs(), kind.to_ascii_lowercase(), spec).as_bytes());
    if kind.is_ascii_uppercase() {
        out[first..].make_ascii_uppercase();
    }
    if spec.conversion.zero && !spec.left && value.is_finite() {
        let missing = spec.width.saturating_sub(out.len() - start);
        out.resize(out.len() + missing, b'0');
        out[first..].rotate_right(missing);
    }
    spec.pad(out, start);
}

fn magnitude(value: f64, kind: u8, spec: &Spec<'_>) -> String {
    let precision = spec.precision.unwrap_or(6);
    match kind {
        _ if value.is_nan() => "nan".to_owned(),
        _ if value.is_infinite() => "inf".to_owned(),
        b'e' => scientific(value, precision),
        b'f' => format!("{value:.precision$}"),
        _ => general(value, precision.max(1), spec.conversion.alternate),
    }
}

/// `d.ddde+xx`
fn scientific(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// By magnitude as `f` or as `e`, with so many digits, without zeros at the end.
fn general(value: f64, digits: usize, keep_zeros: bool) -> String {
    let rounded = scientific(value, digits - 1);
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let power: i64 = exponent.parse().unwrap_or(0);
    if power < -4 || power >= digits as i64 {
        return format!("{}e{exponent}", without_zeros(mantissa, keep_zeros));
    }
    let precision = (digits as i64 - 1 - power).max(0) as usize;
    without_zeros(&format!("{value:.precision$}"), keep_zeros).to_owned()
}

fn without_zeros(text: &str, keep: bool) -> &str {
    match text.contains('.') && !keep {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::format::Conversion;

    fn shown(value: f64, kind: u8, width: i64, precision: Option<i64>, zero: bool) -> String {
        let conversion = Conversion { zero, ..Conversion::default() };
        let mut out = Vec::new();
        float(&mut out, value, kind, &Spec::new(&conversion, Some(width), precision));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn as_c_prints_them() {
        let plain = |value, kind| shown(value, kind, 0, None, false);
        assert_eq!(
            [b'e', b'f', b'g', b'E'].map(|kind| plain(1234.5, kind)),
            ["1.234500e+03", "1234.500000", "1234.5", "1.234500E+03"]
        );
        assert_eq!(
            [1e-5, 1e6, 123_456.0, 0.0001, 0.0].map(|v| plain(v, b'g')),
            ["1e-05", "1e+06", "123456", "0.0001", "0"]
        );
        assert_eq!([f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(|v| plain(v, b'f')), ["inf", "-inf", "nan"]);
        assert_eq!(shown(-1.5, b'f', 9, Some(2), true), "-00001.50");
        assert_eq!(shown(1.5, b'f', -6, Some(0), false), "2     ");
        assert_eq!(shown(2e100, b'G', 0, Some(3), false), "2E+100");
    }

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
