//! The kernel's helper functions that tracing programs call: what each is for, and what a call takes.

use quadrant_bpf::helper;

/// A helper function.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Helper {
    /// `enum bpf_func_id`.
    pub id: u32,
    /// What it is for.
    pub does: &'static str,
    /// Nanoseconds that a call takes, if that depends on little else. Measured in one program of 110 calls against one of ten, on an
    /// x86-64 machine with Linux 6.18; figures to compare with each other.
    pub ns: Option<f32>,
}

const fn known(id: u32, ns: f32, does: &'static str) -> Helper {
    Helper { id, does, ns: Some(ns) }
}

const fn open(id: u32, does: &'static str) -> Helper {
    Helper { id, does, ns: None }
}

/// In the order of their numbers.
const HELPERS: &[Helper] = &[
    known(helper::MAP_LOOKUP_ELEM, 23.0, "finds the value of a key in a map"),
    known(helper::MAP_UPDATE_ELEM, 82.0, "stores the value of a key in a map"),
    known(helper::MAP_DELETE_ELEM, 80.0, "removes a key from a map"),
    open(helper::PROBE_READ, "reads memory, of the kernel or a process; the address decides"),
    known(helper::KTIME_GET_NS, 30.0, "the time since the start, without sleep"),
    open(helper::TRACE_PRINTK, "writes a line into the kernel's trace_pipe"),
    known(helper::GET_PRANDOM_U32, 15.0, "a random number"),
    known(helper::GET_SMP_PROCESSOR_ID, 0.3, "the number of this CPU"),
    open(helper::TAIL_CALL, "goes on in another program"),
    known(helper::GET_CURRENT_PID_TGID, 6.0, "process and thread id"),
    known(helper::GET_CURRENT_UID_GID, 24.0, "user and group id"),
    known(helper::GET_CURRENT_COMM, 31.0, "the thread's name"),
    open(helper::PERF_EVENT_READ, "reads a counter"),
    open(helper::PERF_EVENT_OUTPUT, "sends a record through a perf buffer"),
    open(helper::GET_STACKID, "takes a stack and keeps it in a map of stacks"),
    known(helper::GET_CURRENT_TASK, 6.0, "the address of the current task_struct"),
    open(helper::PROBE_WRITE_USER, "writes into a process's memory"),
    open(helper::CURRENT_TASK_UNDER_CGROUP, "whether the current task is below a cgroup"),
    open(helper::GET_NUMA_NODE_ID, "the number of this NUMA node"),
    open(helper::PROBE_READ_STR, "reads a text, of the kernel or a process; the address decides"),
    open(helper::GET_SOCKET_COOKIE, "a number that stays the same for a socket"),
    open(helper::OVERRIDE_RETURN, "makes the probed function return at once, with this value"),
    open(helper::GET_STACK, "takes a stack"),
    known(helper::GET_CURRENT_CGROUP_ID, 19.0, "the number of the current task's cgroup"),
    open(helper::SEND_SIGNAL, "sends a signal to the current process"),
    open(helper::SKB_OUTPUT, "sends a record and a packet through a perf buffer"),
    known(helper::PROBE_READ_USER, 28.0, "reads memory of the current process"),
    known(helper::PROBE_READ_KERNEL, 22.0, "reads memory of the kernel"),
    open(helper::PROBE_READ_USER_STR, "reads a text of the current process"),
    known(helper::PROBE_READ_KERNEL_STR, 24.0, "reads a text of the kernel"),
    open(helper::SEND_SIGNAL_THREAD, "sends a signal to the current thread"),
    known(helper::JIFFIES64, 0.3, "the kernel's count of ticks"),
    open(helper::GET_NS_CURRENT_PID_TGID, "process and thread id, as a pid namespace numbers them"),
    open(helper::GET_CURRENT_ANCESTOR_CGROUP_ID, "the number of a cgroup above the current task's"),
    known(helper::KTIME_GET_BOOT_NS, 37.0, "the time since the start, with sleep"),
    open(helper::SEQ_PRINTF, "prints into an iterator's file"),
    open(helper::SEQ_WRITE, "writes into an iterator's file"),
    known(helper::RINGBUF_OUTPUT, 33.0, "copies a record into the ring buffer"),
    known(helper::RINGBUF_RESERVE, 17.0, "makes room for a record in the ring buffer"),
    known(helper::RINGBUF_SUBMIT, 7.0, "sends a record that was written in the ring buffer"),
    open(helper::RINGBUF_DISCARD, "gives the room of a record back"),
    open(helper::RINGBUF_QUERY, "asks how full the ring buffer is"),
    open(helper::GET_TASK_STACK, "takes a task's stack"),
    open(helper::D_PATH, "the path of a file"),
    open(helper::COPY_FROM_USER, "reads memory of the current process, and waits for pages that are not present"),
    known(helper::PER_CPU_PTR, 0.5, "the address of a variable on a CPU"),
    known(helper::THIS_CPU_PTR, 0.5, "the address of a variable on this CPU"),
    open(helper::TASK_STORAGE_GET, "finds a task's own value"),
    open(helper::TASK_STORAGE_DELETE, "removes a task's own value"),
    known(helper::GET_CURRENT_TASK_BTF, 6.0, "the current task_struct, with its type"),
    open(helper::KTIME_GET_COARSE_NS, "the time of the last tick"),
    open(helper::FOR_EACH_MAP_ELEM, "calls a function for each entry of a map"),
    open(helper::SNPRINTF, "formats a text"),
    open(helper::GET_FUNC_IP, "the address of the probed function"),
    open(helper::GET_ATTACH_COOKIE, "the number that was given to this attachment"),
    open(helper::TASK_PT_REGS, "the registers that a task had when it entered the kernel"),
    open(helper::TRACE_VPRINTK, "writes a line into the kernel's trace_pipe"),
    open(helper::FIND_VMA, "the mapping that an address of a task is in"),
    open(helper::LOOP, "calls a function so many times"),
    open(helper::STRNCMP, "compares a text with a constant"),
    open(helper::GET_FUNC_ARG, "an argument of the probed function"),
    open(helper::GET_FUNC_RET, "the result of the probed function"),
    open(helper::GET_FUNC_ARG_CNT, "how many arguments the probed function has"),
    open(helper::COPY_FROM_USER_TASK, "reads memory of a task, and waits for pages that are not present"),
    open(helper::MAP_LOOKUP_PERCPU_ELEM, "finds a CPU's value of a key in a map"),
    known(helper::KTIME_GET_TAI_NS, 37.0, "the time of day, without leap seconds"),
];

/// What is known of a helper function.
pub fn helper(id: u32) -> Option<&'static Helper> {
    HELPERS.iter().find(|helper| helper.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_exist() {
        assert!(HELPERS.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(HELPERS.iter().all(|known| helper::name(known.id).is_some()));
    }
}
