/* many-usdt: 200 probes of the provider `many`, p_000 to p_199, each passed once. */
#include <sys/sdt.h>

#include "target.h"

#define PASS(n) STAP_PROBE1(many, p_##n, total++);

#define TEN(n)                                                                                                         \
    PASS(n##0) PASS(n##1) PASS(n##2) PASS(n##3) PASS(n##4) PASS(n##5) PASS(n##6) PASS(n##7) PASS(n##8) PASS(n##9)
#define HUNDRED(n) TEN(n##0) TEN(n##1) TEN(n##2) TEN(n##3) TEN(n##4) TEN(n##5) TEN(n##6) TEN(n##7) TEN(n##8) TEN(n##9)

int main(void) {
    long total = 0;
    uint64_t started = begin_work();
    HUNDRED(0) HUNDRED(1)
    end_work(started, total);
    return total == 200 ? 0 : 4;
}
