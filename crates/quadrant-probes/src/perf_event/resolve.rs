//! Which event, and after how many.

use super::list::{events, names};
use crate::error::{Result, advise, error, no_match};
use crate::number;
use crate::number::LONGEST_PERIOD;
use crate::point::plain;
use quadrant_program::probe::{Found, ProbeError, ProbeKind, ProbeSpec, Site};

/// Values of `perf_event_attr.type`.
const TYPE_HARDWARE: u32 = 0;
const TYPE_SOFTWARE: u32 = 1;

/// `["page-faults"]` or `["page-faults", "100"]`.
pub(crate) fn resolve(spec: &ProbeSpec) -> Result<Found> {
    let kind = spec.kind.name();
    let (name, count) = match spec.parts.as_slice() {
        [name] => (name, ""),
        [name, count] => (name, count.as_str()),
        _ => return Err(error(format!("a {kind} probe is written `{kind}:event` or `{kind}:event:count`"))),
    };
    if name.is_empty() {
        return Err(error("the probe names no event"));
    }
    if is_raw(name) {
        return Err(raw(spec.kind, name));
    }
    let known = events(spec.kind).iter().find(|event| event.name == name || event.alias == name);
    let event = known.ok_or_else(|| no_match(format!("there is no {kind} event `{name}`"), name, names(spec.kind)))?;
    // 0 and nothing both mean the default.
    let period = if count.is_empty() { Some(0) } else { number::parse(count) };
    let period = period.ok_or_else(|| error(format!("the count `{count}` of {kind}:{name} is no whole number")))?;
    if period > LONGEST_PERIOD {
        return Err(error(format!(
            "the count `{count}` of {kind}:{name} is too much: the kernel takes up to {LONGEST_PERIOD}"
        )));
    }
    let site = Site::PerfEvent {
        kind: if spec.kind == ProbeKind::Hardware { TYPE_HARDWARE } else { TYPE_SOFTWARE },
        config: event.config,
        period: if period == 0 { event.period } else { period },
    };
    let suffix = if period == 0 { String::new() } else { format!(":{period}") };
    Ok(plain(site, format!("{kind}:{name}{suffix}")))
}

/// Whether it is an event as only one kind of processor has it, in one of perf's spellings: `r01c2`, `cpu/event=0x3c/`; or its number.
fn is_raw(name: &str) -> bool {
    let is_hex = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = name.strip_prefix("0x").or_else(|| name.strip_prefix('r'));
    name.contains('/') || digits.is_some_and(is_hex) || name.bytes().all(|byte| byte.is_ascii_digit())
}

fn raw(kind: ProbeKind, name: &str) -> ProbeError {
    let message =
        format!("not supported: `{name}` is an event of one kind of processor, and {} probes are named", kind.name());
    let names: Vec<&str> = events(ProbeKind::Hardware).iter().map(|event| event.name).collect();
    let known = format!("events that processors have in common are {}", names.join(", "));
    advise(message, known).help([format!("perf knows the others: `perf record -e {name} -g`, `perf script`")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;

    fn site(kind: ProbeKind, parts: &[&str]) -> (Site, String) {
        let found = resolve(&spec(kind, parts)).unwrap();
        (found.point.site, found.point.name)
    }

    #[test]
    fn events_and_periods() {
        let faults = |period| Site::PerfEvent { kind: 1, config: 2, period };
        assert_eq!(site(ProbeKind::Software, &["faults", "1"]), (faults(1), "software:faults:1".into()));
        assert_eq!(site(ProbeKind::Software, &["page-faults"]), (faults(100), "software:page-faults".into()));
        assert_eq!(site(ProbeKind::Software, &["page-faults", ""]).0, faults(100));
        let cycles = Site::PerfEvent { kind: 0, config: 0, period: 1_000_000 };
        assert_eq!(site(ProbeKind::Hardware, &["cycles", "1e6"]), (cycles, "hardware:cycles:1000000".into()));
    }

    #[test]
    fn events_of_one_kind_of_processor_are_no_misspelt_names() {
        for name in ["r01c2", "cpu/event=0x3c,umask=0x0/", "0x3c", "60", "rff"] {
            let error = resolve(&spec(ProbeKind::Hardware, &[name, "1000"])).unwrap_err();
            assert!(error.message.contains("not supported: `") && error.help.len() == 2, "{error:?}");
        }
        let error = resolve(&spec(ProbeKind::Hardware, &["ref-cycle"])).unwrap_err();
        assert_eq!(error.help, ["did you mean `ref-cycles`?".into()]);
    }

    #[test]
    fn bad_events() {
        let refused = |parts: &[&str]| resolve(&spec(ProbeKind::Software, parts)).unwrap_err();
        let error = refused(&["page-fault"]);
        assert_eq!(error.help, ["did you mean `page-faults`?".into()]);
        assert_eq!(refused(&[""]).message, "the probe names no event");
        assert!(refused(&["cpu", "x"]).message.contains("no whole number"));
        assert!(refused(&["cpu", "9223372036854775808"]).message.contains("too much"));
        assert!(refused(&["cpu", "1", "2"]).message.contains("is written"));
    }
}
