#include "calls_body.h"
#include "target.h"

/* Returns twice its argument, so that the sum of the return values is known too. To save a register makes its first
 * instruction a push, as most functions have: the kernel runs that in a uprobe without a single step. */
NOINLINE long target_call(long i, const char *text) {
    __asm__ volatile("" : : "r"(text) : "memory", "rbx");
    return 2 * i;
}

/* More arguments than the six that travel in registers. */
NOINLINE long target_many(long a, long b, long c, long d, long e, long f, long g, long h) {
    __asm__ volatile("" : : "r"(a), "r"(b), "r"(c) : "memory");
    return a + b + c + d + e + f + g + h;
}

NOINLINE int target_point(const struct point *p) {
    __asm__ volatile("" : : "r"(p) : "memory");
    return p->x;
}
