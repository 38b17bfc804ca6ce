//! The running kernel and machine as code generation wants to know them.

use std::os::unix::fs::MetadataExt;

use quadrant_bpf::features::Features;
use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::target::PathOffsets;
use quadrant_codegen::target::Target;
use quadrant_codegen::target::TaskIds;
use quadrant_codegen::target::TaskOffsets;
use quadrant_program::Program;
use quadrant_program::arch::native;
use quadrant_program::expr::Builtin;
use quadrant_program::map::MapValue;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_types::Types;

use crate::clock;
use crate::error::Error;
use crate::object::kernel_version;
use crate::pins;
use crate::uses::Needs;
use crate::uses::mentions;
use crate::uses::sends;
use crate::uses::takes_stacks;

/// Default size of the ring buffer in bytes: a tenth of a second of a million small records a second.
const RING_BYTES: u32 = 4 << 20;
/// The same when only timers, BEGIN and END send records: a few, now and then.
const SMALL_RING_BYTES: u32 = 256 << 10;
/// Default number of keys of a map that takes memory only as keys come.
const GROWING_KEYS: u32 = 1 << 16;
/// Default number of keys of a map whose memory is taken at creation.
const FIXED_KEYS: u32 = 1 << 13;
/// As the kernel's macro KERNEL_VERSION has it.
const LINUX_6_13: u64 = 6 << 16 | 13 << 8;
const LINUX_5_11: u64 = 5 << 16 | 11 << 8;
/// Distinct stacks kept, of about a kilobyte each, where memory for them is taken only as they come.
const GROWING_STACKS: u32 = 1 << 16;
/// The most of them: a gigabyte, if all are long.
const MOST_STACKS: u32 = 1 << 20;
/// Short stacks kept in memory that is taken at creation: 2 MB of it.
const SHORT_STACKS: u32 = 1 << 12;
/// Distinct stacks kept where their memory is taken at creation.
const FIXED_STACKS: u32 = 1 << 14;

/// The target for a program; features are tried only if the program needs them.
pub(crate) fn target(program: &Program, features: &Features, types: &Types) -> Result<Target, Error> {
    let records = !program.records.is_empty();
    let keyed = program.maps.iter().any(|map| map.key.is_some());
    let mut needs = Needs::of(program);
    if pins::paths(program).next().is_some() {
        // Texts are made harmless in loops, and the kernel formats numbers better since it has walks over maps.
        (needs.repeats, needs.walks_maps) = (true, true);
    }
    let stacks = program.clauses.iter().any(takes_stacks);
    let no_prealloc = (keyed || stacks) && features.growing_hash();
    let asked_keys = program.config.max_map_keys;
    // Only stacks differ by version.
    let version = stacks.then(kernel_version);
    let (default_keys, stack_keys, short_stacks) = match no_prealloc {
        true => (GROWING_KEYS, growing_stacks(asked_keys), SHORT_STACKS),
        false => (FIXED_KEYS, FIXED_STACKS, 0),
    };
    let comm_offset = comm_offset(program, features, types);
    Ok(Target {
        ncpus: quadrant_bpf::cpus::possible_count()? as u32,
        ring_buffer: records && features.ring_buffer(),
        bpf_loop: needs.repeats && features.bpf_loop(),
        for_each_map_elem: needs.walks_maps && features.for_each_map_elem(),
        no_prealloc,
        ktime_tai: needs.tai && features.helper(ProgramKind::Kprobe, quadrant_bpf::helper::KTIME_GET_TAI_NS),
        atomic_fetch: features.atomic_fetch(),
        guarded: aggregates_in_guarded(program) && features.growing_hash(),
        tai_offset_ns: clock::tai_offset_ns(),
        wall_offset_ns: clock::wall_offset_ns(),
        pid_namespace: pid_namespace(features),
        ring_bytes: ring_bytes(program),
        comm_offset,
        task_ids: comm_offset.and_then(|_| task_ids(types)),
        write_user: needs.writes_user && features.helper(ProgramKind::Kprobe, quadrant_bpf::helper::PROBE_WRITE_USER),
        override_return: needs.overrides && features.helper(ProgramKind::Kprobe, quadrant_bpf::helper::OVERRIDE_RETURN),
        task: if needs.ancestors { task_offsets(types) } else { None },
        path: if needs.paths { path_offsets(types) } else { None },
        session_is_return: None,
        sampling: false,
        numbers_walks: false,
        map_keys: asked_keys.unwrap_or(default_keys),
        stack_keys,
        short_stacks,
        programs_come_twice: cfg!(target_arch = "x86_64") && version.is_some_and(|version| version < LINUX_5_11),
        syscall_events_have_frame: version.is_some_and(|version| version >= LINUX_6_13),
        fronts: no_prealloc,
        arch: native(),
    })
}

