// A user function's calls, their arguments and how long they take: the places come from the command line.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} entered SEC(".maps");

u64 calls, returns, unmatched, first_arguments, results;

SEC("uprobe")
int BPF_KPROBE(entry, long first)
{
	u32 tid = bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	__sync_fetch_and_add(&calls, 1);
	__sync_fetch_and_add(&first_arguments, first);
	bpf_map_update_elem(&entered, &tid, &now, BPF_ANY);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(leave, long result)
{
	u32 tid = bpf_get_current_pid_tgid();

	if (!bpf_map_lookup_elem(&entered, &tid))
		__sync_fetch_and_add(&unmatched, 1);
	__sync_fetch_and_add(&returns, 1);
	__sync_fetch_and_add(&results, result);
	bpf_map_delete_elem(&entered, &tid);
	return 0;
}
