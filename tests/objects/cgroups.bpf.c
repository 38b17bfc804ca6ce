// System calls of each control group, in a map that kernels before 6.2 do not have.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} counts SEC(".maps");

__u64 entered;

SEC("tp_btf/sys_enter")
int enter(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *count = bpf_cgrp_storage_get(&counts, task->cgroups->dfl_cgrp, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (count)
		__sync_fetch_and_add(count, 1);
	entered++;
	return 0;
}
