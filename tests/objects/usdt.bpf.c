// Arguments of a static user probe: the place comes from the command line.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "GPL";

u64 hits, arguments, failed;
long sums[4];

SEC("usdt")
int BPF_USDT(probe)
{
	long value;
	int i;

	__sync_fetch_and_add(&hits, 1);
	arguments = bpf_usdt_arg_cnt(ctx);
	for (i = 0; i < 4; i++) {
		if (i >= bpf_usdt_arg_cnt(ctx))
			break;
		if (bpf_usdt_arg(ctx, i, &value)) {
			__sync_fetch_and_add(&failed, 1);
			continue;
		}
		__sync_fetch_and_add(&sums[i], value);
	}
	return 0;
}
