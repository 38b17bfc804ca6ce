/* many: 5,000 functions many_0000 to many_4999, each called once. */
#include "target.h"

#define ONE(n)                                                                                                         \
    NOINLINE long many_##n(long total) {                                                                               \
        __asm__ volatile("" : "+r"(total) : "r"(FRAME));                                                               \
        return total + 1;                                                                                              \
    }
#define CALL(n) total = many_##n(total);

#define TEN(what, n)                                                                                                   \
    what(n##0) what(n##1) what(n##2) what(n##3) what(n##4) what(n##5) what(n##6) what(n##7) what(n##8) what(n##9)
#define HUNDRED(what, n)                                                                                               \
    TEN(what, n##0) TEN(what, n##1) TEN(what, n##2) TEN(what, n##3) TEN(what, n##4)                                    \
    TEN(what, n##5) TEN(what, n##6) TEN(what, n##7) TEN(what, n##8) TEN(what, n##9)
#define THOUSAND(what, n)                                                                                              \
    HUNDRED(what, n##0) HUNDRED(what, n##1) HUNDRED(what, n##2) HUNDRED(what, n##3) HUNDRED(what, n##4)                \
    HUNDRED(what, n##5) HUNDRED(what, n##6) HUNDRED(what, n##7) HUNDRED(what, n##8) HUNDRED(what, n##9)

THOUSAND(ONE, 0) THOUSAND(ONE, 1) THOUSAND(ONE, 2) THOUSAND(ONE, 3) THOUSAND(ONE, 4)

int main(void) {
    long total = 0;
    uint64_t started = begin_work();
    THOUSAND(CALL, 0) THOUSAND(CALL, 1) THOUSAND(CALL, 2) THOUSAND(CALL, 3) THOUSAND(CALL, 4)
    end_work(started, total);
    return total == 5000 ? 0 : 4;
}
