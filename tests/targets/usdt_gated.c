/* sys/sdt.h gives all probes of a file a semaphore or none, so this one has a file of its own. */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "target.h"
#include "usdt_gated.h"

unsigned short demo_gated_semaphore __attribute__((section(".probes")));

NOINLINE int gated(long i, const char *text) {
    if (!__builtin_expect(*(volatile unsigned short *)&demo_gated_semaphore, 0))
        return 0;
    /* The same instruction as a function's. */
    __asm__ volatile(".globl gated_place\n.type gated_place, @function\ngated_place:\n.size gated_place, 1");
    STAP_PROBE2(demo, gated, i, text);
    return 1;
}
