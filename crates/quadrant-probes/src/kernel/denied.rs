//! Functions that are dangerous or useless to probe: what probes themselves run through, and what the kernel blocks.

use std::ops::Range;
use std::sync::LazyLock;

use quadrant_bpf::debugfs::DebugFs;

use super::symbols::Function;
use crate::glob::Glob;

/// Locks, RCU and preemption: every program runs through these, so a probe there runs within itself, for each event of any
/// other, and at times when the kernel is not in a state to run programs.
const INTERNALS: &[&str] = &[
    "_raw_spin_*",
    "_raw_read_*",
    "_raw_write_*",
    "__raw_spin_*",
    "do_raw_*lock*",
    "*queued_spin_lock_slowpath*",
    "queued_read_lock_slowpath",
    "queued_write_lock_slowpath",
    "osq_lock",
    "osq_unlock",
    "lock_acquire",
    "lock_release",
    "lock_is_held*",
    "lockdep_*",
    "__rcu_read_*lock*",
    "rcu_read_*lock*",
    "rcu_is_watching",
    "rcu_lockdep_*",
    "rcu_irq_*",
    "rcu_nmi_*",
    "rcu_note_context_switch",
    "rcu_preempt_deferred_qs*",
    "rcu_qs",
    "rcu_momentary_*",
    "rcu_sched_clock_irq",
    "rcu_cblist_*",
    "rcu_segcblist_*",
    "rcu_core*",
    "__call_rcu*",
    "call_rcu*",
    "__srcu_read_*lock*",
    "ct_irq_*",
    "ct_nmi_*",
    "ct_idle_*",
    "ct_user_*",
    "__ct_user_*",
    "preempt_count_add",
    "preempt_count_sub",
    "preempt_schedule*",
    "migrate_disable",
    "migrate_enable",
    "trace_hardirqs_*",
    "trace_preempt_*",
];

/// Functions that never come back to their callers: the kernel's build system has such a list, and the kernel, from 6.15 on, refuses
/// trampolines on their returns, which would never be freed.
const ENDLESS: &[&str] = &[
    "__fortify_panic",
    "__ia32_sys_exit",
    "__ia32_sys_exit_group",
    "__x64_sys_exit",
    "__x64_sys_exit_group",
    "__arm64_sys_exit",
    "__arm64_sys_exit_group",
    "__do_sys_exit*",
    "__se_sys_exit*",
    "__module_put_and_kthread_exit",
    "__stack_chk_fail",
    "__ubsan_handle_builtin_unreachable",
    "arch_cpu_idle_dead",
    "arch_call_rest_init",
    "cpu_die",
    "cpu_bringup_and_idle",
    "cpu_startup_entry",
    "cpu_park_loop",
    "do_exit",
    "do_group_exit",
    "do_task_dead",
    "ex_handler_msr_mce",
    "hlt_play_dead",
    "mwait_play_dead",
    "play_dead_common",
    "kthread_complete_and_exit",
    "kthread_exit",
    "complete_and_exit",
    "machine_real_restart",
    "make_task_dead",
    "nmi_panic_self_stop",
    "panic",
    "panic_smp_self_stop",
    "rest_init",
    "rewind_stack_and_make_dead",
    "rewind_stack_do_exit",
    "rust_begin_unwind",
    "rust_helper_BUG",
    "sev_es_terminate",
    "start_kernel",
    "stop_this_cpu",
    "usercopy_abort",
    "x86_64_start_kernel",
    "x86_64_start_reservations",
    "xen_cpu_bringup_again",
    "xen_start_kernel",
];

/// Whether a function has no return.
pub(crate) fn never_returns(name: &str) -> bool {
    static GLOBS: LazyLock<Vec<Glob>> = LazyLock::new(|| ENDLESS.iter().map(|pattern| Glob::new(pattern)).collect());
    GLOBS.iter().any(|glob| glob.matches(name))
}

/// Whether a function belongs to locks, RCU or preemption.
pub(crate) fn is_internal(name: &str) -> bool {
    static GLOBS: LazyLock<Vec<Glob>> = LazyLock::new(|| INTERNALS.iter().map(|pattern| Glob::new(pattern)).collect());
    GLOBS.iter().any(|glob| glob.matches(name))
}

/// Where the kernel allows no kprobes, by its own list.
#[derive(Debug, Default)]
pub(crate) struct Blacklist {
    /// Ascending, none within another.
    ranges: Vec<Range<u64>>,
}

impl Blacklist {
    /// The running kernel's; empty if it cannot be read, for the kernel refuses in any case.
    pub fn load() -> Self {
        let text = DebugFs::open().and_then(|debugfs| debugfs.read("kprobes/blacklist")).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// Lines `0xSTART-0xEND NAME`.
    fn parse(text: &str) -> Self {
        let hex = |text: &str| u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok();
        let range = |line: &str| {
            let (start, end) = line.split_whitespace().next()?.split_once('-')?;
            Some(hex(start)?..hex(end)?)
        };
        let mut ranges: Vec<Range<u64>> = text.lines().filter_map(range).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, kept| {
            let touches = next.start <= kept.end;
            kept.end = if touches { kept.end.max(next.end) } else { kept.end };
            touches
        });
        Self { ranges }
    }

    pub fn has(&self, function: &Function<'_>) -> bool {
        let Some(address) = function.address else { return false };
        let after = self.ranges.partition_point(|range| range.start <= address);
        self.ranges[..after].last().is_some_and(|range| range.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_and_rcu_are_internals() {
        for name in ["_raw_spin_lock_irqsave", "native_queued_spin_lock_slowpath", "__rcu_read_unlock", "call_rcu"] {
            assert!(is_internal(name), "{name}");
        }
        for name in ["vfs_read", "mutex_lock", "tcp_v4_rcv", "rcu_barrier", "spin_up"] {
            assert!(!is_internal(name), "{name}");
        }
    }

    #[test]
    fn functions_without_a_return() {
        assert!(["do_exit", "panic", "__x64_sys_exit_group", "__do_sys_exit"].into_iter().all(never_returns));
        assert!(!["do_exit_to_user", "panic_print_sys_info", "__x64_sys_read"].into_iter().any(never_returns));
    }

    #[test]
    fn the_kernels_own_list() {
        let list = Blacklist::parse("0xffffffff81000000-0xffffffff81000030\tdo_int3\nnonsense\n");
        let at = |address| list.has(&Function { name: "x", module: None, address: Some(address) });
        assert!(at(0xffff_ffff_8100_0000) && !at(0xffff_ffff_8100_0030));
        assert!(!list.has(&Function { name: "x", module: None, address: None }));
    }
}
