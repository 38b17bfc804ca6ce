/* raw FILE [COUNT]: maps a file whose first bytes are a function that gives its argument plus one, and calls it COUNT times. */
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

int main(int argc, char **argv) {
    int file = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    if (file < 0 || code == MAP_FAILED)
        return 2;
    long count = count_at(argc, argv, 2), result = 0;

    uint64_t started = begin_work();
    for (long i = 0; i < count; i++)
        result = ((int (*)(int))code)((int)result);
    end_work(started, count);
    return result == (int)count ? 0 : 1;
}
