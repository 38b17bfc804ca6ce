// Time on the run queue, as a histogram, with a structure whose layout differs between kernels.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define MAX_SLOTS 26

struct hist {
	u32 slots[MAX_SLOTS];
};

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, u64);
} start SEC(".maps");

struct hist hist;
u64 wakeups;

static __always_inline u32 log2(u64 value)
{
	u32 slot = 0;
	int i;

	for (i = 0; i < MAX_SLOTS - 1 && value > 1; i++) {
		value >>= 1;
		slot++;
	}
	return slot;
}

static int enqueue(u32 pid)
{
	u64 now = bpf_ktime_get_ns();

	if (!pid)
		return 0;
	__sync_fetch_and_add(&wakeups, 1);
	bpf_map_update_elem(&start, &pid, &now, BPF_ANY);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *task)
{
	return enqueue(BPF_CORE_READ(task, pid));
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new, struct task_struct *task)
{
	return enqueue(BPF_CORE_READ(task, pid));
}

static long state_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((struct task_struct___old *)task, state);
}

SEC("raw_tp/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 pid = BPF_CORE_READ(next, pid);
	u64 *since;
	u32 slot;

	if (state_of(prev) == 0)
		enqueue(BPF_CORE_READ(prev, pid));
	since = bpf_map_lookup_elem(&start, &pid);
	if (!since)
		return 0;
	slot = log2((bpf_ktime_get_ns() - *since) / 1000);
	if (slot < MAX_SLOTS)
		__sync_fetch_and_add(&hist.slots[slot], 1);
	bpf_map_delete_elem(&start, &pid);
	return 0;
}
