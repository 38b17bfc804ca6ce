// mangled [COUNT]: names that only a demangler makes readable, and a call that is inlined.
#include "target.h"

namespace shapes {

template <typename T> class Circle {
public:
    explicit Circle(T radius) : radius_(radius) {}
    NOINLINE T area(int scale) const {
        __asm__ volatile("" : : "r"(scale), "r"(FRAME) : "memory");
        return radius_ * radius_ * scale;
    }

private:
    T radius_;
};

template class Circle<long>;

static inline __attribute__((always_inline)) long inlined_sum(const Circle<long> &circle, long count) {
    long total = 0;
    for (long i = 0; i < count; i++)
        total += circle.area(static_cast<int>(i));
    return total;
}

struct Point {
    int x, y;
};
enum class Side : short { Left = -1, Right = 2 };
enum { CORNERS = 4 };

NOINLINE long place(const Point &point, Side side) {
    __asm__ volatile("" : : "r"(&point), "r"(side), "r"(FRAME) : "memory");
    return point.x + CORNERS;
}

NOINLINE long measure(long count) {
    long total = inlined_sum(Circle<long>(3), count);
    __asm__ volatile("" : "+r"(total));
    return total;
}

} // namespace shapes

extern "C" NOINLINE long place(long value) {
    __asm__ volatile("" : "+r"(value) : "r"(FRAME));
    return value;
}

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1);
    uint64_t started = begin_work();
    shapes::measure(count);
    shapes::place({3, 4}, shapes::Side::Right);
    place(1);
    end_work(started, count);
    return 0;
}
