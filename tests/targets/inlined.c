/* inlined [COUNT]: calls functions with inlined parts; probes name their lines. */
#include "target.h"

volatile long sink;

static inline __attribute__((always_inline)) long part(long value, const char *name) {
    long square = value * value;
    __asm__ volatile("nop" : "+r"(square), "+r"(value), "+r"(name)); /* line of the copies */
    return square + value + name[0];
}

NOINLINE long first(long value) {
    sink = part(value, "first");
    return sink;
}

NOINLINE long second(long value) {
    sink = part(value + 1, "second");

    return part(value + 2, "third") + sink;
}

/* Inlined into the function below it, and called from elsewhere. */
static long both(long value) {
    __asm__ volatile("nop" : "+r"(value));
    return value + sink;
}

NOINLINE long caller(long value) {
    return both(value) * 3;
}

long (*volatile pointer)(long) = both;

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);
    for (long i = 0; i < count; i++)
        sink += first(i) + second(i);
    sink = caller(pointer(1));
    return 0;
}
