/* work KIND COUNT: things that tools look at, COUNT of each. KIND is signals, sockets, sleeps, starts or transfers. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void signals(void) { kill(getpid(), SIGURG); }

/* A socket that is bound to a free port of this machine, and one that is connected to it. */
static void sockets(void) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(place);
    int bound = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    bind(bound, (struct sockaddr *)&place, size);
    getsockname(bound, (struct sockaddr *)&place, &size);
    connect(other, (struct sockaddr *)&place, size);
    bind(bound, (struct sockaddr *)&place, 1); /* refused */
    close(bound);
    close(other);
}

static void sleeps(void) { nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); }

static void starts(void) {
    pid_t child = fork();
    if (!child) {
        execl("/bin/true", "true", NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
}

static void transfers(void) {
    static int null = -1, zero;
    char bytes[100];
    if (null < 0) {
        null = open("/dev/null", O_WRONLY);
        zero = open("/dev/zero", O_RDONLY);
    }
    if (write(null, bytes, read(zero, bytes, sizeof(bytes))) != sizeof(bytes))
        exit(1);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } kinds[] = {{"signals", signals}, {"sockets", sockets}, {"sleeps", sleeps}, {"starts", starts}, {"transfers", transfers}};
    for (unsigned i = 0; argc > 2 && i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(kinds[i].name, argv[1]))
            continue;
        for (long left = atol(argv[2]); left > 0; left--)
            kinds[i].run();
        return 0;
    }
    return 2;
}
