/* ways [DEPTH]: calls target_end once by each of the 2^DEPTH ways that lead there through target_left and target_right, so that
 * it is seen with as many stacks. */
#include "target.h"

NOINLINE long target_end(long way) {
    __asm__ volatile("" : : "r"(way), "r"(FRAME) : "memory");
    return way;
}

NOINLINE long target_right(long depth, long way);

NOINLINE long target_left(long depth, long way) {
    long end = depth == 0 ? target_end(way) : way >> depth & 1 ? target_right(depth - 1, way) : target_left(depth - 1, way);
    __asm__ volatile("" : "+r"(end));
    return end;
}

NOINLINE long target_right(long depth, long way) {
    long end = depth == 0 ? target_end(way) : way >> depth & 1 ? target_right(depth - 1, way) : target_left(depth - 1, way);
    __asm__ volatile("" : "+r"(end) : : "memory");
    return end;
}

int main(int argc, char **argv) {
    long depth = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
    for (long way = 0; way < 1L << depth; way++)
        target_left(depth, way << 1);
    return 0;
}
