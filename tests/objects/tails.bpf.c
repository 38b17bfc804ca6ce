// Functions, static and global, a callback, a tail call, and a map of maps.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;
u64 entered, reached, sum, weighed, looped;

int last(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = { [1] = (void *)&last },
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} even SEC(".maps"), odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &even, [1] = &odd },
};

__noinline int weigh(int number)
{
	return number * 3;
}

static __noinline u64 add(u64 a, u64 b)
{
	return a + b;
}

static long round_of(u32 index, void *data)
{
	*(u64 *)data += index;
	return 0;
}

SEC("raw_tp")
int last(void *ctx)
{
	__sync_fetch_and_add(&reached, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int first(void *ctx)
{
	u32 zero = 0, parity;
	u64 *count, rounds = 0;
	void *inner;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	parity = __sync_fetch_and_add(&entered, 1) & 1;
	sum = add(sum, 2);
	weighed += weigh(1);
	bpf_loop(4, round_of, &rounds, 0);
	looped += rounds;
	inner = bpf_map_lookup_elem(&outer, &parity);
	if (inner) {
		count = bpf_map_lookup_elem(inner, &zero);
		if (count)
			__sync_fetch_and_add(count, 1);
	}
	bpf_tail_call(ctx, &jumps, 1);
	return 0;
}
