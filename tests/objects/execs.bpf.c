// Programs that are executed, by a perf buffer.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct event {
	int pid;
	int ppid;
	char comm[16];
};

const struct event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} execs SEC(".maps");

SEC("tp/sched/sched_process_exec")
int exec(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event event = {};

	event.pid = bpf_get_current_pid_tgid() >> 32;
	event.ppid = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	bpf_perf_event_output(ctx, &execs, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return 0;
}
