// A program in each section of tracing that libbpf knows; `on_name` counts into `n_name`. User functions come from the
// command line.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/usdt.bpf.h>

// The function of openat(2).
#if defined(__TARGET_ARCH_arm64)
#define SYS_OPENAT "__arm64_sys_openat"
#else
#define SYS_OPENAT "__x64_sys_openat"
#endif

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;

static __always_inline bool is_target(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target_tgid;
}

#define COUNTER(section, name) \
	__u64 n_##name; \
	SEC(section) \
	int on_##name(void *ctx) \
	{ \
		if (is_target()) \
			__sync_fetch_and_add(&n_##name, 1); \
		return 0; \
	}

COUNTER("kprobe/do_sys_openat2", kprobe)
COUNTER("kretprobe/do_sys_openat2", kretprobe)
COUNTER("kprobe.multi/do_sys_openat2", kprobe_multi)
COUNTER("kretprobe.multi/do_sys_openat2", kretprobe_multi)
COUNTER("kprobe.session/do_sys_openat2", kprobe_session)
COUNTER("ksyscall/openat", ksyscall)
COUNTER("kretsyscall/openat", kretsyscall)
COUNTER("tracepoint/syscalls/sys_enter_openat", tracepoint)
COUNTER("tp/syscalls/sys_exit_openat", tp)
COUNTER("fentry/do_sys_openat2", fentry)
COUNTER("fexit/do_sys_openat2", fexit)
COUNTER("fentry.s/" SYS_OPENAT, fentry_s)
COUNTER("fexit.s/" SYS_OPENAT, fexit_s)

COUNTER("raw_tracepoint/sys_enter", raw_tracepoint)
COUNTER("raw_tp/sys_enter", raw_tp)
COUNTER("raw_tracepoint.w/sys_enter", raw_tracepoint_w)
COUNTER("raw_tp.w/sys_enter", raw_tp_w)
COUNTER("tp_btf/sys_enter", tp_btf)

COUNTER("fmod_ret/security_file_open", fmod_ret)
COUNTER("lsm/file_open", lsm)
COUNTER("lsm.s/file_open", lsm_s)

COUNTER("uprobe", uprobe)
COUNTER("uretprobe", uretprobe)
COUNTER("uprobe.s", uprobe_s)
COUNTER("uretprobe.s", uretprobe_s)
COUNTER("uprobe.multi", uprobe_multi)
COUNTER("uretprobe.multi", uretprobe_multi)
COUNTER("uprobe.multi.s", uprobe_multi_s)
COUNTER("uretprobe.multi.s", uretprobe_multi_s)
COUNTER("uprobe.session", uprobe_session)
COUNTER("uprobe.session.s", uprobe_session_s)
COUNTER("usdt", usdt)
COUNTER("usdt.s", usdt_s)

COUNTER("perf_event", sample)

// Iterators run as the tracer.
#define WALKER(section, kind, name, what) \
	__u64 n_##name; \
	SEC(section) \
	int on_##name(struct bpf_iter__##kind *ctx) \
	{ \
		if (ctx->what) \
			n_##name++; \
		return 0; \
	}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

WALKER("iter/task", task, iter_task, task)
WALKER("iter/task_file", task_file, iter_task_file, file)
WALKER("iter/task_vma", task_vma, iter_task_vma, vma)
WALKER("iter.s/task", task, iter_task_s, task)
WALKER("iter/bpf_map", bpf_map, iter_bpf_map, map)
WALKER("iter/bpf_map_elem", bpf_map_elem, iter_elements, value)

SEC("syscall")
int by_its_own_loader(void *ctx)
{
	return 0;
}

// Programs of networks, and those that replace others.
#define OTHER(section, name) \
	SEC(section) \
	int on_##name(void *ctx) \
	{ \
		return 0; \
	}

OTHER("xdp", xdp)
OTHER("tc", tc)
OTHER("tcx/ingress", tcx)
OTHER("freplace/function", freplace)
OTHER("lsm_cgroup/socket_post_create", lsm_cgroup)
OTHER("cgroup_skb/ingress", cgroup_skb)
OTHER("struct_ops/member", struct_ops)
