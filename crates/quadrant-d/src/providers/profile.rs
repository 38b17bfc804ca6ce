//! `profile-N[unit]` on every CPU, `tick-N[unit]` on one: time.

use super::layout::{Layout, Stability, Value};
use super::pattern::Wanted;
use super::{Probe, Provider, Providers, Result, Row, ids, no_match};
use crate::ast::Attributes;
use quadrant_program::probe::{Point, ProbeError, Rate, Site};

const NAME: &str = "profile";

/// As DTrace has it: more often than 5,000 times a second is refused.
const SHORTEST_NS: u64 = 200_000;
const SECOND_NS: u64 = 1_000_000_000;

/// Why there is no timer of another unit.
const NO_UNIT: &str = "there is no such unit";

/// Why there is no timer of a number that no u64 holds.
const TOO_GREAT: &str = "the number is too great";

/// Units and their nanoseconds; 0 is times a second.
const UNITS: [(&str, u64); 15] = [
    ("nsec", 1),
    ("ns", 1),
    ("usec", 1_000),
    ("us", 1_000),
    ("msec", 1_000_000),
    ("ms", 1_000_000),
    ("sec", SECOND_NS),
    ("s", SECOND_NS),
    ("min", 60 * SECOND_NS),
    ("m", 60 * SECOND_NS),
    ("hour", 3_600 * SECOND_NS),
    ("h", 3_600 * SECOND_NS),
    ("day", 86_400 * SECOND_NS),
    ("d", 86_400 * SECOND_NS),
    ("hz", 0),
];

/// What a listing shows; any other is made when it is asked for.
const LISTED: [&str; 13] = [
    "profile-97",
    "profile-199",
    "profile-499",
    "profile-997",
    "profile-1999",
    "profile-4001",
    "profile-4999",
    "tick-1",
    "tick-10",
    "tick-100",
    "tick-500",
    "tick-1000",
    "tick-5000",
];

pub(super) const PROVIDER: Provider = Provider {
    is_called: |pattern| pattern.matches(NAME),
    find,
    list,
    of_id,
    knows: |name| Timer::parse(name).is_some(),
};

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    timers(wanted).map(|timer| Ok(timer?.probe(providers))).collect()
}

fn list(providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    for timer in timers(wanted) {
        let timer = timer?;
        show(Row { id: timer.id(providers), name: timer.full_name() });
    }
    Ok(())
}

fn timers(wanted: &Wanted) -> impl Iterator<Item = Result<Timer<'_>>> {
    names(wanted).into_iter().filter_map(Timer::parse).map(|timer| timer.map_err(|why| refused(wanted, why)))
}

/// A name without wildcards is a timer of its own, a pattern means those that are listed.
fn names(wanted: &Wanted) -> Vec<&str> {
    if !wanted.module.matches("") || !wanted.function.matches("") {
        return Vec::new();
    }
    match wanted.name.literal() {
        Some(name) => vec![name],
        None => LISTED.iter().filter(|name| wanted.name.matches(name)).copied().collect(),
    }
}

fn of_id(_: &Providers<'_>, id: u32) -> Option<Wanted> {
    let name = LISTED.get(ids::place(&ids::TIMERS, id)? as usize)?;
    Some(Wanted::new(NAME, "", "", name))
}

/// A timer.
struct Timer<'a> {
    name: &'a str,
    everywhere: bool,
    rate: Rate,
}

impl<'a> Timer<'a> {
    /// `None` if the name is not that of a timer; an error is why there is no such timer.
    fn parse(name: &'a str) -> Option<std::result::Result<Self, &'static str>> {
        let (kind, interval) = name.split_once('-')?;
        let everywhere = match kind {
            "profile" => true,
            "tick" => false,
            _ => return None,
        };
        let digits = interval.len() - interval.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = interval.split_at(digits);
        let unit = unit.to_ascii_lowercase();
        let unit_ns = UNITS.iter().find(|(known, _)| *known == unit || unit.is_empty() && *known == "hz");
        let rate = match (number.parse(), unit_ns) {
            (Ok(count), Some((_, unit_ns))) => rate(count, *unit_ns),
            (Err(_), _) if number.is_empty() => return None,
            (_, None) => Err(NO_UNIT),
            (Err(_), _) => Err(TOO_GREAT),
        };
        Some(rate.map(|rate| Self { name, everywhere, rate }))
    }

    fn full_name(&self) -> String {
        format!("{NAME}:::{}", self.name)
    }

    fn id(&self, providers: &Providers<'_>) -> u32 {
        let place = LISTED.iter().zip(0..).find(|(name, _)| **name == self.name).map(|(_, place)| place);
        let listed = place.and_then(|place| ids::at(&ids::TIMERS, place));
        listed.unwrap_or_else(|| providers.on_demand.number(&self.full_name()))
    }

    fn probe(&self, providers: &Providers<'_>) -> Probe {
        let site = if self.everywhere {
            Site::Profile(self.rate)
        } else {
            Site::Interval { period_ns: self.rate.period_ns() }
        };
        let point = Point { site, name: self.full_name(), func: String::new() };
        providers.probe(point, self.id(providers), layout())
    }
}

fn rate(count: u64, unit_ns: u64) -> std::result::Result<Rate, &'static str> {
    let rate = match unit_ns {
        0 => Some(Rate::Hertz(count)),
        _ => count.checked_mul(unit_ns).map(Rate::PeriodNs),
    };
    match rate {
        _ if count == 0 => Err("it would never fire"),
        None => Err(TOO_GREAT),
        Some(rate) if rate.period_ns() < SHORTEST_NS => Err("it would fire more than 5000 times a second"),
        Some(rate) => Ok(rate),
    }
}

fn refused(wanted: &Wanted, why: &str) -> ProbeError {
    let advice =
        "write a number and a unit, as in `tick-1s`, `tick-100ms`, `profile-997hz`; 200us is the shortest time";
    no_match(wanted).help([format!("{why}: {advice}")])
}

fn layout() -> Layout {
    let stability = Stability::of_all(Attributes::EVOLVING);
    Layout { raw: vec![Value::Pc(false), Value::Pc(true)], stability, ..Layout::default() }
}
