// Sockets that are bound and connected, and what was refused.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;
u64 binds, connects, refused, ports;

static bool is_target(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target_tgid;
}

SEC("tp/syscalls/sys_exit_bind")
int bound(struct trace_event_raw_sys_exit *ctx)
{
	if (is_target())
		__sync_fetch_and_add(ctx->ret ? &refused : &binds, 1);
	return 0;
}

SEC("tp/syscalls/sys_enter_connect")
int connecting(struct trace_event_raw_sys_enter *ctx)
{
	struct sockaddr_in place;

	if (!is_target() || bpf_probe_read_user(&place, sizeof(place), (void *)ctx->args[1]))
		return 0;
	if (place.sin_port)
		__sync_fetch_and_add(&ports, 1);
	return 0;
}

SEC("tp/syscalls/sys_exit_connect")
int connected(struct trace_event_raw_sys_exit *ctx)
{
	if (is_target() && !ctx->ret)
		__sync_fetch_and_add(&connects, 1);
	return 0;
}
