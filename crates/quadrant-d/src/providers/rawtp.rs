//! `rawtp:CATEGORY::EVENT`: the tracepoints of `sdt` with the arguments that the kernel hands to them, and those that no trace event
//! belongs to (module `vmlinux`).

use super::pattern::Wanted;
use super::sdt::{Kind, layout};
use super::{KERNEL, Probe, Provider, Providers, Result, Row, ids};
use quadrant_program::probe::{Found, Point, ProbeKind};
use std::collections::HashSet;

pub(super) const PROVIDER: Provider =
    Provider { is_called: |pattern| pattern.matches(RAWTP.name), find, list, of_id, knows: |_| false };

const RAWTP: Kind = Kind { name: "rawtp", ids: ids::RAWTP, recorded: false };

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    let mut probes = RAWTP.find(providers, wanted)?;
    if probes.is_empty() || wanted.name.literal().is_none() {
        for event in eventless(providers, wanted)? {
            probes.extend(probe(providers, event)?);
        }
    }
    Ok(probes)
}

fn list(providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    RAWTP.list(providers, wanted, show)?;
    for event in eventless(providers, wanted)? {
        show(Row { id: id(providers, event), name: full_name(event) });
    }
    Ok(())
}

fn of_id(providers: &Providers<'_>, id: u32) -> Option<Wanted> {
    let Some(place) = ids::place(&ids::EVENTLESS, id) else { return RAWTP.of_id(providers, id) };
    let name = providers.raw_events().ok()?.get(place as usize)?;
    Some(Wanted::new(RAWTP.name, KERNEL, "", name))
}

/// Raw tracepoints that are meant and have no trace event.
fn eventless<'a>(providers: &'a Providers<'_>, wanted: &Wanted) -> Result<Vec<&'a str>> {
    if !wanted.module.matches(KERNEL) || !wanted.function.matches("") {
        return Ok(Vec::new());
    }
    let with_event: HashSet<&str> = providers.events()?.iter().map(|(_, event)| event.as_str()).collect();
    let is_meant = |name: &&str| wanted.name.matches(name) && !with_event.contains(name);
    Ok(providers.raw_events()?.iter().map(String::as_str).filter(is_meant).collect())
}

fn full_name(event: &str) -> String {
    format!("{}:{KERNEL}::{event}", RAWTP.name)
}

fn id(providers: &Providers<'_>, event: &str) -> u32 {
    let place =
        providers.raw_events().ok().and_then(|names| names.binary_search_by(|name| name.as_str().cmp(event)).ok());
    let fixed = place.and_then(|place| ids::at(&ids::EVENTLESS, u32::try_from(place).ok()?));
    fixed.unwrap_or_else(|| providers.on_demand.number(&full_name(event)))
}

fn probe(providers: &Providers<'_>, event: &str) -> Result<Vec<Probe>> {
    let found = providers.resolve(ProbeKind::RawTracepoint, &[event])?;
    let probe = |found: Found| {
        let layout = layout(&found.args, true);
        let point = Point { name: full_name(event), func: String::new(), ..found.point };
        providers.probe(point, id(providers, event), layout)
    };
    Ok(found.into_iter().map(probe).collect())
}
