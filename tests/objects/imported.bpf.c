// Functions for scripts: numbers of all kinds, memory, maps, variables, loops, and what the kernel has or lacks.

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern int no_such_function(void) __ksym __weak;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, int);
    __type(value, __u64);
} seen SEC(".maps");

struct pair {
    int first, second;
};

const char word[] = "hello";
int counter = 40;

static int tripled(int number) {
    return number * 3;
}

int thrice(int number) {
    return tripled(number);
}

signed char narrow(int number) {
    return number;
}

bool is_large(__u64 number) {
    return number > 1000;
}

void raise_by(int step) {
    counter += step;
}

int raised(void) {
    return counter;
}

__u64 times(int key) {
    __u64 one = 1, *count = bpf_map_lookup_elem(&seen, &key);
    if (count)
        return __sync_fetch_and_add(count, 1) + 1;
    bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
    return 1;
}

int is_the_word(const char *text) {
    char bytes[6];
    if (bpf_probe_read_kernel(bytes, sizeof(bytes), text))
        return -1;
    for (int i = 0; i < 5; i++)
        if (bytes[i] != word[i])
            return 0;
    return 1;
}

int parent_of(struct task_struct *task) {
    return BPF_CORE_READ(task, real_parent, tgid);
}

int sum_of(struct pair *pair) {
    struct pair copy = {};
    bpf_probe_read_kernel(&copy, sizeof(copy), pair);
    return copy.first + copy.second;
}

int major(void) {
    return LINUX_KERNEL_VERSION >> 16;
}

int lacking(void) {
    return no_such_function ? no_such_function() : 7;
}

int unsafe_parent_of(struct task_struct *task) {
    return task->tgid;
}

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 4);
    __type(value, int);
} waiting SEC(".maps");

int wait(int number) {
    return bpf_map_push_elem(&waiting, &number, 0);
}

int next(void) {
    int number = 0;
    return bpf_map_pop_elem(&waiting, &number) ? -1 : number;
}

// What follows cannot be had in a script, which matters only if it is called.

extern int no_such_kernel_function(int) __ksym;
// A text, which is no number.
extern int CONFIG_DEFAULT_HOSTNAME __kconfig;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} events SEC(".maps");

int send(int number) {
    return bpf_ringbuf_output(&events, &number, sizeof(number), 0);
}

int host(void) {
    return CONFIG_DEFAULT_HOSTNAME;
}

SEC("kprobe/do_unlinkat")
int unlinked(void *ctx) {
    return no_such_kernel_function(1);
}
