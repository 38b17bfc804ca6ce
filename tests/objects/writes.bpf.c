// Sizes of writes of one process, by a per-CPU map: the block layer is not on every machine, and this is the same work.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 128);
	__type(key, u64);
	__type(value, u64);
} sizes SEC(".maps");

SEC("tp/syscalls/sys_enter_write")
int write(struct trace_event_raw_sys_enter *ctx)
{
	u64 size = ctx->args[2], one = 1, *count;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	count = bpf_map_lookup_elem(&sizes, &size);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&sizes, &size, &one, BPF_ANY);
	return 0;
}
