// A map that is shared by its name: what an earlier run counted is still there.

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

const volatile pid_t target_tgid = 0;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
    __type(key, int);
    __type(value, __u64);
} pinned_counts SEC(".maps");

SEC("tp/syscalls/sys_enter_getppid")
int enter(void *ctx) {
    int first = 0;
    __u64 *count = bpf_map_lookup_elem(&pinned_counts, &first);
    if (count && bpf_get_current_pid_tgid() >> 32 == target_tgid)
        __sync_fetch_and_add(count, 1);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
