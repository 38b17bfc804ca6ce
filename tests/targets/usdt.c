/* usdt [COUNT [TEXT]]: statically defined probes of the provider `demo`, without a semaphore. */
#include <sys/sdt.h>

#include "target.h"
#include "usdt_gated.h"

static volatile long in_memory = 77;

/* The same probe at two places of the text, with an argument of another width in each. */
static NOINLINE void places(long i) {
    if (i % 2)
        STAP_PROBE1(demo, place, i);
    else
        STAP_PROBE1(demo, place, (int)-i);
}

/* Every width and sign that an argument can have, with values that show a wrong extension. */
static NOINLINE void sizes(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h) {
    STAP_PROBE8(demo, sizes, a, b, c, d, e, f, g, h);
}

static NOINLINE void many(long i) {
    STAP_PROBE12(demo, many, i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7, i + 8, i + 9, i + 10, i + 11);
}

struct record {
    long first;
    char name[24];
    long last;
};

static NOINLINE void whole(const struct record *one) {
    STAP_PROBE2(demo, whole, *one, 5);
}

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);
    const char *text = argc > 2 ? argv[2] : "hello";
    long enabled = 0;

    uint64_t started = begin_work();
    for (long i = 0; i < count; i++) {
        STAP_PROBE2(demo, hit, i, text);
        enabled += gated(i, text);
    }
    end_work(started, count);

    STAP_PROBE(demo, empty);
    STAP_PROBE2(demo, constants, 7, -3);
    STAP_PROBE1(demo, memory, in_memory);
    sizes(-1, 255, -2, 65534, -3, 4294967293u, -4, 18446744073709551612u);
    many(100);
    struct record one = {101, "in the middle", 103};
    whole(&one);
    for (long i = 0; i < 10; i++)
        places(i);
    if (getenv("TARGET_REPORT"))
        fprintf(stderr, "enabled: %ld of %ld\n", enabled, count);
    return 0;
}
