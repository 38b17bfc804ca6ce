//! How each program is attached, in words.

use quadrant_codegen::object::Context;
use quadrant_probes::attach::Means;
use quadrant_program::probe::PointId;

use crate::plan::Planned;
use crate::trace::Compiled;

impl Compiled {
    /// A line for each program that is attached: its first point, how many more it has, and how.
    pub fn mechanisms(&self) -> Vec<String> {
        let attached = self.units.iter().filter(|planned| planned.unit.context != Context::Run);
        attached.map(|planned| self.line(planned)).collect()
    }

    fn line(&self, planned: &Planned) -> String {
        let points: Vec<PointId> = planned.unit.all_points().collect();
        let name = points.first().and_then(|point| self.program.points.get(point.0 as usize));
        let name = name.map_or("", |point| &point.name);
        let how = words(planned);
        match points.len() {
            0 | 1 => format!("{name}: {how}"),
            count => format!("{name} and {} more: {how}", count - 1),
        }
    }
}

fn words(planned: &Planned) -> String {
    let words = match (planned.means, &planned.unit.context) {
        (Means::UprobeMulti, _) => "one link for all places of the file (uprobe_multi)",
        (Means::KprobeSession, _) => "one program and one link for entries and returns (kprobe_session)",
        (Means::KprobeMulti, _) => "one link for all functions (kprobe_multi)",
        (Means::Tracefs { maxactive: None }, _) => "events of tracefs",
        (Means::Tracefs { maxactive: Some(calls) }, _) => return format!("events of tracefs, maxactive {calls}"),
        (Means::Syscalls { .. }, _) => "one raw tracepoint for all system calls",
        (Means::Each, Context::RawTracepoint(_)) => "raw tracepoints",
        (Means::Each, Context::BtfTracepoint) => "raw tracepoint with types",
        (Means::Each, Context::Function { .. }) => "a trampoline for each function",
        (Means::Each, Context::Iter { .. }) => "an iterator of the kernel, read once",
        (Means::Each, Context::Tracepoint) => "perf events of tracepoints",
        (Means::Each, _) => "perf events",
    };
    words.to_owned()
}
