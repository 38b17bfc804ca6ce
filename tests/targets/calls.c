/* calls [COUNT [TEXT]]: calls target_call(0..COUNT, TEXT) and then, once each, the other functions.
 * Linked with calls_body.c, or with libcalls.so as `calls-shared`. */
#include "calls_body.h"
#include "target.h"

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);
    const char *text = argc > 2 ? argv[2] : "hello";
    struct point p = {-7, 513, "origin"};
    long total = 0;

    uint64_t started = begin_work();
    for (long i = 0; i < count; i++)
        total += target_call(i, text);
    end_work(started, count);

    total += target_many(1, 2, 3, 4, 5, 6, 7, 8);
    total += target_point(&p);
    return total == count * (count - 1) + 36 - 7 ? 0 : 4;
}
