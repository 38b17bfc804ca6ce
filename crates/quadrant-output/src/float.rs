//! Floating point numbers as C's printf prints them.

use crate::conversion::Spec;
use crate::conversion::sign;

/// Where [`shortest`] begins to write exponents.
const LARGE: f64 = 1e16;
/// Below this, too.
const SMALL: f64 = 1e-4;

/// Append a number in as few digits as tell it from all others of its width.
pub(crate) fn shortest(out: &mut Vec<u8>, value: f64, bytes: &[u8]) {
    let plain = value == 0.0 || (SMALL..LARGE).contains(&value.abs());
    let text = match (special(value.abs()), <[u8; 4]>::try_from(bytes).map(f32::from_le_bytes), plain) {
        (Some(name), ..) => format!("{}{name}", if value.is_sign_negative() { "-" } else { "" }),
        (None, Ok(single), true) => single.to_string(),
        (None, Ok(single), false) => format!("{single:e}"),
        (None, Err(_), true) => value.to_string(),
        (None, Err(_), false) => format!("{value:e}"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn special(magnitude: f64) -> Option<&'static str> {
    match magnitude {
        _ if magnitude.is_nan() => Some("nan"),
        _ if magnitude.is_infinite() => Some("inf"),
        _ => None,
    }
}

/// Append a number by `e`, `f` or `g` (capital: with capitals), as C does.
pub(crate) fn float(out: &mut Vec<u8>, value: f64, kind: u8, spec: &Spec<'_>) {
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
    if let Some(name) = special(value) {
        return name.to_owned();
    }
    match kind {
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

    #[test]
    fn as_few_digits_as_needed() {
        let double = |value: f64| {
            let mut out = Vec::new();
            shortest(&mut out, value, &value.to_le_bytes());
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            [0.1, -3.5, 1e10 / 3.0, 1e15].map(double),
            ["0.1", "-3.5", "3333333333.3333335", "1000000000000000"]
        );
        assert_eq!([1e16, -2.5e-7, 0.0, -0.0].map(double), ["1e16", "-2.5e-7", "0", "-0"]);
        assert_eq!([f64::INFINITY, f64::NEG_INFINITY].map(double), ["inf", "-inf"]);
        let mut out = Vec::new();
        shortest(&mut out, f64::from(0.1f32), &0.1f32.to_le_bytes());
        assert_eq!(out, b"0.1");
    }

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
}
