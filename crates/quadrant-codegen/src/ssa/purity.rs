//! What the optimizer may do with calls of BPF helpers.

use super::ir::Purity;

/// The purity of a helper, by its number in `include/uapi/linux/bpf.h`. Unknown helpers have effects.
pub fn helper_purity(helper: u32) -> Purity {
    match helper {
        // get_smp_processor_id, get_current_pid_tgid, get_current_uid_gid, get_current_task,
        // get_numa_node_id, get_current_cgroup_id, get_current_ancestor_cgroup_id,
        // get_current_task_btf, get_func_ip, get_attach_cookie.
        // A tracing program is not preempted by another task's program: migration is disabled while it runs.
        8 | 14 | 15 | 35 | 42 | 80 | 123 | 158 | 173 | 174 => Purity::Pure,
        // ktime_get_ns, get_prandom_u32, jiffies64, ktime_get_boot_ns, ktime_get_coarse_ns, ktime_get_tai_ns, strncmp.
        5 | 7 | 118 | 125 | 160 | 208 | 182 => Purity::ReadOnly,
        // map_lookup_elem, ringbuf_query, map_lookup_percpu_elem, this_cpu_ptr, per_cpu_ptr.
        1 | 134 | 195 | 154 | 153 => Purity::ReadOnly,
        _ => Purity::Effect,
    }
}
