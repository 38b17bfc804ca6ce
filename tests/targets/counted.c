/* counted WHAT COUNT: COUNT times what counters of the system count, and nothing else of the kind.
 *
 * fork     children by fork(), each waited for
 * vfork    children by vfork()
 * spawn    children by posix_spawn(), which run `counted none 1`
 * threads  threads, each waited for
 * touch    pages of anonymous memory, each written once
 * copy     pages that a child shares, each written by the parent
 * kernel   pages that the kernel writes for a read
 * move     moves of the only thread between two CPUs
 * vectors  reads and writes of 50 bytes each by readv and writev
 * sem      operations on a semaphore of System V
 * msg      messages sent and received by a queue of System V
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

enum { PAGE = 4096, PART = 50 };

extern char **environ;

static void make_child(int by_vfork) {
    pid_t child = by_vfork ? vfork() : fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

static void spawn_child(void) {
    char *argv[] = {"counted", "none", "1", NULL};
    pid_t child;
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, argv, environ) == 0)
        waitpid(child, NULL, 0);
}

static void *nothing(void *argument) {
    return argument;
}

static void make_thread(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) == 0)
        pthread_join(thread, NULL);
}

static volatile char *new_pages(long count) {
    char *pages = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        exit(5);
    madvise(pages, count * PAGE, MADV_NOHUGEPAGE);
    return pages;
}

static void touch(volatile char *pages, long count) {
    for (long i = 0; i < count; i++)
        pages[i * PAGE] = 1;
}

static void copy(long count) {
    volatile char *pages = new_pages(count);
    touch(pages, count);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    touch(pages, count);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void written_by_the_kernel(long count) {
    volatile char *pages = new_pages(count);
    int zero = open("/dev/zero", O_RDONLY);
    for (long i = 0; i < count; i++)
        if (read(zero, (char *)pages + i * PAGE, 1) != 1)
            exit(5);
}

static void move(long count, int first, int second) {
    for (long i = 0; i < count; i++) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(i % 2 ? first : second, &cpus);
        sched_setaffinity(0, sizeof cpus, &cpus);
    }
}

/* The second CPU on which this thread may run; it runs on the first from now on. */
static int start_of_moves(int *first) {
    cpu_set_t cpus;
    int found = -1;
    sched_getaffinity(0, sizeof cpus, &cpus);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
        if (CPU_ISSET(cpu, &cpus)) {
            found = *first;
            *first = cpu;
        }
    CPU_ZERO(&cpus);
    CPU_SET(*first, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    return found;
}

static void vectors(long count) {
    char bytes[PART] = {0};
    struct iovec part = {bytes, PART};
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
    for (long i = 0; i < count; i++)
        if (readv(zero, &part, 1) != PART || writev(null, &part, 1) != PART)
            exit(5);
}

static void semaphore(long count) {
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf up = {0, 1, 0};
    for (long i = 0; i < count; i++)
        semop(id, &up, 1);
    semctl(id, 0, IPC_RMID);
}

static void messages(long count) {
    int id = msgget(IPC_PRIVATE, 0600);
    struct {
        long type;
        char text[8];
    } message = {1, "hello"};
    for (long i = 0; i < count; i++) {
        msgsnd(id, &message, sizeof message.text, 0);
        msgrcv(id, &message, sizeof message.text, 0, 0);
    }
    msgctl(id, IPC_RMID, NULL);
}

static int repeat(const char *what, long count) {
    if (!strcmp(what, "fork") || !strcmp(what, "vfork"))
        for (long i = 0; i < count; i++)
            make_child(what[0] == 'v');
    else if (!strcmp(what, "spawn"))
        for (long i = 0; i < count; i++)
            spawn_child();
    else if (!strcmp(what, "threads"))
        for (long i = 0; i < count; i++)
            make_thread();
    else
        return 0;
    return 1;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "none";
    long count = count_at(argc, argv, 2);
    int first = -1, second = !strcmp(what, "move") ? start_of_moves(&first) : -1;

    uint64_t started = begin_work();
    if (repeat(what, count))
        ;
    else if (!strcmp(what, "touch"))
        touch(new_pages(count), count);
    else if (!strcmp(what, "copy"))
        copy(count);
    else if (!strcmp(what, "kernel"))
        written_by_the_kernel(count);
    else if (!strcmp(what, "move") && second >= 0)
        move(count, first, second);
    else if (!strcmp(what, "vectors"))
        vectors(count);
    else if (!strcmp(what, "sem"))
        semaphore(count);
    else if (!strcmp(what, "msg"))
        messages(count);
    end_work(started, count);
    return 0;
}
