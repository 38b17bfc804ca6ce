//! The arguments of raw tracepoints.

use super::list;
use super::list::KERNEL;
use crate::error::{Result, advise, error, from_types, no_match};
use crate::glob::Glob;
use crate::point::{ArgsPool, check_count, names_nothing};
use quadrant_program::advice::{Advice, Named};
use quadrant_program::probe::{Args, Field, FieldPlace, Found, Point, ProbeKind, ProbeSpec, Site};
use quadrant_types::{Param, Types};

/// All events that `["event"]` or `["module", "event"]` means.
pub(crate) fn resolve(types: &Types, spec: &ProbeSpec, limit: usize) -> Result<Vec<Found>> {
    let (module, event) = match spec.parts.as_slice() {
        [event] => (Glob::new(KERNEL), Glob::new(event)),
        [module, event] => (Glob::new(module), Glob::new(event)),
        _ => return Err(error("a raw tracepoint is named `rawtracepoint:event`, as in `rawtracepoint:sched_switch`")),
    };
    if names_nothing(spec) {
        return Err(error("the probe names no event"));
    }
    if !module.matches(KERNEL) {
        if event.literal().is_some_and(|event| types.raw_tracepoint(event).is_ok()) {
            let message =
                format!("a raw tracepoint is in a module or in `{KERNEL}`, and `{}` is neither", module.text());
            let without = Named::probe(ProbeKind::RawTracepoint, [event.text()]);
            return Err(advise(message, Advice::one_of("categories are left out: ", vec![without], "")));
        }
        let message = format!(
            "raw tracepoints of the module `{}` are not supported: only the kernel's own BTF is read",
            module.text()
        );
        let ordinary = Named::probe(ProbeKind::Tracepoint, ["*", event.text()]);
        return Err(advise(message, Advice::one_of("use its ordinary tracepoint: ", vec![ordinary], "")));
    }
    let events = matching(types, &module, &event)?;
    check_count(&format!("rawtracepoint:{}", event.text()), events.len(), limit)?;
    let mut pool = ArgsPool::default();
    events.iter().map(|event| describe(types, event, &mut pool)).collect()
}

fn matching(types: &Types, module: &Glob, event: &Glob) -> Result<Vec<String>> {
    if let Some(event) = event.literal() {
        return Ok(vec![event.to_owned()]);
    }
    let events = list(types, module, event)?;
    if events.is_empty() {
        return Err(no_match(format!("no raw tracepoint matches `{}`", event.text()), event.text(), []));
    }
    Ok(events)
}

fn describe(types: &Types, event: &str, pool: &mut ArgsPool) -> Result<Found> {
    let raw = types.raw_tracepoint(event).map_err(|error| from_types(&error))?;
    let fields = raw.params.iter().zip(0..).map(|(param, index)| describe_param(param, index)).collect();
    let site = Site::RawTracepoint { event: event.to_owned(), btf_id: raw.btf_id };
    let name = format!("rawtracepoint:{KERNEL}:{event}");
    let args = pool.share(Args { fields, ..Args::default() });
    Ok(Found { point: Point { site, name, func: String::new() }, args })
}

fn describe_param(param: &Param, index: u8) -> Field {
    Field { name: param.name.to_string(), ty: param.ty, place: FieldPlace::Arg(index), user: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{kernel_types, spec};

    #[test]
    fn arguments_by_name() {
        let Some(types) = kernel_types() else { return };
        let spec = spec(ProbeKind::RawTracepoint, &["sched_switch"]);
        let found = resolve(&types, &spec, 10).unwrap();
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.point.name, "rawtracepoint:vmlinux:sched_switch");
        let prev = one.args.fields.iter().find(|field| field.name == "prev").unwrap();
        assert_eq!((prev.place, types.display(prev.ty).as_str()), (FieldPlace::Arg(1), "struct task_struct *"));
    }

    #[test]
    fn wildcards_and_misses() {
        let Some(types) = kernel_types() else { return };
        let find = |parts: &[&str]| resolve(&types, &spec(ProbeKind::RawTracepoint, parts), 50);
        let forks = find(&["vmlinux", "sched_process_*"]).unwrap();
        assert!(forks.len() > 3);
        let error = find(&["sched_swich"]).unwrap_err();
        assert!(error.message.contains("`sched_switch`"), "{error:?}");
        assert!(find(&["*"]).unwrap_err().message.contains("more than the limit of 50"));
        let of_category = find(&["sched", "sched_switch"]).unwrap_err();
        assert!(of_category.message.contains("`sched` is neither"), "{of_category:?}");
        assert!(find(&["xfs", "x"]).unwrap_err().message.contains("not supported"));
        assert!(find(&["no_such_*"]).is_err());
    }
}
