//! Values of options as they are written.

/// A number in the notations of C, perhaps with blanks and a `+` in front of it.
pub(super) fn number(text: &str) -> Option<u64> {
    let text = unsigned(text);
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        _ if text.contains('+') => None,
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u64::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

/// A number without the blanks and the `+` in front of it.
fn unsigned(text: &str) -> &str {
    let text = text.trim_start();
    text.strip_prefix('+').unwrap_or(text)
}

/// Bytes: a number with `k`, `m`, `g` or `t` behind it, or nothing.
pub(super) fn size(text: &str) -> Option<u64> {
    let shift = match text.chars().next_back()?.to_ascii_lowercase() {
        'k' => 10,
        'm' => 20,
        'g' => 30,
        't' => 40,
        _ => return number(text),
    };
    number(&text[..text.len() - 1])?.checked_mul(1 << shift)
}

/// Units of time and their nanoseconds.
const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("nsec", 1),
    ("us", 1_000),
    ("usec", 1_000),
    ("ms", 1_000_000),
    ("msec", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("hour", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("day", 86_400_000_000_000),
];

/// A time between two events in nanoseconds: a number with a unit, or how often a second (`hz`, or no unit). 0 is as often as possible.
pub(super) fn rate(text: &str) -> Option<u64> {
    let text = unsigned(text);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = (number(&text[..digits])?, text[digits..].to_ascii_lowercase());
    if unit.is_empty() && count == 0 {
        return Some(0);
    }
    if unit.is_empty() || unit == "hz" {
        return 1_000_000_000u64.checked_div(count);
    }
    let (_, nanoseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*nanoseconds)
}

/// Whether it is a time between two events, or nothing.
pub(super) fn is_rate(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.is_empty() || rate(text).is_some())
}

/// Whether it is a number, one of bytes, or nothing.
pub(super) fn is_size_or_none(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.is_empty() || size(text).is_some())
}

/// Whether it is a number, one of bytes, or no value at all.
pub(super) fn is_size_unless_none(text: Option<&str>) -> bool {
    text.is_none_or(|text| size(text).is_some())
}

/// Whether it is a number.
pub(super) fn is_number(text: Option<&str>) -> bool {
    text.and_then(number).is_some()
}

/// Whether there is any value.
pub(super) fn is_text(text: Option<&str>) -> bool {
    text.is_some()
}

/// Whether it says that something is on, or off.
pub(super) fn is_flag(text: Option<&str>) -> bool {
    flag(text).is_some()
}

/// Whether there is no value: such a flag cannot be taken back.
pub(super) fn is_none(text: Option<&str>) -> bool {
    text.is_none()
}

/// Whether it is a version of D: `1`, `1.6`, `1.6.3`, of whose parts DTrace keeps 8, 12 and 12 bits.
pub(crate) fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let fits = |(part, most): (&&str, u16)| {
        part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u16>().is_ok_and(|part| part <= most)
    };
    parts.len() <= 3 && parts.iter().zip([0xff, 0xfff, 0xfff]).all(fits)
}

/// Whether something is on: no value is a yes, an empty one a no, and a number other than 0 a yes.
pub(super) fn flag(text: Option<&str>) -> Option<bool> {
    let Some(text) = text else { return Some(true) };
    match text.to_ascii_lowercase().as_str() {
        "" => Some(false),
        "yes" | "on" | "set" | "true" | "enable" | "enabled" => Some(true),
        "no" | "off" | "unset" | "false" | "disable" | "disabled" => Some(false),
        _ => number(text).map(|number| number != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes() {
        assert_eq!((number("0x10"), number("010"), number("0"), number("-1")), (Some(16), Some(8), Some(0), None));
        assert_eq!(
            (size("4k"), size("1M"), size("2g"), size("17"), size("k")),
            (Some(4096), Some(1 << 20), Some(2 << 30), Some(17), None)
        );
        assert_eq!((size("99999999t"), size(""), size("1z")), (None, None, None));
    }

    #[test]
    fn digits_only() {
        assert_eq!((number("+1"), number(" 2"), size(" +1k")), (Some(1), Some(2), Some(1024)));
        assert_eq!(
            (number("++1"), number("0x+5"), number("0+7"), number("1 "), size("")),
            (None, None, None, None, None)
        );
        assert!(["1", "1.6", "1.6.3", "255.4095.4095"].into_iter().all(is_version));
        assert!(!["+1.6", "1.+6", "1.6.-3", "", "1.", "256", "1.6.3.0"].into_iter().any(is_version));
    }

    #[test]
    fn rates() {
        assert_eq!(
            (rate("10hz"), rate("4"), rate("1sec"), rate("0")),
            (Some(100_000_000), Some(250_000_000), Some(1_000_000_000), Some(0))
        );
        assert_eq!(
            (rate("500ms"), rate("2m"), rate("0hz"), rate("5y"), rate("")),
            (Some(500_000_000), Some(120_000_000_000), None, None, None)
        );
    }

    #[test]
    fn flags() {
        assert_eq!((flag(None), flag(Some("off")), flag(Some("maybe"))), (Some(true), Some(false), None));
        assert_eq!((flag(Some("7")), flag(Some("0x0")), flag(Some(""))), (Some(true), Some(false), Some(false)));
    }
}
