// Options of the kernel's configuration, its symbols, types and constants, with fallbacks for what a kernel lacks.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig __weak;
extern int CONFIG_HZ __kconfig __weak;
extern bool CONFIG_NO_SUCH_OPTION __kconfig __weak;
extern const void schedule __ksym;
extern const void no_such_symbol __ksym __weak;
/* Kernels without CONFIG_KALLSYMS_ALL have its type and not its address. */
extern const struct rq runqueues __ksym __weak;
extern void no_such_function(void) __ksym __weak;

struct no_such_struct___here {
	int member;
} __attribute__((preserve_access_index));

struct task_struct___other {
	int no_such_member;
	int pid;
} __attribute__((preserve_access_index));

enum no_such_enum { NO_SUCH_CONSTANT = 7 };

int version;
bool has_bpf, has_nothing, has_queues, has_symbol, has_no_symbol, has_function;
int hz;
bool pid_exists, member_exists, struct_exists, constant_exists;
u32 task_size, comm_size;
u64 running, ran;

SEC("raw_tp/sys_enter")
int look(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___other *other = (void *)task;

	version = LINUX_KERNEL_VERSION;
	has_bpf = CONFIG_BPF_SYSCALL;
	hz = CONFIG_HZ;
	has_nothing = CONFIG_NO_SUCH_OPTION;
	has_symbol = (u64)&schedule != 0;
	has_no_symbol = (u64)&no_such_symbol != 0;
	has_queues = (u64)&runqueues != 0;
	has_function = 0;
	if (no_such_function) {
		has_function = 1;
		no_such_function();
	}
	pid_exists = bpf_core_field_exists(other->pid);
	member_exists = bpf_core_field_exists(other->no_such_member);
	struct_exists = bpf_core_type_exists(struct no_such_struct___here);
	constant_exists = bpf_core_enum_value_exists(enum no_such_enum, NO_SUCH_CONSTANT);
	task_size = bpf_core_type_size(struct task_struct);
	comm_size = bpf_core_field_size(task->comm);
	if (bpf_core_field_exists(other->no_such_member))
		running = BPF_CORE_READ(other, no_such_member);
	else
		running = BPF_CORE_READ(other, pid);
	ran++;
	return 0;
}
