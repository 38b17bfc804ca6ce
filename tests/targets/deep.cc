/* deep [COUNT]: calls target_leaf COUNT times, each time on another way through templates: 16 frames that are the same,
 * and 14 of which each is one of two. So there are 16,384 stacks. With TARGET_STAY it ends with its standard input. */
#include "target.h"

extern "C" NOINLINE long target_leaf(long i) {
    __asm__ volatile("" : : "r"(i), "r"(FRAME) : "memory");
    return i;
}

namespace demo {

template <typename T> struct Payload {
    T value;
};

/* No tail call: the frame must stay. */
static inline long kept(long total) {
    __asm__ volatile("" : "+r"(total));
    return total;
}

template <unsigned Level, bool Odd> struct Branch {
    template <typename T> static NOINLINE long descend(const Payload<T> &payload, unsigned long way) {
        if constexpr (Level == 0)
            return kept(target_leaf(payload.value));
        else if (way & 1)
            return kept(Branch<Level - 1, true>::template descend<T>(payload, way >> 1));
        else
            return kept(Branch<Level - 1, false>::template descend<T>(payload, way >> 1));
    }
};

template <unsigned Level, typename T> NOINLINE long prefix(const Payload<T> &payload, unsigned long way) {
    if constexpr (Level == 0)
        return kept(Branch<14, false>::descend<T>(payload, way));
    else
        return kept(prefix<Level - 1, T>(payload, way));
}

} // namespace demo

int main(int argc, char **argv) {
    long count = count_at(argc, argv, 1), total = 0;
    uint64_t started = begin_work();
    for (long i = 0; i < count; i++)
        total += demo::prefix<15, long>(demo::Payload<long>{i}, i);
    end_work(started, count);
    while (getenv("TARGET_STAY") && getchar() != EOF)
        ;
    return total == count * (count - 1) / 2 ? 0 : 4;
}
