//! Capabilities that a running trace has no use for any more.
//!
//! Loading and attaching take many. Once that is done, a trace whose answers are numbers and texts only reads its maps, which takes
//! CAP_BPF where `kernel.unprivileged_bpf_disabled` is set, and CAP_PERFMON where timers and counters follow processors; to close what is attached takes none. Names of addresses and groups are found
//! in files of the kernel and of other users' processes, and commands of the script are the user's: those traces keep all.

use quadrant_program::Program;
use quadrant_program::map::Map;
use quadrant_program::probe::Site;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::Type;
use rustix::io;
use rustix::thread;
use rustix::thread::CapabilitySet;
use rustix::thread::CapabilitySets;

use crate::user_symbols;

/// What the rest of a trace needs once all is attached; `None` for whatever there is.
pub(crate) fn needed(program: &Program, has_command: bool) -> Option<CapabilitySet> {
    let of_command = if has_command { CapabilitySet::KILL } else { CapabilitySet::empty() };
    is_plain(program).then_some(CapabilitySet::BPF | of_processors(program) | of_command)
}

/// What fires on each processor is made anew where one is switched on.
fn of_processors(program: &Program) -> CapabilitySet {
    let is_of_processors = |site: &Site| {
        matches!(
            site,
            Site::Interval { .. } | Site::Profile(_) | Site::PerfEvent { .. } | Site::Watchpoint { pid: None, .. }
        )
    };
    let any = program.points.iter().any(|point| is_of_processors(&point.site));
    if any { CapabilitySet::PERFMON } else { CapabilitySet::empty() }
}

/// Whether all that comes of a program is shown as it comes, without a look at anything but the trace's own maps.
fn is_plain(program: &Program) -> bool {
    let mut records = program.records.iter();
    records.all(|record| is_shown(&record.kind) && record.args.iter().all(is_plain_type))
        && program.maps.iter().all(is_plain_map)
}

fn is_shown(kind: &RecordKind) -> bool {
    match kind {
        RecordKind::Printf(_)
        | RecordKind::Errorf(_)
        | RecordKind::Warnf(_)
        | RecordKind::Print
        | RecordKind::PrintOwn
        | RecordKind::PrintText(_)
        | RecordKind::PrintElement(_)
        | RecordKind::PrintMap { .. }
        | RecordKind::Clear(_)
        | RecordKind::Zero(_)
        | RecordKind::Time(_)
        | RecordKind::Join(_)
        | RecordKind::Exit
        | RecordKind::Unwatch
        // Its files are open from the start on.
        | RecordKind::Packet(_) => true,
        RecordKind::System(_) | RecordKind::Cat(_) | RecordKind::Firing(_) | RecordKind::Fault => false,
    }
}

fn is_plain_map(map: &Map) -> bool {
    map.key.iter().chain(user_symbols::value_type(map)).all(is_plain_type)
}

fn is_plain_type(ty: &Type) -> bool {
    match ty {
        Type::Stack(_) | Type::Symbol { .. } | Type::CgroupPath(_) | Type::Container => false,
        Type::Record(record) => record.fields.iter().all(|field| is_plain_type(&field.ty)),
        Type::Array { elem, .. } => is_plain_type(elem),
        Type::Tuple(parts) => parts.iter().all(is_plain_type),
        Type::None
        | Type::Bool
        | Type::Int { .. }
        | Type::Float { .. }
        | Type::Enum(_)
        | Type::Pointer { .. }
        | Type::String { .. }
        | Type::Buffer { .. }
        | Type::Inet
        | Type::Mac
        | Type::Username
        | Type::ProbeName
        | Type::ProbeFunc
        | Type::Time(_)
        | Type::Errno
        | Type::SyscallName
        | Type::SignalName => true,
    }
}

/// What it takes besides to remove events from tracefs, whose files are root's.
pub(crate) fn of_tracefs() -> CapabilitySet {
    match rustix::process::geteuid().is_root() {
        true => CapabilitySet::empty(),
        false => CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH,
    }
}

/// Gives up all capabilities of this thread but those; there are no other threads while a trace runs, and later ones inherit what is left.
/// No program that is executed from here on gets them back.
pub(crate) fn keep_only(needed: CapabilitySet) -> io::Result<()> {
    let now = thread::capabilities(None)?;
    thread::set_no_new_privs(true)?;
    if now.effective.contains(CapabilitySet::SETPCAP) {
        let others = CapabilitySet::all().difference(needed);
        others
            .iter()
            .filter(|one| is_in_bounding_set(*one))
            .try_for_each(thread::remove_capability_from_bounding_set)?;
    }
    thread::clear_ambient_capability_set()?;
    let kept = now.permitted.intersection(needed);
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    thread::set_capabilities(None, sets)
}

/// A kernel that does not know a capability says EINVAL.
fn is_in_bounding_set(capability: CapabilitySet) -> bool {
    thread::capability_is_in_bounding_set(capability).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use quadrant_program::map::Aggregation;
    use quadrant_program::map::MapValue;
    use quadrant_program::record::Record;
    use quadrant_program::span::Span;
    use quadrant_program::ty::StackMode;
    use quadrant_program::ty::StackType;

    use super::*;

    fn sending(kind: RecordKind, args: Vec<Type>) -> Program {
        Program { records: vec![Record { kind, args, span: Span::default() }], ..Program::default() }
    }

    fn keeping(key: Type) -> Program {
        let map = Map::new("@", Some(key), MapValue::Aggregation(Aggregation::Count));
        Program { maps: vec![map], ..Program::default() }
    }

    #[test]
    fn numbers_and_texts_take_only_maps() {
        assert_eq!(needed(&Program::default(), false), Some(CapabilitySet::BPF));
        let text = Type::Tuple(Arc::from([Type::U64, Type::String { cap: 16 }]));
        assert_eq!(needed(&sending(RecordKind::Print, vec![text.clone()]), false), Some(CapabilitySet::BPF));
        assert_eq!(needed(&keeping(text), true), Some(CapabilitySet::BPF | CapabilitySet::KILL));
    }

    #[test]
    fn names_of_addresses_and_groups_take_all() {
        let stack = |user| Type::Stack(StackType { user, limit: 127, mode: StackMode::Bpftrace });
        for ty in [stack(true), stack(false), Type::CgroupPath(None), Type::Container] {
            let within = Type::Tuple(Arc::from([Type::U64, ty]));
            assert_eq!(needed(&keeping(within.clone()), false), None, "{within:?}");
            assert_eq!(needed(&sending(RecordKind::Print, vec![within]), false), None);
        }
    }

    #[test]
    fn what_runs_or_reads_for_the_script_takes_all() {
        let format = quadrant_program::format::Format::default;
        for kind in [RecordKind::System(format()), RecordKind::Cat(format()), RecordKind::Firing(Vec::new())] {
            assert_eq!(needed(&sending(kind, Vec::new()), true), None);
        }
    }
}
