/* threads [COUNT [THREADS]]: each thread, named worker-0, worker-1, ..., calls target_call COUNT times. */
#define _GNU_SOURCE
#include <pthread.h>

#include "calls_body.h"
#include "target.h"

#define MOST 64

static long count;

static void *work(void *number) {
    char name[16];
    snprintf(name, sizeof name, "worker-%ld", (long)number);
    pthread_setname_np(pthread_self(), name);
    for (long i = 0; i < count; i++)
        target_call(i, name);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[MOST];
    long many = argc > 2 ? strtol(argv[2], NULL, 10) : 4;
    if (many < 1 || many > MOST)
        return 2;
    count = count_at(argc, argv, 1);

    uint64_t started = begin_work();
    for (long i = 0; i < many; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (long i = 0; i < many; i++)
        pthread_join(threads[i], NULL);
    end_work(started, count * many);
    return 0;
}
