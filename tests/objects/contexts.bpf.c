// Functions that are verified by themselves and take the program's context, in programs of different kinds.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#ifndef __arg_ctx
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#endif

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8 * sizeof(__u64));
} stacks SEC(".maps");

__u64 calls, enters, samples, taken;

__noinline int take(__u64 number, void *ctx __arg_ctx)
{
	/* The verifier wants to know that it is the context; whether there is a stack is nothing to the test. */
	bpf_get_stackid(ctx, &stacks, BPF_F_REUSE_STACKID | BPF_F_USER_STACK);
	__sync_fetch_and_add(&taken, number);
	return 0;
}

SEC("uprobe")
int call(void *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	take(1, ctx);
	return 0;
}

SEC("raw_tp/sys_enter")
int enter(void *ctx)
{
	__sync_fetch_and_add(&enters, 1);
	take(0, ctx);
	return 0;
}

SEC("perf_event")
int sample(void *ctx)
{
	__sync_fetch_and_add(&samples, 1);
	take(0, ctx);
	return 0;
}
