/* usdt_twice [COUNT]: a probe in two files of the program, each behind a semaphore of its own. Reports how often somebody listened. */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "target.h"
#include "usdt_other.h"

static unsigned short demo_twice_semaphore __attribute__((section(".probes"), used));

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);
    long here = 0, there = 0;
    for (long i = 0; i < count; i++) {
        if (__builtin_expect(*(volatile unsigned short *)&demo_twice_semaphore, 0)) {
            STAP_PROBE1(demo, twice, 1);
            here++;
        }
        there += other(i);
    }
    fprintf(stderr, "listened: %ld and %ld of %ld\n", here, there, count);
    return 0;
}
