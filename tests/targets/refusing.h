/* What refuses a program some system calls, as sandboxes do. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIELD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define RUN_UNDER(filter, argv) run_under(filter, sizeof filter / sizeof *filter, argv)

/* Runs the program that the arguments name; the exit status where that fails. */
static int run_under(struct sock_filter *filter, unsigned short length, char **argv) {
    struct sock_fprog program = {length, filter};
    if (!argv[1] || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 2;
    execv(argv[1], argv + 1);
    return 3;
}