/// Who asks for more keys than there is room for stacks may have one in each of them.
pub(crate) fn growing_stacks(asked_keys: Option<u32>) -> u32 {
    asked_keys.map_or(GROWING_STACKS, |keys| keys.clamp(GROWING_STACKS, MOST_STACKS))
}

/// The namespace of process ids that this process is in, if it is not the initial one (`PROC_PID_INIT_INO`).
fn pid_namespace(features: &Features) -> Option<(u64, u64)> {
    const INITIAL: u64 = 0xefff_fffc;
    let metadata = std::fs::metadata("/proc/self/ns/pid").ok().filter(|metadata| metadata.ino() != INITIAL)?;
    let known = features.helper(ProgramKind::Kprobe, quadrant_bpf::helper::GET_NS_CURRENT_PID_TGID);
    // The kernel's own form of a device: major and minor number in 12 and 20 bits.
    let device = u64::from(rustix::fs::major(metadata.dev())) << 20 | u64::from(rustix::fs::minor(metadata.dev()));
    known.then_some((device, metadata.ino()))
}

/// A power of two of pages, which is no less than one for each processor: they all write to it.
fn ring_bytes(program: &Program) -> u32 {
    let least = quadrant_bpf::cpus::possible_count().unwrap_or(1) as u32;
    let page = rustix::param::page_size() as u32;
    let default = if sends_often(program) { RING_BYTES } else { SMALL_RING_BYTES };
    let asked = |pages: u32| pages.max(least).min(1 << 18).next_power_of_two().saturating_mul(page);
    program.config.ring_pages.map_or(default, asked)
}

/// Where a task keeps its name, if a busy clause wants it: reading it in place is cheaper than the helper, but BTF must be opened.
fn comm_offset(program: &Program, features: &Features, types: &Types) -> Option<u32> {
    let busy = |clause: &&Clause| clause.points.iter().any(|point| is_busy(program, point));
    let wanted = program.clauses.iter().filter(busy).any(|clause| mentions(clause, Builtin::Comm));
    if !wanted || !features.helper(ProgramKind::Tracepoint, quadrant_bpf::helper::GET_CURRENT_TASK_BTF) {
        return None;
    }
    offset(types, "task_struct", "comm")
}

fn task_ids(types: &Types) -> Option<TaskIds> {
    let offset = |member| offset(types, "task_struct", member);
    Some(TaskIds { pid: offset("pid")?, tgid: offset("tgid")? })
}

fn task_offsets(types: &Types) -> Option<TaskOffsets> {
    let offset = |member| offset(types, "task_struct", member);
    Some(TaskOffsets { tgid: offset("tgid")?, real_parent: offset("real_parent")? })
}

fn path_offsets(types: &Types) -> Option<PathOffsets> {
    // A name is a `struct qstr`: its length, with the hash in a union, and the pointer.
    let name = offset(types, "dentry", "d_name")?;
    Some(PathOffsets {
        mnt: offset(types, "path", "mnt")?,
        dentry: offset(types, "path", "dentry")?,
        mnt_root: offset(types, "vfsmount", "mnt_root")?,
        mount: offset(types, "mount", "mnt")?,
        mnt_parent: offset(types, "mount", "mnt_parent")?,
        mnt_mountpoint: offset(types, "mount", "mnt_mountpoint")?,
        d_parent: offset(types, "dentry", "d_parent")?,
        name_len: name + offset(types, "qstr", "len")?,
        name: name + offset(types, "qstr", "name")?,
    })
}

/// Bytes before a member of a struct of the kernel.
fn offset(types: &Types, tag: &str, member: &str) -> Option<u32> {
    let of = types.lookup_struct(tag)?;
    types.find_member(of, member)?.byte_offset().try_into().ok()
}

/// Whether it can matter that programs of tracepoints and trampolines are kept from interrupting themselves.
fn aggregates_in_guarded(program: &Program) -> bool {
    let is_guarded = |site: &Site| {
        matches!(site, Site::Tracepoint { .. } | Site::RawTracepoint { .. } | Site::Fentry(_) | Site::Fexit(_))
    };
    program.maps.iter().any(|map| matches!(map.value, MapValue::Aggregation(_)))
        && program.points.iter().any(|point| is_guarded(&point.site))
}

/// Fires as often as the machine likes.
fn is_busy(program: &Program, point: &PointId) -> bool {
    let site = &program.points[point.0 as usize].site;
    !site.is_run() && !matches!(site, Site::Error | Site::Interval { .. })
}

/// Whether a clause that runs as often as the machine likes sends records.
fn sends_often(program: &Program) -> bool {
    program.clauses.iter().any(|clause| clause.points.iter().any(|point| is_busy(program, point)) && sends(clause))
}
