// Counts system calls by thread.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;
const volatile long wanted = -1;
long total;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

SEC("raw_tp/sys_enter")
int enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u32 tid = bpf_get_current_pid_tgid();
	u64 one = 1, *count;

	if (target_tgid && BPF_CORE_READ(task, tgid) != target_tgid)
		return 0;
	if (wanted >= 0 && ctx->args[1] != wanted)
		return 0;
	__sync_fetch_and_add(&total, 1);
	count = bpf_map_lookup_elem(&counts, &tid);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &tid, &one, BPF_ANY);
	return 0;
}
