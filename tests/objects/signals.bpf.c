// Signals that a process sends to itself, by their numbers.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, u32);
	__type(value, u64);
} signals SEC(".maps");

SEC("tracepoint/signal/signal_generate")
int generate(struct trace_event_raw_signal_generate *ctx)
{
	u32 sig = ctx->sig;
	u64 one = 1, *count;

	if (ctx->pid != target_tgid || bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	count = bpf_map_lookup_elem(&signals, &sig);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&signals, &sig, &one, BPF_ANY);
	return 0;
}
