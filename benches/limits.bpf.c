// What the benchmarks ask, written by hand as one would for libbpf: the limit that generated code is measured against.
//
// Each program answers the question of one script in `xtask/src/bench/events/cases.rs`, and stores or sends no less.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#define TEXT 64
#define FRAMES 127
#define SLOTS 65

typedef __u32 u32;
typedef __u64 u64;

char LICENSE[] SEC("license") = "GPL";

struct sys_enter {
	u64 common;
	long id;
	unsigned long args[6];
};

struct text {
	char bytes[TEXT];
};

struct comm {
	char bytes[16];
};

struct call {
	u32 pid, zero;
	u64 id;
};

struct opened {
	u32 pid, zero;
	char comm[16];
	char path[TEXT];
};

struct numbers {
	u32 pid, tid, cpu;
};

#define ONE_FOR_EACH_CPU(name, value_type)                                                                             \
	struct {                                                                                                           \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                                       \
		__uint(max_entries, 1);                                                                                        \
		__type(key, u32);                                                                                              \
		__type(value, value_type);                                                                                     \
	} name SEC(".maps")

#define COUNTS(name, key_type)                                                                                         \
	struct {                                                                                                           \
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                                                        \
		__uint(max_entries, 4096);                                                                                     \
		__type(key, key_type);                                                                                         \
		__type(value, u64);                                                                                            \
	} name SEC(".maps")

#define TIMES(name)                                                                                                    \
	struct {                                                                                                           \
		__uint(type, BPF_MAP_TYPE_HASH);                                                                               \
		__uint(max_entries, 4096);                                                                                     \
		__type(key, u32);                                                                                              \
		__type(value, u64);                                                                                            \
	} name SEC(".maps")

struct histogram {
	u64 slots[SLOTS];
};

struct statistics {
	u64 count, sum;
};

ONE_FOR_EACH_CPU(total, u64);
ONE_FOR_EACH_CPU(histogram, struct histogram);
ONE_FOR_EACH_CPU(statistics, struct statistics);
COUNTS(by_comm, struct comm);
COUNTS(by_call, struct call);
COUNTS(by_id, u64);
COUNTS(by_text, struct text);
COUNTS(by_stack, u32);
TIMES(started);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(u32));
	__uint(value_size, FRAMES * sizeof(u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

static __always_inline void *own(void *map)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

static __always_inline void add(u64 amount)
{
	u64 *value = own(&total);

	if (value)
		*value += amount;
}

static __always_inline void count_key(void *map, const void *key)
{
	u64 *value = bpf_map_lookup_elem(map, key), one = 1;

	if (value)
		*value += 1;
	else
		bpf_map_update_elem(map, key, &one, BPF_NOEXIST);
}

static __always_inline u32 log2(u64 v)
{
	u32 shift, slot = 0;

	shift = (v > 0xffffffff) << 5; v >>= shift; slot |= shift;
	shift = (v > 0xffff) << 4; v >>= shift; slot |= shift;
	shift = (v > 0xff) << 3; v >>= shift; slot |= shift;
	shift = (v > 0xf) << 2; v >>= shift; slot |= shift;
	shift = (v > 0x3) << 1; v >>= shift; slot |= shift;
	return slot | (v >> 1);
}

static __always_inline void sort_in(u64 value)
{
	struct histogram *all = own(&histogram);
	u32 slot = log2(value);

	if (all && slot < SLOTS)
		all->slots[slot] += 1;
}

static __always_inline void start(void)
{
	u32 tid = bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&started, &tid, &now, BPF_ANY);
}

static __always_inline void end(void)
{
	u32 tid = bpf_get_current_pid_tgid();
	u64 *since = bpf_map_lookup_elem(&started, &tid);

	if (!since)
		return;
	sort_in(bpf_ktime_get_ns() - *since);
	bpf_map_delete_elem(&started, &tid);
}

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	add(1);
	return 0;
}

SEC("raw_tp/sys_enter")
int count_comm(void *ctx)
{
	struct comm key;

	bpf_get_current_comm(&key, sizeof(key));
	count_key(&by_comm, &key);
	return 0;
}

SEC("raw_tp/sys_enter")
int count_call(struct bpf_raw_tracepoint_args *ctx)
{
	struct call key = {bpf_get_current_pid_tgid() >> 32, 0, ctx->args[1]};

	count_key(&by_call, &key);
	return 0;
}

SEC("raw_tp/sys_enter")
int count_of_init(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == 1)
		add(1);
	return 0;
}

SEC("raw_tp/sys_enter")
int count_id(struct bpf_raw_tracepoint_args *ctx)
{
	u64 key = ctx->args[1];

	count_key(&by_id, &key);
	return 0;
}

SEC("tp/syscalls/sys_enter_read")
int read_enter(void *ctx)
{
	start();
	return 0;
}

SEC("tp/syscalls/sys_exit_read")
int read_exit(void *ctx)
{
	end();
	return 0;
}

SEC("tp/syscalls/sys_enter_read")
int read_sizes(struct sys_enter *ctx)
{
	struct statistics *all = own(&statistics);

	if (all) {
		all->count += 1;
		all->sum += ctx->args[2];
	}
	return 0;
}

SEC("tp/syscalls/sys_enter_openat")
int count_path(struct sys_enter *ctx)
{
	struct text key = {};

	bpf_probe_read_user_str(&key, sizeof(key), (void *)ctx->args[1]);
	count_key(&by_text, &key);
	return 0;
}

SEC("tp/syscalls/sys_enter_openat")
int send_path(struct sys_enter *ctx)
{
	struct opened *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record)
		return 0;
	record->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	bpf_probe_read_user_str(record->path, sizeof(record->path), (void *)ctx->args[1]);
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("tp/syscalls/sys_enter_getppid")
int send_numbers(void *ctx)
{
	struct numbers *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	u64 both = bpf_get_current_pid_tgid();

	if (!record)
		return 0;
	record->pid = both >> 32;
	record->tid = both;
	record->cpu = bpf_get_smp_processor_id();
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(user_sizes, long first)
{
	sort_in(first);
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(user_text, long first, const char *second)
{
	struct text key = {};

	bpf_probe_read_user_str(&key, sizeof(key), second);
	count_key(&by_text, &key);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(user_result, long result)
{
	add(result);
	return 0;
}

SEC("uprobe")
int user_enter(void *ctx)
{
	start();
	return 0;
}

SEC("uretprobe")
int user_exit(void *ctx)
{
	end();
	return 0;
}

SEC("usdt")
int BPF_USDT(static_sum, long first)
{
	add(first);
	return 0;
}

SEC("usdt")
int BPF_USDT(static_text, long first, const char *second)
{
	struct text key = {};

	bpf_probe_read_user_str(&key, sizeof(key), second);
	count_key(&by_text, &key);
	return 0;
}

static int count_stack(void *ctx, u64 flags)
{
	u32 id = bpf_get_stackid(ctx, &stacks, flags);

	count_key(&by_stack, &id);
	return 0;
}

SEC("perf_event")
int kernel_stacks(void *ctx)
{
	return count_stack(ctx, 0);
}

SEC("perf_event")
int user_stacks(void *ctx)
{
	return count_stack(ctx, BPF_F_USER_STACK);
}

SEC("tp/syscalls/sys_enter_getppid")
int kernel_stack_of_call(void *ctx)
{
	return count_stack(ctx, 0);
}

SEC("tp/syscalls/sys_enter_getppid")
int user_stack_of_call(void *ctx)
{
	return count_stack(ctx, BPF_F_USER_STACK);
}
