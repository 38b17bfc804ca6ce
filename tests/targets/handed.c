/* handed: arguments that calling conventions and compilers hand over in unusual ways. */
#include <complex.h>
#include "target.h"

typedef __int128 long_t;
struct apart {
    long a;
    int b;
};
struct roomy {
    long a;
} __attribute__((aligned(16)));
struct most {
    long double v;
};

volatile long sum;

/* Nothing is done before the parameter changes: a debugger shows the new value at the entry. */
NOINLINE long handed_changed(int a, long b) {
    a += 5;
    b *= a;
    sum += a + b;
    return sum + a;
}

/* Some compilers put half of it into the last register. */
NOINLINE long handed_halves(int a, int b, int c, int d, int e, long_t x, int z) {
    sum += a + b + c + d + e + (long)x + (long)(x >> 64) + z;
    return sum;
}

NOINLINE long handed_padded(int k, struct apart p, struct roomy q, int z) {
    sum += k + p.a + p.b + q.a + z;
    return sum;
}

NOINLINE long handed_complex(int a, long double complex d, int z) {
    sum += creall(d) + cimagl(d) + a + z;
    return sum;
}

NOINLINE float complex handed_number(int k) { return k + 2 * I; }

NOINLINE struct most handed_most(int k) { return (struct most){k}; }

int main(void) {
    handed_changed(1, 2);
    handed_halves(1, 2, 3, 4, 5, ((long_t)-5 << 64) | 9, 6);
    handed_padded(1, (struct apart){11, 12}, (struct roomy){13}, 3);
    handed_complex(1, 3 + 4 * I, 5);
    return crealf(handed_number(3)) + handed_most(1).v > 0 ? 0 : 4;
}
