/* syscalls CALL [COUNT [PATH]]: COUNT system calls of one kind, straight through syscall(2).
 * CALL is openat (and close), getppid, read (a byte of /dev/zero), write (a byte to /dev/null) or paced: getppid, a million times a
 * second. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target.h"

static void open_and_close(long count, const char *path) {
    for (long i = 0; i < count; i++)
        syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
}

static void get_parent(long count) {
    for (long i = 0; i < count; i++)
        syscall(SYS_getppid);
}

/* A thousand a millisecond. What comes late is made up for. */
static void get_parent_in_time(long count) {
    uint64_t next = now_ns();
    for (long done = 0; done < count; done += 1000, next += 1000000) {
        while (now_ns() < next)
            ;
        get_parent(count - done < 1000 ? count - done : 1000);
    }
}

static void transfer(long call, int fd, long count) {
    char byte = 0;
    for (long i = 0; i < count; i++)
        syscall(call, fd, &byte, 1);
}

int main(int argc, char **argv) {
    const char *call = argc > 1 ? argv[1] : "getppid";
    long count = count_at(argc, argv, 2);
    const char *path = argc > 3 ? argv[3] : "/etc/hostname";
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);

    uint64_t started = begin_work();
    if (!strcmp(call, "openat"))
        open_and_close(count, path);
    else if (!strcmp(call, "getppid"))
        get_parent(count);
    else if (!strcmp(call, "paced"))
        get_parent_in_time(count);
    else if (!strcmp(call, "read"))
        transfer(SYS_read, zero, count);
    else if (!strcmp(call, "write"))
        transfer(SYS_write, null, count);
    else
        return 2;
    end_work(started, count);
    return 0;
}
