/* threadless PROGRAM [ARG...]: runs a program that may start no threads, as where there are too many already. */
#include "refusing.h"
#include <linux/sched.h>

#define CLONE3 435

int main(int argc, char **argv) {
    /* The flags of clone3 are in memory, where a filter cannot look; without it, C libraries use clone. */
    struct sock_filter filter[] = {
        FIELD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLONE3, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        FIELD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | EAGAIN),
        RETURN(SECCOMP_RET_ALLOW),
    };
    (void)argc;
    return RUN_UNDER(filter, argv);
}
