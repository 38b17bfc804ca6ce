/* stacks [COUNT [DEPTH]]: recurses DEPTH times, passes an inlined function and a static one, and calls
 * target_leaf COUNT times there. With COUNT 0 it spins until it is killed or standard input ends. */
#include <poll.h>
#include <unistd.h>

#include "target.h"

static long count;

NOINLINE long target_leaf(long i) {
    __asm__ volatile("" : : "r"(i), "r"(FRAME) : "memory");
    return i;
}

static int input_ended(void) {
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    char byte;
    return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static NOINLINE long target_spin(void) {
    long total = 0;
    for (long i = 1; i % 100000 || !input_ended(); i++) {
        __asm__ volatile("" : "+r"(total));
        total += i;
    }
    return total;
}

static inline __attribute__((always_inline)) long target_inlined(void) {
    long total = 0;
    for (long i = 0; i < count; i++)
        total += target_leaf(i);
    return count ? total : target_spin();
}

static NOINLINE long target_static(void) {
    long total = target_inlined();
    __asm__ volatile("" : "+r"(total));
    return total;
}

NOINLINE long target_recurse(long depth) {
    long total = depth > 1 ? target_recurse(depth - 1) : target_static();
    __asm__ volatile("" : "+r"(total));
    return total;
}

int main(int argc, char **argv) {
    long depth = argc > 2 ? strtol(argv[2], NULL, 10) : 5;
    count = count_at(argc, argv, 1);

    uint64_t started = begin_work();
    target_recurse(depth);
    end_work(started, count);
    return 0;
}
