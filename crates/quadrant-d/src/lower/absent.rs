//! Names of DTrace that have no value on Linux: a message says why, and what to use instead.

use quadrant_program::span::Span;

use super::Lower;

/// Variables, and why there is none.
pub(super) const VARIABLES: &[(&str, &str)] = &[("chip", PACKAGE), ("curproc", PROCESS)];

/// Members of the translated structs.
pub(super) const MEMBERS: &[(&str, &str)] = &[
    ("cpu_chip", PACKAGE),
    ("cpu_lgrp", "a program knows the memory node of its own processor only: `lgrp`"),
    ("cpu_info", "what /proc/cpuinfo has is nothing that programs can read"),
    ("tcps_active", "Linux forgets who opened a connection: tcp:::connect-* and tcp:::accept-* tell when it is opened"),
    (
        "tcps_iss",
        "Linux forgets the first sequence number of a connection: take `args[4]->tcp_seq` of the packet with TH_SYN",
    ),
    (
        "tcps_irs",
        "Linux forgets the first sequence number of the other side: take `args[4]->tcp_seq` of its packet with TH_SYN",
    ),
    ("pr_argc", ARGUMENTS),
    ("pr_argv", ARGUMENTS),
    (
        "pr_envp",
        "Linux keeps where the environment's texts are, not the pointers: `curthread->mm->env_start` to `env_end`",
    ),
    // Of the threads and processes of other kernels.
    ("t_procp", PROCESS),
    ("td_proc", PROCESS),
    ("t_pri", PRIORITY),
    ("td_priority", PRIORITY),
    ("t_cpu", "the processor is `curcpu`, its number `cpu`; sched:::enqueue and sched:::dequeue tell of its queue"),
    ("t_did", THREAD),
    ("t_tid", THREAD),
    ("td_tid", THREAD),
    ("t_lwp", "Linux's thread is one struct: `curlwpsinfo` tells of it, and `curthread` itself"),
    ("t_state", "use `curlwpsinfo->pr_state`"),
    ("t_wchan", "use `curlwpsinfo->pr_wchan`"),
    ("t_cid", "use `curlwpsinfo->pr_clname`"),
    ("td_name", "use `execname`, which is the thread's name, or `curthread->comm`"),
];

/// Names of variables in other kernels, and what Linux has.
pub(super) const SYMBOLS: &[(&str, &str)] = &[
    ("lbolt", TICKS),
    ("lbolt64", TICKS),
    ("hz", "times are in nanoseconds here: use `timestamp`"),
    ("utsname", "Linux has it in \"`init_uts_ns.name\": stringof(`init_uts_ns.name.nodename)"),
    ("ncpus", CPUS),
    ("mp_ncpus", CPUS),
    ("physmem", "Linux has it in \"`_totalram_pages\""),
    ("freemem", "Linux has it in the first word of \"`vm_zone_stat\": *(long *)&`vm_zone_stat"),
    ("hp_avenrun", "Linux has it in \"`avenrun\", in units of 1/2048"),
    ("practive", FIRST),
    ("allproc", FIRST),
];

const TICKS: &str = "Linux counts ticks in \"`jiffies\"; `timestamp` is in nanoseconds";

const CPUS: &str = "Linux has it in \"`nr_cpu_ids\"";

const FIRST: &str = "Linux's list of processes starts with \"`init_task\", in its member `tasks`";

const PROCESS: &str = "on Linux `curthread` is a struct task_struct: `pid`, `execname` and `curpsinfo` tell of its process, \
    which is `curthread->group_leader`, the parent is `curthread->real_parent`";

const PRIORITY: &str = "the priority is `curlwpsinfo->pr_pri`; the idle thread has `pid == 0`";

const THREAD: &str = "the thread's number is `tid`, of another thread `->pid`";

const ARGUMENTS: &str = "Linux keeps where the arguments' texts are, not the pointers: `pr_psargs` has them, and \
    `copyinstr(curthread->mm->arg_start)` the first";

const PACKAGE: &str = "programs cannot ask where a processor is: compare `cpu` with \
    /sys/devices/system/cpu/cpu*/topology/physical_package_id";

impl Lower<'_> {
    /// Fails for a name that there is not: why not, if it is one of DTrace's, or else what is nearly called so.
    pub(super) fn fail_absent<T>(
        &mut self,
        known: &[(&str, &str)],
        (name, span): (&str, Span),
        tag: &'static str,
        message: String,
        near: Option<impl AsRef<str>>,
    ) -> Option<T> {
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, why)) => self.fail_help(span, tag, message, *why),
            None => self.fail_near(span, tag, message, near),
        }
    }
}
