//! Times as text, by strftime formats.

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::strtime::Config;
use jiff::tz::TimeZone;

/// More than any machine has been up: 20 years in nanoseconds.
const LONGEST_UPTIME: u64 = 20 * 365 * 86_400 * 1_000_000_000;

/// Nanoseconds since 1970 of a time of the boot clock, which `wall_clock` converts, or of one that already counts from then, as
/// CLOCK_TAI does and the times that programs keep.
pub(crate) fn since_1970(time: u64, wall_clock: impl FnOnce(u64) -> i64) -> i64 {
    match i64::try_from(time) {
        Ok(unix_ns) if time > LONGEST_UPTIME => unix_ns,
        _ => wall_clock(time),
    }
}

/// Append nanoseconds since 1970 in a time zone by a strftime format. `%f` is microseconds, six digits.
///
/// What is not a conversion is printed as it is written.
pub fn strftime(out: &mut Vec<u8>, format: &str, unix_ns: i64, zone: &TimeZone) {
    let time = Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    let micros = unix_ns.rem_euclid(1_000_000_000) / 1000;
    let broken = BrokenDownTime::from(&time);
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let conversion = conversion(&rest[at..]);
        rest = &rest[at + conversion.len()..];
        convert(out, conversion, &broken, micros);
    }
    out.extend_from_slice(rest.as_bytes());
}

/// The conversion that a text starts with: `%`, flags, width, one character.
fn conversion(text: &str) -> &str {
    let middle = text[1..].find(|c: char| !matches!(c, '-' | '_' | '0' | '^' | '#' | 'E' | 'O' | '1'..='9'));
    match middle.and_then(|at| text[1 + at..].chars().next().map(|c| 1 + at + c.len_utf8())) {
        Some(len) => &text[..len],
        None => text,
    }
}

fn convert(out: &mut Vec<u8>, conversion: &str, time: &BrokenDownTime, micros: i64) {
    let without_modifier = conversion.replace(['E', 'O'], "");
    match without_modifier.as_str() {
        "%f" => out.extend_from_slice(format!("{micros:06}").as_bytes()),
        // As in the C locale, which jiff writes in another order.
        "%c" => by_library(out, "%a %b %e %H:%M:%S %Y", time),
        "%x" => by_library(out, "%m/%d/%y", time),
        "%X" => by_library(out, "%H:%M:%S", time),
        "%r" => by_library(out, "%I:%M:%S %p", time),
        known if known.ends_with(CONVERSIONS) => by_library(out, known, time),
        _ => out.extend_from_slice(conversion.as_bytes()),
    }
}

/// The conversions of the C library that jiff has with the same meaning.
const CONVERSIONS: &[char] = &[
    'a', 'A', 'b', 'B', 'C', 'd', 'D', 'e', 'F', 'g', 'G', 'h', 'H', 'I', 'j', 'k', 'l', 'm', 'M', 'n', 'p', 'P', 'R',
    's', 'S', 't', 'T', 'u', 'U', 'V', 'w', 'W', 'y', 'Y', 'z', 'Z', '%',
];

fn by_library(out: &mut Vec<u8>, format: &str, time: &BrokenDownTime) {
    match time.to_string_with_config(&Config::new().lenient(true), format) {
        Ok(text) => out.extend_from_slice(text.as_bytes()),
        Err(_) => out.extend_from_slice(format.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_count_from_1970_stay() {
        let wall_clock = |boot_ns| 1_000 + boot_ns as i64;
        assert_eq!(since_1970(5, wall_clock), 1_005);
        assert_eq!(since_1970(1_795_786_142_000_000_007, wall_clock), 1_795_786_142_000_000_007);
        assert_eq!(since_1970(u64::MAX, wall_clock), 999);
    }

    fn shown(format: &str) -> String {
        let mut out = Vec::new();
        strftime(&mut out, format, 1_795_652_610_356_772_999, &TimeZone::UTC);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn formats_of_the_c_library() {
        assert_eq!(shown("%H:%M:%S.%f %Y"), "00:23:30.356772 2026");
        assert_eq!(
            shown("%c|%T|%F|%s|%D|%R|%e|%j|%a %A %b %B"),
            "Thu Nov 26 00:23:30 2026|00:23:30|2026-11-26|1795652610|11/26/26|00:23|26|330|Thu Thursday Nov November"
        );
        assert_eq!(shown("%I %p %y %C %u %w %n%t%%|%Z|%z"), "12 AM 26 20 4 4 \n\t%|UTC|+0000");
    }

    #[test]
    fn weeks_and_blank_padding() {
        assert_eq!(shown("%G %g %V %U %W %k %l %P %h|%-d %_m %^a %03H"), "2026 26 48 47 47  0 12 am Nov|26 11 THU 000");
        assert_eq!(shown("%k:%M %l"), " 0:23 12");
    }

    #[test]
    fn what_is_no_conversion_is_kept() {
        assert_eq!(shown("%Ey %Od %E| %f"), "26 26 %E| 356772");
        assert_eq!(shown("a%L %N %q é%é %"), "a%L %N %q é%é %");
        assert_eq!(shown("%"), "%");
        assert_eq!(shown("%-"), "%-");
    }
}
