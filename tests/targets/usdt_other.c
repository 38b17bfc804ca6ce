#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "target.h"
#include "usdt_other.h"

static unsigned short demo_twice_semaphore __attribute__((section(".probes"), used));

NOINLINE int other(long i) {
    if (!__builtin_expect(*(volatile unsigned short *)&demo_twice_semaphore, 0))
        return 0;
    STAP_PROBE1(demo, twice, 2 + i % 2);
    return 1;
}
