// Programs in sections that few objects have. Those that depend on the kernel are only loaded when asked for.

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

const volatile pid_t target_tgid = 0;

__u64 writable = 0;
__u64 sleeping = 0;
__u64 session = 0;
__u64 samples = 0;
__u64 modified = 0;
__u64 both = 0;

static bool is_target(void) {
    return bpf_get_current_pid_tgid() >> 32 == target_tgid;
}

SEC("raw_tp.w/sys_enter")
int enter(void *ctx) {
    if (is_target())
        __sync_fetch_and_add(&writable, 1);
    return 0;
}

SEC("uprobe.multi.s")
int sleeps(void *ctx) {
    __sync_fetch_and_add(&sleeping, 1);
    return 0;
}

SEC("?uprobe.session.s")
int user_both(void *ctx) {
    __sync_fetch_and_add(&session, 1);
    return 0;
}

SEC("perf_event")
int sample(void *ctx) {
    __sync_fetch_and_add(&samples, 1);
    return 0;
}

SEC("?fmod_ret/security_file_open")
int BPF_PROG(modify, struct file *file, int result) {
    if (is_target())
        __sync_fetch_and_add(&modified, 1);
    return result;
}

SEC("?fsession/do_sys_openat2")
int kernel_both(void *ctx) {
    if (is_target())
        __sync_fetch_and_add(&both, 1);
    return 0;
}

// Of no use to tracing, but an object may have them.
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 2);
    __uint(key_size, 4);
    __uint(value_size, 4);
} devices SEC(".maps");

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(threshold, struct sock *socket) {
    return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops congestion = {
    .ssthresh = (void *)threshold,
    .name = "quadrant",
};

char LICENSE[] SEC("license") = "GPL";
