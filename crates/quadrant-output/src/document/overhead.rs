//! What a trace has cost, and what was done about it.

use super::Header;
use super::line;
use super::object::Object;
use crate::json;
use crate::overhead::Action;
use crate::overhead::Cost;
use crate::overhead::Probe;
use crate::overhead::Step;
use crate::overhead::part;

/// Append what a trace has cost.
pub fn cost(out: &mut Vec<u8>, header: &Header<'_>, cost: &Cost<'_>) {
    line(out, "overhead", header, |object| members(object, cost));
}

/// Append what is done to spare the machine.
pub fn limit(out: &mut Vec<u8>, header: &Header<'_>, step: &Step<'_>) {
    line(out, "limit", header, |object| step_members(object, step));
}

/// Append what a trace has cost, in the way of bpftrace's JSON.
pub fn peer_cost(out: &mut Vec<u8>, cost: &Cost<'_>) {
    json::object(out, "overhead", |out| Object::write(out, |object| members(object, cost)));
}

/// Append what is done to spare the machine, in the way of bpftrace's JSON.
pub fn peer_limit(out: &mut Vec<u8>, step: &Step<'_>) {
    json::object(out, "limit", |out| Object::write(out, |object| step_members(object, step)));
}

fn members(object: &mut Object<'_>, cost: &Cost<'_>) {
    object.number("elapsed_ns", cost.elapsed_ns.into());
    object.number("cpus", cost.cpus.into());
    let (probes, why) = match &cost.probes {
        Ok(probes) => (probes.as_slice(), None),
        Err(why) => (&[][..], Some(why.as_bytes())),
    };
    object.list("probes", probes, |out, probe| {
        Object::write(out, |object| probe_members(object, probe, cost.elapsed_ns));
    });
    object.maybe_text("unknown", why);
    object.number("tracer_cpu_ns", cost.tracer_cpu_ns.into());
    object.maybe_number("tracer_peak_bytes", cost.tracer_peak.map(i128::from));
    object.list("limits", &cost.steps, |out, step| Object::write(out, |object| step_members(object, step)));
}

fn probe_members(object: &mut Object<'_>, probe: &Probe<'_>, elapsed_ns: u64) {
    object.text("probe", probe.name.as_bytes());
    object.number("points", probe.points.into());
    object.number("runs", probe.runs.into());
    object.number("run_time_ns", probe.run_time_ns.into());
    object.maybe_number("mean_ns", probe.mean_ns().map(i128::from));
    object.number("cpu_ppm", ppm(part(probe.run_time_ns, elapsed_ns)));
    object.number("misses", probe.misses.into());
    object.bool("traps", probe.traps);
}

fn step_members(object: &mut Object<'_>, step: &Step<'_>) {
    object.text("action", step.action.name().as_bytes());
    let every = if let Action::Sampled(every) = step.action { Some(every.into()) } else { None };
    object.maybe_number("every", every);
    object.number("after_ns", step.after_ns.into());
    object.number("cpu_ppm", ppm(step.share));
    object.number("limit_ppm", ppm(step.limit));
    object.maybe_text("why", step.why.map(str::as_bytes));
}

/// Millionths.
fn ppm(share: f64) -> i128 {
    (share * 1e6).round() as i128
}
