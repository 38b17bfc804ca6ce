// How often a process sleeps, and that it wakes up.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define TASK_INTERRUPTIBLE 1

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, u64);
} slept SEC(".maps");

const volatile int target_tgid;
u64 sleeps, ended, total_ns;

static long state_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((struct task_struct___old *)task, state);
}

SEC("raw_tp/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 out = BPF_CORE_READ(prev, pid), in = BPF_CORE_READ(next, pid);
	u64 now = bpf_ktime_get_ns(), *since;

	if (!preempt && BPF_CORE_READ(prev, tgid) == target_tgid && state_of(prev) & TASK_INTERRUPTIBLE) {
		__sync_fetch_and_add(&sleeps, 1);
		bpf_map_update_elem(&slept, &out, &now, BPF_ANY);
	}
	since = bpf_map_lookup_elem(&slept, &in);
	if (since) {
		__sync_fetch_and_add(&ended, 1);
		__sync_fetch_and_add(&total_ns, now - *since);
		bpf_map_delete_elem(&slept, &in);
	}
	return 0;
}
