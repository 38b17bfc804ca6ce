// A map that every kernel refuses, as an older one refuses a kind that it does not have, and a program that does without it.

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

const volatile pid_t target_tgid = 0;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __uint(map_flags, 1U << 24);
    __type(key, int);
    __type(value, __u64);
} refused SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, int);
    __type(value, __u64);
} counts SEC(".maps");

static void count(void *map) {
    int first = 0;
    __u64 *count = bpf_map_lookup_elem(map, &first);
    if (count && bpf_get_current_pid_tgid() >> 32 == target_tgid)
        __sync_fetch_and_add(count, 1);
}

SEC("tp/syscalls/sys_enter_getppid")
int without(void *ctx) {
    count(&counts);
    return 0;
}

SEC("tp/syscalls/sys_enter_getppid")
int with(void *ctx) {
    count(&refused);
    count(&counts);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
