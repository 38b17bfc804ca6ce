//! Numbers in probe specs.

/// Greater ones perf_event_open(2) refuses.
pub(crate) const LONGEST_PERIOD: u64 = i64::MAX as u64;

/// A non-negative number: decimal with `_` and a power of ten (`1e6`), or hexadecimal.
pub(crate) fn parse(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
    }
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let power = all_digits(power).then(|| power.parse::<u32>().ok())??;
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    let number = all_digits(&digits).then(|| digits.parse::<u64>().ok())??;
    number.checked_mul(10_u64.checked_pow(power)?)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn forms() {
        assert_eq!(parse("99"), Some(99));
        assert_eq!(parse("1e6"), Some(1_000_000));
        assert_eq!(parse("1_000"), Some(1000));
        assert_eq!(parse("0x1f"), Some(31));
        for bad in ["", "-1", "+1", "x", "1e", "e3", "1e99", "0x", "0x+1", "1.5", "99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
