//! What the optimizer may do with calls of BPF helpers.

use quadrant_bpf::helper;

use super::ir::Purity;

/// The purity of a helper, by its number. Unknown helpers have effects.
pub fn helper_purity(number: u32) -> Purity {
    match number {
        // Another task or processor cannot take over in the middle of a tracing program: migration is disabled while it runs.
        helper::GET_SMP_PROCESSOR_ID
        | helper::GET_CURRENT_PID_TGID
        | helper::GET_CURRENT_UID_GID
        | helper::GET_CURRENT_TASK
        | helper::GET_CURRENT_TASK_BTF
        | helper::GET_NUMA_NODE_ID
        | helper::GET_CURRENT_CGROUP_ID
        | helper::GET_CURRENT_ANCESTOR_CGROUP_ID
        | helper::GET_FUNC_IP
        | helper::GET_ATTACH_COOKIE => Purity::Pure,
        helper::KTIME_GET_NS
        | helper::KTIME_GET_BOOT_NS
        | helper::KTIME_GET_COARSE_NS
        | helper::KTIME_GET_TAI_NS
        | helper::JIFFIES64
        | helper::GET_PRANDOM_U32
        | helper::STRNCMP
        | helper::RINGBUF_QUERY
        | helper::MAP_LOOKUP_ELEM
        | helper::MAP_LOOKUP_PERCPU_ELEM
        | helper::PER_CPU_PTR
        | helper::THIS_CPU_PTR => Purity::ReadOnly,
        _ => Purity::Effect,
    }
}
