// What the verifier refuses: a field that no kernel has, or memory that was not checked.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct task_struct___other {
	int no_such_member;
} __attribute__((preserve_access_index));

struct task_struct___wide {
	long long prio;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} numbers SEC(".maps");

SEC("?raw_tp/sys_enter")
int field(void *ctx)
{
	struct task_struct___other *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, no_such_member);
}

SEC("?tp_btf/sys_enter")
int size(void *ctx)
{
	struct task_struct___wide *task = (void *)bpf_get_current_task_btf();

	return task->prio;
}

SEC("?raw_tp/sys_enter")
int memory(void *ctx)
{
	u32 zero = 0;
	u64 *number = bpf_map_lookup_elem(&numbers, &zero);

	*number += 1;
	return 0;
}

SEC("xdp")
int packet(void *ctx)
{
	return 2;
}
