// An iterator over what is in a map.

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 3);
    __type(key, __u32);
    __type(value, __u64);
} numbers SEC(".maps");

SEC("iter/bpf_map_elem")
int show(struct bpf_iter__bpf_map_elem *context) {
    __u32 *key = context->key;
    if (key)
        BPF_SEQ_PRINTF(context->meta->seq, "element %u\n", *key);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
