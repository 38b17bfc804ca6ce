/* watched where: prints the address of the variable, which is the same in every run: link it with -no-pie.
 * watched [COUNT]: writes the variable COUNT times. */
#include <string.h>

#include "target.h"

/* Not zero, so that no one but this program writes it: the kernel clears what is. */
volatile long watched = 1;

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "where")) {
        printf("%p\n", (void *)&watched);
        return 0;
    }
    long count = count_at(argc, argv, 1);
    uint64_t started = begin_work();
    for (long i = 0; i < count; i++)
        watched = i;
    end_work(started, count);
    return 0;
}
