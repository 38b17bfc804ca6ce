// Processes that a process starts: forks, programs, ends.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;
u64 forks, programs, ends;

static bool is_child(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, real_parent, tgid) == target_tgid;
}

SEC("tp/sched/sched_process_fork")
int forked(struct trace_event_raw_sched_process_fork *ctx)
{
	if (ctx->parent_pid == target_tgid)
		__sync_fetch_and_add(&forks, 1);
	return 0;
}

SEC("tp/sched/sched_process_exec")
int executed(struct trace_event_raw_sched_process_exec *ctx)
{
	if (is_child())
		__sync_fetch_and_add(&programs, 1);
	return 0;
}

SEC("tp/sched/sched_process_exit")
int ended(void *ctx)
{
	if (is_child())
		__sync_fetch_and_add(&ends, 1);
	return 0;
}
