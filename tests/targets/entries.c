/* entries [COUNT]: calls functions that start in different ways, each COUNT times with 0, 1, 2, ... */
#include "target.h"

#if defined(__x86_64__)
#define FUNCTION(name, code) \
    long name(long, int); \
    __asm__(".globl " #name "\n.type " #name ", @function\n.balign 64\n" #name ": " code "\n.size " #name ", . - " #name "\n")

FUNCTION(entry_marked, "endbr64; push %rbp; mov %rdi, %rax; pop %rbp; ret");
FUNCTION(entry_copied, "mov %rdi, %rax; push %rbp; pop %rbp; ret");
FUNCTION(entry_stepped, "endbr64; sub $8, %rsp; mov %rdi, %rax; add $8, %rsp; ret");
FUNCTION(entry_copying, "mov $1, %esi; push %rbp; mov %rdi, %rax; pop %rbp; ret");
/* For benchmarks: an instruction that the kernel emulates, and the one that it makes a call (Linux 6.18). */
FUNCTION(push_entry, "push %rbp; mov %rdi, %rax; pop %rbp; ret");
FUNCTION(nop_entry, ".byte 0x0f, 0x1f, 0x44, 0, 0; mov %rdi, %rax; ret");
/* Comes by the second instruction three times a call. */
FUNCTION(entry_looped, "endbr64; 1: push %rbp; pop %rbp; mov %rdi, %rax; dec %esi; jg 1b; ret");
#else
#define FUNCTION(name) __attribute__((noinline)) long name(long value, int rounds) { __asm__ volatile("" : "+r"(value), "+r"(rounds)); return value; }
FUNCTION(entry_marked)
FUNCTION(entry_copied)
FUNCTION(entry_stepped)
FUNCTION(entry_copying)
FUNCTION(entry_looped)
FUNCTION(push_entry)
FUNCTION(nop_entry)
#endif

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1), total = 0;

    uint64_t started = begin_work();
    for (long i = 0; i < count; i++)
        total += entry_marked(i, 3) + entry_copied(i, 3) + entry_stepped(i, 3) + entry_copying(i, 3) + entry_looped(i, 3)
                 + push_entry(i, 3) + nop_entry(i, 3);
    end_work(started, count);
    return total == count * (count - 1) / 2 * 7 ? 0 : 1;
}
