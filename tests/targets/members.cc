// members: pointers to members, null pointers and classes without members as arguments.
#include "target.h"
#include <complex>
#include <cstddef>


struct Point {
    int x, y;
    int sum() { return x + y; }
};
struct Nothing {};
using Method = int (Point::*)();

volatile long sum;

NOINLINE int by_method(Method m, int z) {
    Point p{1, 2};
    sum += (p.*m)() + z;
    return z;
}
NOINLINE int by_null(int a, std::nullptr_t, int z) {
    sum += a + z;
    return z;
}
NOINLINE int by_nothing(int a, Nothing n, int z) {
    sum += a + z;
    return z;
}
NOINLINE int by_complex(int a, std::complex<double> c, int z) {
    sum += (long)c.real() + a + z;
    return z;
}
NOINLINE std::complex<double> complex_result(int k) { return {double(k), 2}; }
NOINLINE __float128 long_result(int k) { return k; }

int main() {
    by_method(&Point::sum, 2);
    by_null(1, nullptr, 2);
    by_nothing(1, {}, 2);
    by_complex(1, {1.5, 2.5}, 3);
    return complex_result(3).real() + double(long_result(3)) > 0 ? 0 : 4;
}
