/* remade: functions that nothing outside calls, which compilers change for their callers; and values whose types look like others. */
#include "target.h"

#define INSIDE static __attribute__((noinline))

typedef int four_t __attribute__((vector_size(16)));
typedef int eight_t __attribute__((vector_size(32)));
enum size { SMALL = 1, MIDDLE = 200, LARGE = 40000 };
struct bulk {
    char bytes[200];
    int last;
};

struct same {
    int number;
    char text;
};
struct __attribute__((packed)) packed {
    int a;
    long long q : 40;
    long long z : 20;
    int c;
};

volatile long sum = 1;
struct bulk bulk = {.bytes = {[150] = 7}, .last = 9};

/* What is unused goes, and what is left moves up. */
INSIDE long remade_less(long unused, _Bool flag, long other, long kept) {
    (void)unused;
    (void)other;
    sum += kept;
    sum += flag;
    return sum;
}

/* No caller uses the result. */
INSIDE long remade_silent(long kept) {
    sum += kept;
    return 77 + sum;
}

/* Nobody fills in what is unused. */
NOINLINE long remade_unused(struct bulk all, long unused) {
    (void)unused;
    return all.last + sum;
}

NOINLINE long remade_size(enum size size, struct bulk *bulk) { return size + bulk->last + sum; }

NOINLINE long remade_vector(four_t vector, int after) { return vector[1] + after; }

NOINLINE long remade_wide(int before, eight_t *wide, int after) { return before + (*wide)[1] + after; }

/* All callers hand over the same. */
INSIDE long remade_same(struct same same, int after) { return same.number + same.text + after + sum; }

NOINLINE long remade_packed(struct packed *packed) { return packed->a + sum; }

int main(void) {
    struct packed packed = {1, -4, 5, 6};
    struct same same = {3, 'c'};
    eight_t wide = {1, 2, 3, 4, 5, 6, 7, 8};
    long flag = sum;
    sum += remade_less(sum + 3, flag == 1, sum + 4, flag + 5);
    sum += remade_less(sum + 3, flag == 1, sum + 4, flag + 5);
    remade_silent(sum);
    remade_silent(sum);
    remade_unused(bulk, flag + 30);
    remade_size(MIDDLE, &bulk);
    remade_vector((four_t){1, 2, 3, 4}, 5);
    remade_wide(1, &wide, 2);
    sum += remade_same(same, (int)flag);
    remade_packed(&packed);
    return 0;
}
