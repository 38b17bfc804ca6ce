/* callers [COUNT]: calls functions that start in different ways, each COUNT times with 0, and those that call themselves with 3. */
#include "target.h"

#if defined(__x86_64__)
#define FUNCTION(name, code) \
    long name(long); \
    __asm__(".globl " #name "\n.type " #name ", @function\n.balign 64\n" #name ": " code "\n.size " #name ", . - " #name "\n")
#define RECURSE(name) \
    "push %rbp; mov %rsp, %rbp; mov %rdi, %rax; test %rdi, %rdi; je 1f; dec %rdi; call " #name "; 1: pop %rbp; ret"

FUNCTION(leaf_plain, "mov %rdi, %rax; ret");
FUNCTION(leaf_framed, "push %rbp; mov %rsp, %rbp; mov %rdi, %rax; pop %rbp; ret");
FUNCTION(leaf_marked, "endbr64; push %rbp; mov %rsp, %rbp; mov %rdi, %rax; pop %rbp; ret");
FUNCTION(deep_plain, "nop; " RECURSE(deep_plain));
FUNCTION(deep_framed, RECURSE(deep_framed));
FUNCTION(deep_marked, "endbr64; " RECURSE(deep_marked));
#else
#define LEAF(name) NOINLINE long name(long value) { __asm__ volatile("" : "+r"(value)); return value; }
#define DEEP(name) \
    NOINLINE long name(long value) { \
        long below = value ? name(value - 1) : 0; \
        __asm__ volatile("" : "+r"(below)); \
        return below; \
    }
LEAF(leaf_plain)
LEAF(leaf_framed)
LEAF(leaf_marked)
DEEP(deep_plain)
DEEP(deep_framed)
DEEP(deep_marked)
#endif

NOINLINE long target_direct(void) {
    long total = leaf_plain(0) + leaf_framed(0) + leaf_marked(0) + deep_plain(3) + deep_framed(3) + deep_marked(3);
    __asm__ volatile("" : "+r"(total));
    return total;
}

NOINLINE long target_outer(void) {
    long total = target_direct();
    __asm__ volatile("" : "+r"(total));
    return total;
}

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);

    uint64_t started = begin_work();
    for (long i = 0; i < count; i++)
        target_outer();
    end_work(started, count);
    return 0;
}
