//! How often a timer fires.

use super::list::UNITS;
use crate::error::{Result, advise};
use crate::number;
use crate::number::LONGEST_PERIOD;
use crate::point::plain;
use quadrant_program::probe::{Found, ProbeKind, ProbeSpec, Rate, Site};

/// Shorter ones are refused. What is below 10 microseconds comes every 10 (`perf_swevent_hrtimer`).
const SHORTEST_NS: u64 = 1_000;
const SECOND_NS: u64 = 1_000_000_000;

/// `["s", "5"]`, `["10ms"]` or, in nanoseconds, `["1000000"]`.
pub(crate) fn resolve(spec: &ProbeSpec) -> Result<Found> {
    let (rate, name) = match spec.parts.as_slice() {
        [unit, number] => with_unit(spec.kind, unit, number)?,
        [duration] => duration_alone(spec.kind, duration)?,
        _ => return Err(wrong(spec.kind, "it has a unit and a number")),
    };
    let site = match spec.kind {
        ProbeKind::Interval => Site::Interval { period_ns: rate.period_ns() },
        _ => Site::Profile(rate),
    };
    Ok(plain(site, format!("{}:{name}", spec.kind.name())))
}

fn with_unit(kind: ProbeKind, unit: &str, number: &str) -> Result<(Rate, String)> {
    let Some((unit, unit_ns)) = UNITS.iter().find(|(known, _)| *known == unit) else {
        return Err(wrong(kind, &format!("`{unit}` is no unit of time")));
    };
    let count = number::parse(number).filter(|count| *count > 0);
    let count = count.ok_or_else(|| wrong(kind, &format!("`{number}` is no positive whole number")))?;
    let rate = if *unit_ns == 0 {
        Some(Rate::Hertz(count)).filter(|_| count <= SECOND_NS / SHORTEST_NS)
    } else {
        count.checked_mul(*unit_ns).filter(|ns| *ns <= LONGEST_PERIOD).map(Rate::PeriodNs)
    };
    let rate = rate.ok_or_else(|| wrong(kind, &format!("`{number}` is too much")))?;
    Ok((rate, format!("{unit}:{count}")))
}

/// A duration in one piece, which listings show in microseconds.
fn duration_alone(kind: ProbeKind, text: &str) -> Result<(Rate, String)> {
    let bad = || wrong(kind, &format!("`{text}` is no duration"));
    let period_ns = duration(text).ok_or_else(bad)?;
    if period_ns < SHORTEST_NS {
        return Err(wrong(kind, &format!("{period_ns} ns is too short, 1 us is the shortest")));
    }
    Ok((Rate::PeriodNs(period_ns), format!("us:{}", period_ns / 1_000)))
}

/// Nanoseconds of `10ms`, `2m`, or a bare number of nanoseconds.
fn duration(text: &str) -> Option<u64> {
    const SUFFIXES: [(&str, u64); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", SECOND_NS),
        ("m", 60 * SECOND_NS),
        ("h", 3_600 * SECOND_NS),
        ("d", 86_400 * SECOND_NS),
    ];
    let found = SUFFIXES.iter().find_map(|(suffix, ns)| Some((number::parse(text.strip_suffix(suffix)?)?, *ns)));
    let (number, ns) = found.or_else(|| Some((number::parse(text)?, 1)))?;
    number.checked_mul(ns).filter(|ns| *ns <= LONGEST_PERIOD)
}

fn wrong(kind: ProbeKind, why: &str) -> quadrant_program::probe::ProbeError {
    let name = kind.name();
    let help = format!("write `{name}:s:1`, `{name}:ms:100`, `{name}:us:500`, `{name}:hz:99` or `{name}:10ms`");
    advise(format!("cannot use this {name} probe: {why}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;

    fn site(kind: ProbeKind, parts: &[&str]) -> (Site, String) {
        let found = resolve(&spec(kind, parts)).unwrap();
        (found.point.site, found.point.name)
    }

    fn refused(kind: ProbeKind, parts: &[&str]) -> String {
        resolve(&spec(kind, parts)).unwrap_err().message
    }

    #[test]
    fn units() {
        use ProbeKind::{Interval, Profile};
        let named = |name: &str| name.to_owned();
        let second = Site::Interval { period_ns: SECOND_NS };
        assert_eq!(site(Interval, &["s", "1"]), (second, named("interval:s:1")));
        let tenth = Site::Interval { period_ns: SECOND_NS / 10 };
        assert_eq!(site(Interval, &["hz", "10"]), (tenth, named("interval:hz:10")));
        assert_eq!(site(Profile, &["hz", "99"]), (Site::Profile(Rate::Hertz(99)), named("profile:hz:99")));
        assert_eq!(site(Profile, &["us", "1e3"]), (Site::Profile(Rate::PeriodNs(1_000_000)), named("profile:us:1000")));
    }

    #[test]
    fn durations() {
        let (site, name) = site(ProbeKind::Interval, &["10ms"]);
        assert_eq!((site, name.as_str()), (Site::Interval { period_ns: 10_000_000 }, "interval:us:10000"));
        assert_eq!(duration("2m"), Some(120 * SECOND_NS));
        assert_eq!(duration("5000"), Some(5000));
        assert_eq!(duration("10xs"), None);
    }

    #[test]
    fn bad_timers() {
        let interval = ProbeKind::Interval;
        assert!(refused(interval, &["99"]).contains("99 ns is too short"));
        assert!(refused(interval, &["s", "0"]).contains("no positive whole number"));
        assert!(refused(interval, &["m", "1"]).contains("`m` is no unit"));
        assert!(refused(interval, &["s", "1", "2"]).contains("a unit and a number"));
        assert!(refused(interval, &["s", "99999999999999"]).contains("too much"));
        assert!(refused(interval, &["hz", "99999999"]).contains("too much"));
        // 2^63 ns are 292 years and a little more than 9,223,372,036 s.
        assert!(refused(interval, &["s", "9223372037"]).contains("too much"));
        assert!(refused(interval, &["9223372036854775808"]).contains("no duration"));
        assert_eq!(site(interval, &["s", "9223372036"]).1, "interval:s:9223372036");
    }
}
