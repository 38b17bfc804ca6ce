//! `cpc:::EVENT-MODE-COUNT`: every so many events that the processor or the kernel counts. Modes are `all`, `user`, `kernel`.

use super::layout::{Layout, Stability, Value};
use super::pattern::Wanted;
use super::{Probe, Provider, Providers, Result, Row, advise, no_match};
use crate::ast::Attributes;
use quadrant_program::probe::{Found, Point, ProbeError, ProbeKind, Site};

const NAME: &str = "cpc";

/// More often than that is refused, as DTrace does.
const FEWEST: u64 = 5_000;

/// Values of `perf_event_attr.type`.
const SOFTWARE: u32 = 1;

pub(super) const PROVIDER: Provider =
    Provider { is_called: |pattern| pattern.matches(NAME), find, list, of_id: |_, _| None, knows: |_| false };

/// Names of processor events that DTrace has on all platforms, and those of perf.
const GENERIC: &[(&str, &str)] = &[
    ("PAPI_tot_cyc", "cpu-cycles"),
    ("PAPI_tot_ins", "instructions"),
    ("PAPI_br_ins", "branch-instructions"),
    ("PAPI_br_msp", "branch-misses"),
    ("PAPI_l3_tca", "cache-references"),
    ("PAPI_l3_tcm", "cache-misses"),
    ("cycles", "cpu-cycles"),
];

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    let name = wanted.name.literal().filter(|name| wanted.accepts("", "", name));
    let Some((name, (event, mode, count))) = name.and_then(|name| Some((name, parts(name)?))) else {
        return if wanted.provider.literal().is_some() { Err(form(wanted)) } else { Ok(Vec::new()) };
    };
    let found = lookup(providers, event, count)?;
    let is_hardware = matches!(found.point.site, Site::PerfEvent { kind, .. } if kind != SOFTWARE);
    if is_hardware && count.parse::<u64>().is_ok_and(|count| count < FEWEST) {
        return Err(advise(format!("{NAME}:::{name}: {count} is too few events"), format!("the least is {FEWEST}")));
    }
    let full = format!("{NAME}:::{name}");
    let id = providers.on_demand.number(&full);
    let point = Point { name: full, func: String::new(), ..found.point };
    Ok(vec![providers.probe(point, id, layout(mode))])
}

/// They are made when they are asked for: a pattern shows one of each event by its name. Whether
/// this machine has a counter for it shows when it is opened.
fn list(providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    if wanted.name.literal().is_some() {
        find(providers, wanted)?.into_iter().for_each(|probe| show(Row { id: probe.id, name: probe.point.name }));
        return Ok(());
    }
    for name in examples(providers)?.into_iter().filter(|name| wanted.accepts("", "", name)) {
        let name = format!("{NAME}:::{name}");
        show(Row { id: providers.on_demand.number(&name), name });
    }
    Ok(())
}

/// Rare enough to do no harm, as DTrace shows them.
fn examples(providers: &Providers<'_>) -> Result<Vec<String>> {
    let mut events = providers.source.list(ProbeKind::Hardware, &["*".to_owned()])?;
    events.extend(providers.source.list(ProbeKind::Software, &["*".to_owned()])?);
    let event = |name: &String| Some(name.split(':').nth(1)?.replace('-', "_"));
    Ok(events.iter().filter_map(event).map(|event| format!("{event}-all-1000000000")).collect())
}

/// `cache_misses-user-10000`: event, mode and count; the event may have more dashes.
fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let (rest, count) = name.rsplit_once('-')?;
    let (event, mode) = rest.rsplit_once('-')?;
    (matches!(mode, "all" | "user" | "kernel") && count.bytes().all(|byte| byte.is_ascii_digit()) && !count.is_empty())
        .then_some((event, mode, count))
}

fn lookup(providers: &Providers<'_>, event: &str, count: &str) -> Result<Found> {
    let generic = GENERIC.iter().find(|(name, _)| name.eq_ignore_ascii_case(event)).map(|(_, perf)| (*perf).to_owned());
    let name = generic.unwrap_or_else(|| event.replace('_', "-"));
    let hardware = providers.first(ProbeKind::Hardware, &[&name, count]);
    let found = hardware.or_else(|refusal| providers.first(ProbeKind::Software, &[&name, count]).map_err(|_| refusal));
    found.map_err(|refusal| refusal.help([EVENTS.to_owned()]))
}

const EVENTS: &str = "events are, among others, `cpu_cycles`, `instructions`, `cache_misses`, `branch_misses`, and of the kernel \
                      `cpu_clock`, `page_faults`, `context_switches`";

fn form(wanted: &Wanted) -> ProbeError {
    let help = "write an event, a mode (all, user, kernel) and a count, as in `cpc:::cache_misses-all-10000`";
    no_match(wanted).help([help.to_owned()])
}

/// What holds in a process, and in the kernel.
pub(super) const PREDICATES: [&str; 2] = ["arg1 != 0", "arg0 != 0"];

/// Where the processor was tells in which mode it was.
fn layout(mode: &str) -> Layout {
    let predicate = match mode {
        "user" => Some(PREDICATES[0].into()),
        "kernel" => Some(PREDICATES[1].into()),
        _ => None,
    };
    let raw = vec![Value::Pc(false), Value::Pc(true)];
    Layout { inputs: raw.clone(), raw, predicate, stability: STABILITY, ..Layout::default() }
}

const STABILITY: Stability = Stability::of_all(Attributes::EVOLVING);
