/* paired [COUNT]: passes a static probe COUNT times, whose nops are those of headers of `dtrace -h`, and calls a function that starts
 * with a five-byte nop as often. Then a child does both. Ends with 1 if the child did not come to its end. */
#include <sys/sdt.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

#if defined(__x86_64__)
#define BEHIND __asm__ volatile(".byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0")
long nopped(long);
__asm__(".globl nopped\n.type nopped, @function\nnopped: .byte 0x0f, 0x1f, 0x44, 0, 0\nmov %rdi, %rax\nret\n"
        ".size nopped, . - nopped\n");
#else
#define BEHIND
NOINLINE long nopped(long i) {
    __asm__ volatile("" : "+r"(i));
    return i;
}
#endif

/* Calls nothing: without optimization its variables are below the stack pointer. */
static NOINLINE long __attribute__((optimize("O0"))) leaf(long i) {
    long twice = 2 * i;
    STAP_PROBE1(demo, paired, i);
    BEHIND;
    return twice;
}

static long both(long count) {
    long sum = 0;
    uint64_t started = begin_work();
    for (long i = 0; i < count; i++)
        sum += leaf(i);
    end_work(started, count);
    for (long i = 0; i < count; i++)
        sum += nopped(i);
    return sum == 3 * (count * (count - 1) / 2);
}

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);
    int status = 1;

    if (!both(count))
        return 2;
    pid_t child = fork();
    if (child == 0) {
        unsetenv("TARGET_WAIT");
        unsetenv("TARGET_REPORT");
        _exit(both(count) ? 0 : 2);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
