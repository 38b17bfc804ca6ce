// Bytes that a process reads and writes, by file: what a call's entry knows is kept until it returns.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;
u64 reads, writes, unmatched;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} under_way SEC(".maps");

static int enter(struct trace_event_raw_sys_enter *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	u64 wanted = ctx->args[2];

	if (bpf_get_current_pid_tgid() >> 32 == target_tgid && wanted == 100)
		bpf_map_update_elem(&under_way, &tid, &wanted, BPF_ANY);
	return 0;
}

static int leave(struct trace_event_raw_sys_exit *ctx, u64 *bytes)
{
	u32 tid = bpf_get_current_pid_tgid();
	// Read once: the kernel wants fields of the context read in one instruction.
	long result = *(volatile long *)&ctx->ret;

	if (!bpf_map_lookup_elem(&under_way, &tid))
		return 0;
	if (result != 100)
		__sync_fetch_and_add(&unmatched, 1);
	__sync_fetch_and_add(bytes, result);
	bpf_map_delete_elem(&under_way, &tid);
	return 0;
}

SEC("tp/syscalls/sys_enter_read")
int read_enter(struct trace_event_raw_sys_enter *ctx)
{
	return enter(ctx);
}

SEC("tp/syscalls/sys_exit_read")
int read_exit(struct trace_event_raw_sys_exit *ctx)
{
	return leave(ctx, &reads);
}

SEC("tp/syscalls/sys_enter_write")
int write_enter(struct trace_event_raw_sys_enter *ctx)
{
	return enter(ctx);
}

SEC("tp/syscalls/sys_exit_write")
int write_exit(struct trace_event_raw_sys_exit *ctx)
{
	return leave(ctx, &writes);
}
