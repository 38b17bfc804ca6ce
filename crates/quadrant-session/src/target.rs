//! The running kernel and machine as code generation wants to know them.

use quadrant_bpf::features::Features;
use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::target::Target;
use quadrant_codegen::target::native;
use quadrant_program::Program;
use quadrant_program::probe::Site;

use crate::clock;
use crate::error::Error;

/// Default size of the ring buffer in bytes: a quarter of a second of a million small records a second.
const RING_BYTES: u32 = 16 << 20;
/// Default number of keys of a map that takes memory only as keys come.
const GROWING_KEYS: u32 = 1 << 16;
/// Default number of keys of a map whose memory is taken at creation.
const FIXED_KEYS: u32 = 1 << 13;
/// Distinct stacks kept.
const STACK_KEYS: u32 = 1 << 14;

/// The target for a program; features are tried only if the program needs them.
pub(crate) fn target(program: &Program, features: &Features) -> Result<Target, Error> {
    let records = !program.records.is_empty();
    let keyed = program.maps.iter().any(|map| map.key.is_some());
    let no_prealloc = keyed && features.growing_hash();
    let default_keys = if no_prealloc { GROWING_KEYS } else { FIXED_KEYS };
    Ok(Target {
        ncpus: quadrant_bpf::cpus::possible_count()? as u32,
        ring_buffer: records && features.ring_buffer(),
        bpf_loop: features.bpf_loop(),
        for_each_map_elem: features.for_each_map_elem(),
        no_prealloc,
        ktime_tai: features.helper(ProgramKind::Kprobe, quadrant_bpf::helper::KTIME_GET_TAI_NS),
        atomic_fetch: features.atomic_fetch(),
        tai_offset_ns: clock::tai_offset_ns(),
        ring_bytes: ring_bytes(program),
        map_keys: program.config.max_map_keys.unwrap_or(default_keys),
        stack_keys: STACK_KEYS,
        arch: native(),
    })
}

/// A power of two of pages.
fn ring_bytes(program: &Program) -> u32 {
    let page = rustix::param::page_size() as u32;
    program.config.ring_pages.map_or(RING_BYTES, |pages| pages.clamp(1, 1 << 18).next_power_of_two().saturating_mul(page))
}

/// Whether any point is in user code.
pub(crate) fn uses_uprobes(program: &Program) -> bool {
    let user = |site: &Site| matches!(site, Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. });
    program.points.iter().any(|point| user(&point.site))
}
