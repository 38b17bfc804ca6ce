// copied: classes that are handed over by their address, because copying or destroying them takes a function, and others.
#include "target.h"

struct Copied {
    int v;
    explicit Copied(int value) : v(value) {}
    Copied(const Copied &other) : v(other.v) {}
};
struct Ended {
    int v;
    ~Ended() { v = 0; }
};
struct Holder {
    Ended part[1];
};
struct Virtual {
    int v;
    virtual int number() { return v; }
};
struct Single {
    int v;
    explicit Single(int value) : v(value) {}
    Single(const Single &) = delete;
};
struct Plain {
    int v;
    explicit Plain(int value) : v(value) {}
    Plain(const Plain &) = default;
    Plain(Plain &&) = default;
    ~Plain() = default;
};

#define CLASS(Type, part)                                                                                                \
    NOINLINE Type make(const Type &from, int n) {                                                                        \
        __asm__ volatile("" : : "r"(FRAME) : "memory");                                                                  \
        Type made = Type{from.part + n};                                                                                 \
        return made;                                                                                                     \
    }                                                                                                                    \
    NOINLINE int take(Type it, int n) {                                                                                  \
        __asm__ volatile("" : : "r"(FRAME) : "memory");                                                                  \
        return it.part + n;                                                                                              \
    }

CLASS(Copied, v)
CLASS(Plain, v)

NOINLINE int take(Holder it, int n) {
    __asm__ volatile("" : : "r"(FRAME) : "memory");
    return it.part[0].v + n;
}
NOINLINE int take(Virtual it, int n) {
    __asm__ volatile("" : : "r"(FRAME) : "memory");
    return it.v + n;
}
NOINLINE int take(Single it, int n) {
    __asm__ volatile("" : : "r"(FRAME) : "memory");
    return it.v + n;
}

int main() {
    Virtual virtual_one;
    virtual_one.v = 5;
    int sum = take(make(Copied(1), 10), 21) + take(make(Plain(2), 10), 22);
    sum += take(Holder{{{4}}}, 23) + take(virtual_one, 24) + take(Single(6), 25);
    return sum == 0;
}
