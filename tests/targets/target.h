/* What every target shares: its count, an optional wait for a go, an optional time report.
 *
 * TARGET_WAIT=1    print "ready" and wait for a line on standard input before the work
 * TARGET_REPORT=1  print "work: COUNT operations, NANOSECONDS ns" on standard error after the work
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A prime: no accidental rounding, batching or doubling gives it again. */
#define DEFAULT_COUNT 10007

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif

/* Used by a function that calls nothing, makes its first instruction a push of the frame pointer. At the entry of a
 * function without a frame, the kernel leaves the caller out of stacks. */
#define FRAME __builtin_frame_address(0)

static inline long count_at(int argc, char **argv, int position) {
    return argc > position ? strtol(argv[position], NULL, 10) : DEFAULT_COUNT;
}

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t begin_work(void) {
    if (getenv("TARGET_WAIT")) {
        char line[64];
        puts("ready");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin))
            exit(3);
    }
    return now_ns();
}

static inline void end_work(uint64_t started, long count) {
    if (getenv("TARGET_REPORT"))
        fprintf(stderr, "work: %ld operations, %llu ns\n", count, (unsigned long long)(now_ns() - started));
}

#endif
