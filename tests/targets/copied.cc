// copied: classes that are handed over by their address, because copying or destroying them takes a function, and others.
#include "target.h"
#include <utility>

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
struct Assigned {
    int v;
    Assigned &operator=(Assigned &&) = default;
};
// Debug information does not have the default argument that makes a copy constructor of this.
struct Doubtful {
    int v;
    explicit Doubtful(int value) : v(value) {}
    Doubtful(const Doubtful &other, int more = 0) : v(other.v + more) {}
};
// More parts than are looked at.
template <int> struct Part {};
template <typename> struct Parts;
template <int... N> struct Parts<std::integer_sequence<int, N...>> : Part<N>... {
    int v;
};
struct Crowd {
    Parts<std::make_integer_sequence<int, 1100>> parts;
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
NOINLINE int take(Assigned it, int n) {
    __asm__ volatile("" : : "r"(FRAME) : "memory");
    return it.v + n;
}
NOINLINE int doubtful(Doubtful it, int n) {
    __asm__ volatile("" : : "r"(FRAME) : "memory");
    return it.v + n;
}
NOINLINE Doubtful make_doubtful(int n) {
    __asm__ volatile("" : : "r"(FRAME) : "memory");
    return Doubtful(n);
}
NOINLINE int crowd(Crowd it, int n) {
    __asm__ volatile("" : : "r"(FRAME) : "memory");
    return it.parts.v + n;
}

int main() {
    Virtual virtual_one;
    virtual_one.v = 5;
    int sum = take(make(Copied(1), 10), 21) + take(make(Plain(2), 10), 22);
    sum += take(Holder{{{4}}}, 23) + take(virtual_one, 24) + take(Single(6), 25);
    sum += take(Assigned{7}, 26) + doubtful(make_doubtful(8), 27) + crowd(Crowd(), 28);
    return sum == 0;
}
