/* untouched [COUNT]: passes a function COUNT constants that lie in pages which nothing has touched before it
 * gives them to the kernel as names of files. */
#include "target.h"

#include <fcntl.h>
#include <unistd.h>

/* The size of the largest pages. */
#define PAGE 65536
/* Most constants. */
#define TEXTS 17

__attribute__((aligned(PAGE))) const char untouched[TEXTS][PAGE] = {[0 ... TEXTS - 1] = "never touched"};

const char (*volatile texts)[PAGE] = untouched;

__attribute__((noinline)) void target_text(const char *text) {
    char target[8];
    (void)!readlinkat(AT_FDCWD, text, target, sizeof target);
}

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);
    uint64_t started = begin_work();
    for (long i = 0; i < count && i < TEXTS; i++)
        target_text(texts[i]);
    end_work(started, count);
    return 0;
}
