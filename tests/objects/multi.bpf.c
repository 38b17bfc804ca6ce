// Kernel functions by pattern, and entry and return as one program.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;
u64 entries, returns, both;

static int ours(void)
{
	return !target_tgid || bpf_get_current_pid_tgid() >> 32 == target_tgid;
}

SEC("kprobe.multi/do_sys_openat*")
int entry(struct pt_regs *ctx)
{
	if (ours())
		__sync_fetch_and_add(&entries, 1);
	return 0;
}

SEC("kretprobe.multi/do_sys_openat*")
int leave(struct pt_regs *ctx)
{
	if (ours())
		__sync_fetch_and_add(&returns, 1);
	return 0;
}

SEC("kprobe.session/do_sys_openat2")
int session(struct pt_regs *ctx)
{
	if (ours())
		__sync_fetch_and_add(&both, 1);
	return 0;
}
