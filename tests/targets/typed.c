/* typed: calls functions with arguments of many types, a known number of times, for probes that know the types by debug
 * information. */
#include <stdbool.h>
#include <stdio.h>
#include "target.h"

enum color { RED, GREEN = 5, BLUE, NONE = -1 };
typedef unsigned int width_t;

struct inner {
    int sub[4];
    char name[16];
    double ratio;
};

struct item {
    int id;
    unsigned low : 3;
    unsigned mid : 7;
    int high : 5;
    struct inner in;
    struct inner *field;
    const char *label;
    enum color color;
    union {
        int narrow;
        long wide;
    };
    int grid[2][3];
};

struct pair {
    int x, y;
};

struct triple {
    long a, b, c;
};

struct words {
    long first;
    const char *second;
};

struct mixed {
    double ratio;
    int count;
};

typedef struct {
    int only;
} untagged_t;

NOINLINE long typed_scalars(int i, unsigned char c, bool b, enum color color, const char *text, struct item *item, long far,
                            short last) {
    return i + c + b + color + text[0] + item->id + far + last;
}

NOINLINE struct item *typed_pointer(struct item *item, volatile const width_t width, untagged_t *untagged) {
    item->id += (int)width + untagged->only;
    return item;
}

NOINLINE long typed_structs(struct pair pair, struct triple triple, struct words words, int after) {
    return pair.x + pair.y + triple.a + triple.c + words.first + words.second[0] + after;
}

NOINLINE double typed_floats(double d, struct mixed mixed, int n, double *place) {
    return d * mixed.ratio + n + *place;
}

NOINLINE enum color typed_color(int key) {
    return key ? NONE : RED;
}

NOINLINE struct pair typed_pair(int key) {
    return (struct pair){key, -key};
}

NOINLINE struct triple typed_triple(int key) {
    return (struct triple){key, 2 * key, 3 * key};
}

int main(void) {
    struct inner other = {{1, 2, 3, 4}, "other", 2.5};
    struct item item = {42, 5, 100, -3, {{10, 20, 30, 40}, "own", 3.5}, &other, "label", BLUE, {.wide = 7}, {{1, 2, 3}, {4, 5, 6}}};
    untagged_t untagged = {77};
    double place = 6.25;
    double sum = typed_scalars(-7, 200, true, GREEN, "text", &item, 1L << 40, -2);
    sum += typed_pointer(&item, 9, &untagged)->id;
    sum += typed_structs((struct pair){1, -2}, (struct triple){3, 4, 5}, (struct words){6, "second"}, 8);
    sum += typed_floats(1.5, (struct mixed){2.5, 3}, 4, &place);
    sum += typed_color(1) + typed_pair(4).y + typed_triple(6).b;
    return sum > 0 ? 0 : 4;
}
