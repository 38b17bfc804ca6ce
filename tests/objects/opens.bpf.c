// Paths that are opened, by a ring buffer whose map names the type of its records.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct event {
	u32 tgid;
	int flags;
	char comm[16];
	char path[64];
};

const volatile char prefix[16] = "";
const struct event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} opened SEC(".maps");

u64 lost;

SEC("tracepoint/syscalls/sys_enter_openat")
int openat(struct trace_event_raw_sys_enter *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&opened, sizeof(*event), 0);
	int i;

	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	event->tgid = bpf_get_current_pid_tgid() >> 32;
	event->flags = ctx->args[2];
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	if (bpf_probe_read_user_str(event->path, sizeof(event->path), (void *)ctx->args[1]) < 0)
		event->path[0] = 0;
	for (i = 0; i < sizeof(prefix) && prefix[i]; i++) {
		if (event->path[i] != prefix[i]) {
			bpf_ringbuf_discard(event, 0);
			return 0;
		}
	}
	bpf_ringbuf_submit(event, 0);
	return 0;
}
