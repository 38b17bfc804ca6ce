/* lives HOW [COUNT [PROGRAM]]: what a traced process can do with its life.
 *
 * exit     calls target_call COUNT times and exits with 42
 * abort    the same, and dies of SIGABRT
 * fork     two children call COUNT times each, and the parent once more
 * exec     calls COUNT times, then runs itself again as `lives exit COUNT`
 * become   calls COUNT times, then runs PROGRAM with COUNT as its argument
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls_body.h"
#include "target.h"

static void call(long count) {
    for (long i = 0; i < count; i++)
        target_call(i, "lives");
}

static int fork_two(long count) {
    for (int child = 0; child < 2; child++) {
        pid_t pid = fork();
        if (pid < 0)
            return 5;
        if (pid == 0) {
            call(count);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    call(count);
    return 0;
}

static int become(char **argv, long count) {
    call(count);
    execl(argv[3], argv[3], argv[2], (char *)NULL);
    return 5;
}

static int exec_again(char **argv, long count) {
    char digits[24];
    snprintf(digits, sizeof digits, "%ld", count);
    call(count);
    execl("/proc/self/exe", argv[0], "exit", digits, (char *)NULL);
    return 5;
}

static void die_of_abort(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    abort();
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "exit";
    long count = count_at(argc, argv, 2);

    begin_work();
    if (!strcmp(how, "fork"))
        return fork_two(count);
    if (!strcmp(how, "exec"))
        return exec_again(argv, count);
    if (!strcmp(how, "become") && argc > 3)
        return become(argv, count);
    call(count);
    if (!strcmp(how, "abort"))
        die_of_abort();
    return strcmp(how, "exit") ? 2 : 42;
}
