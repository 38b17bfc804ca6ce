/* floats: hands over floating point numbers in memory and to a probe. */
#include <sys/sdt.h>
#include "target.h"

struct sample {
    int id;
    float single;
    double twice;
    long double most;
    float row[3];
};

NOINLINE int floats_in_memory(struct sample *sample, double *place, int n) {
    return sample->id + (int)*place + n;
}

/* The vector registers are for the first eight. */
NOINLINE double floats_on_the_stack(double a, double b, double c, double d, double e, double f, double g, double h, double far,
                                    float last) {
    return a + b + c + d + e + f + g + h + far + last;
}

int main(void) {
    struct sample sample = {7, 0.1f, -2.5e10, 2.75L, {0.5f, 1.5f, -2.5f}};
    double place = 1e10 / 3;
    for (int i = 0; i < 3; i++) {
        sample.twice = -2.5e10 + i;
        floats_in_memory(&sample, &place, i);
        DTRACE_PROBE3(floats, handed, sample.twice, sample.single, i);
    }
    return floats_on_the_stack(1, 2, 3, 4, 5, 6, 7, 8, 9.25, 10.5f) > 0 ? 0 : 4;
}
