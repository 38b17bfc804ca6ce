/* netless PROGRAM [ARG...]: runs a program that may not open netlink, as in a sandbox. */
#include "refusing.h"
#include <sys/socket.h>

int main(int argc, char **argv) {
    struct sock_filter filter[] = {
        FIELD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        FIELD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | EACCES),
        RETURN(SECCOMP_RET_ALLOW),
    };
    (void)argc;
    return RUN_UNDER(filter, argv);
}
