/* The functions that uprobes are put on. They are compiled into `calls`, and into libcalls.so. */
#ifndef CALLS_BODY_H
#define CALLS_BODY_H

struct point {
    int x;
    unsigned short flags;
    const char *label;
};

long target_call(long i, const char *text);
long target_many(long a, long b, long c, long d, long e, long f, long g, long h);
int target_point(const struct point *p);

#endif
