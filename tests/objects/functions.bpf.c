// Entry and return of a kernel function in every way, a system call, and a security hook.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int target_tgid;
u64 kprobes, kretprobes, entries, exits, hooks, syscalls, sysreturns;

static int ours(void)
{
	return !target_tgid || bpf_get_current_pid_tgid() >> 32 == target_tgid;
}

SEC("kprobe/do_sys_openat2")
int BPF_KPROBE(kprobe, int dfd)
{
	if (ours())
		__sync_fetch_and_add(&kprobes, 1);
	return 0;
}

SEC("kretprobe/do_sys_openat2")
int BPF_KRETPROBE(kretprobe, int result)
{
	if (ours() && result < 0)
		__sync_fetch_and_add(&kretprobes, 1);
	return 0;
}

SEC("fentry/do_sys_openat2")
int BPF_PROG(entry, int dfd)
{
	if (ours())
		__sync_fetch_and_add(&entries, 1);
	return 0;
}

SEC("fexit/do_sys_openat2")
int BPF_PROG(leave, int dfd, const char *name, struct open_how *how, long result)
{
	// Some kernels return an int, whose upper half is not the sign.
	if (ours() && (int)result < 0)
		__sync_fetch_and_add(&exits, 1);
	return 0;
}

SEC("lsm.s/bprm_committed_creds")
void BPF_PROG(hook, struct linux_binprm *bprm)
{
	__sync_fetch_and_add(&hooks, 1);
}

SEC("ksyscall/openat")
int BPF_KSYSCALL(call, int dfd, const char *name)
{
	if (ours())
		__sync_fetch_and_add(&syscalls, 1);
	return 0;
}

SEC("kretsyscall/openat")
int BPF_KRETPROBE(call_return, int result)
{
	if (ours() && result < 0)
		__sync_fetch_and_add(&sysreturns, 1);
	return 0;
}
