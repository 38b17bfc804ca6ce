/* sleepers [COUNT [THREADS [MICROSECONDS]]]: each thread sleeps COUNT times, all at the same time. */
#define _GNU_SOURCE
#include <pthread.h>

#include "target.h"

#define MOST 64

static long count, microseconds;

static void *work(void *nothing) {
    struct timespec pause = {.tv_nsec = microseconds * 1000};
    for (long i = 0; i < count; i++)
        nanosleep(&pause, NULL);
    return nothing;
}

int main(int argc, char **argv) {
    pthread_t threads[MOST];
    long many = argc > 2 ? strtol(argv[2], NULL, 10) : 8;
    if (many < 1 || many > MOST)
        return 2;
    count = count_at(argc, argv, 1);
    microseconds = argc > 3 ? strtol(argv[3], NULL, 10) : 100;

    uint64_t started = begin_work();
    for (long i = 0; i < many; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (long i = 0; i < many; i++)
        pthread_join(threads[i], NULL);
    end_work(started, count * many);
    return 0;
}
