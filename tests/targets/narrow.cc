/* narrow.cc: a program of 32 bits that hands arguments over in registers, and pointers to members. It needs no library. */

#define PUBLIC extern "C" __attribute__((noipa, used))

struct Other {
    int first;
};
struct Base {
    int second;
    int get(int add) { return second + add; }
};
struct Both : Other, Base {};

static volatile int sum = 0;

PUBLIC __attribute__((regparm(3))) void narrow_registers(int a, int b, int c, int d) { sum = a + b + c + d; }

PUBLIC __attribute__((regparm(3))) void narrow_long(long long a, char b, int c) { sum = (int)a + b + c; }

PUBLIC __attribute__((fastcall)) void narrow_fast(int a, int *b) { sum = a + *b; }

PUBLIC void narrow_usual(char a, long long b, double c, int d, int *e) { sum = a + (int)b + (int)c + d + *e; }

PUBLIC void narrow_member(int (Both::*member)(int), int after) { sum = member != 0 ? after : 0; }

typedef float decimal __attribute__((mode(DD)));

static volatile union {
    unsigned long long bits;
    decimal number;
} one_and_a_half = {0x31a000000000000fULL};

PUBLIC decimal narrow_decimal(short after) {
    sum = after;
    return one_and_a_half.number;
}

extern "C" __attribute__((used)) void narrow_main() {
    int five = 5;
    narrow_registers(21, 22, 23, 24);
    narrow_long(31, 32, 33);
    narrow_fast(41, &five);
    narrow_usual(1, 2, 3, 4, &five);
    narrow_member(static_cast<int (Both::*)(int)>(&Base::get), 7);
    narrow_decimal(8);
    __asm__ volatile("int $0x80" ::"a"(1), "b"(0));
}

__asm__(".text\n.globl _start\n.type _start, @function\n_start: xor %ebp, %ebp\nand $-16, %esp\ncall narrow_main\nhlt\n"
        ".size _start, . - _start\n");
