/* stalled [COUNT]: passes COUNT texts to a function, each in a thread of its own, and all on one processor. The texts are in pages that
 * stay away: a program that reads one waits, until every thread waits there or is through. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target.h"

#define MOST 64

static int through;

NOINLINE void target_text(const char *text) {
    __asm__ volatile("" : : "r"(text), "r"(FRAME) : "memory");
}

static void *pass(void *text) {
    target_text(text);
    eventfd_write(through, 1);
    return NULL;
}

static void on_one_processor(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
}

/* Waits until the newest thread waits for its page, or is through. */
static void wait_for_one(int faults) {
    struct uffd_msg message;
    eventfd_t calls;
    struct pollfd either[] = {{.fd = faults, .events = POLLIN}, {.fd = through, .events = POLLIN}};
    while (poll(either, 2, -1) <= 0)
        ;
    if (either[0].revents)
        (void)!read(faults, &message, sizeof message);
    else
        eventfd_read(through, &calls);
}

int main(int argc, char **argv) {
    long count = argc > 1 ? count_at(argc, argv, 1) : 7;
    size_t page = sysconf(_SC_PAGESIZE), length = MOST * page;
    pthread_t threads[MOST];
    int faults = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    struct uffdio_api api = {.api = UFFD_API};
    char *texts = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_range range = {(uintptr_t)texts, length};
    struct uffdio_register wanted = {.range = range, .mode = UFFDIO_REGISTER_MODE_MISSING};
    struct uffdio_zeropage present = {.range = range};
    if (count > MOST || faults < 0 || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &wanted))
        return 2;
    through = eventfd(0, EFD_CLOEXEC);
    on_one_processor();
    uint64_t started = begin_work();
    for (long i = 0; i < count; i++) {
        pthread_create(&threads[i], NULL, pass, texts + i * page);
        wait_for_one(faults);
    }
    ioctl(faults, UFFDIO_ZEROPAGE, &present);
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    end_work(started, count);
    return 0;
}
