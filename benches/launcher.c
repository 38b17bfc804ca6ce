/* launcher ROOT PROGRAM [ARGUMENTS]: a program in another root, at the price of one exec. Without arguments: nothing. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3)
        return 0;
    if (chroot(argv[1]) || chdir("/")) {
        perror(argv[1]);
        return 127;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
