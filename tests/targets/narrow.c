/* narrow: a program of 32 bits that needs no C library: calls functions with arguments of many types, 10,007 times or as often as its first
 * argument says. With a second one it waits for a line on standard input first. */

#ifdef __clang__
#define PUBLIC __attribute__((noinline, used))
#else
#define PUBLIC __attribute__((noipa, used))
#endif

typedef unsigned int size_type;

struct link {
    struct link *next;
    const char *name;
    long number;
    long long wide;
    char *texts[2];
};

struct pair {
    int x, y;
};

/* What <sys/sdt.h> makes of a probe. */
#define PROBE(provider, name, semaphore, arguments, ...) \
    __asm__ volatile( \
        "990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte 992f-991f, 994f-993f, 3\n" \
        "991: .asciz \"stapsdt\"\n992: .balign 4\n993: .4byte 990b, _.stapsdt.base, " semaphore "\n" \
        ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n994: .balign 4\n.popsection\n" \
        ".ifndef _.stapsdt.base\n.pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
        ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n" \
        ".endif\n" ::__VA_ARGS__)

unsigned short shop_sale_semaphore __attribute__((section(".probes"))) = 0;
int table[4] = {11, 22, 33, -44};
int calls = 0;

static long system_call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

/* Arguments of one word and of two, and a negative result. */
PUBLIC int narrow_scalars(int i, char c, const char *text, long long wide, unsigned last) {
    return i - c - text[0] - (int)wide - (int)last;
}

PUBLIC long long narrow_wide(struct pair pair, short last) {
    return ((long long)pair.x << 32 | (unsigned)pair.y) + last;
}

PUBLIC struct pair narrow_pair(int x, int *y) {
    struct pair made = {x, *y};
    return made;
}

PUBLIC struct link *narrow_links(struct link *link, struct link **again, size_type size) {
    return link->next && again && size ? link->next : link;
}

PUBLIC double narrow_ratio(double ratio, float less) {
    return ratio - less;
}

/* endbr32, which the kernel must step over, and a push, which it need not. */
int narrow_marked(int);
__asm__(".text\n.globl narrow_marked\n.type narrow_marked, @function\n"
        "narrow_marked: endbr32\npush %ebp\nmov %esp, %ebp\nmov 8(%ebp), %eax\ninc %eax\npop %ebp\nret\n"
        ".size narrow_marked, . - narrow_marked\n");

PUBLIC int narrow_inner(int depth) {
    PROBE("shop", "sale", "shop_sale_semaphore", "-4@%0 4@%1 -4@table-4(,%2,4)", "r"(depth), "m"(calls), "r"(depth % 4 + 1));
    return depth + 1;
}

PUBLIC int narrow_outer(int depth) {
    return narrow_inner(depth) + 1;
}

static int number_of(const char *text, int instead) {
    int number = 0;
    if (!text)
        return instead;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + *text - '0';
    return number;
}

static struct link last = {0, "last", -2, -3, {0, 0}};
static struct link first = {&last, "first", 7, 1LL << 40, {"one", "two"}};
static int sum;

PUBLIC void narrow_main(int argc, char **argv) {
    int left = number_of(argc > 1 ? argv[1] : 0, 10007), y = 9;
    char line[1];
    if (argc > 2)
        system_call(3, 0, (long)line, 1);
    for (calls = 0; calls < left; calls++) {
        struct link *link = &first;
        struct pair pair = {3, -4};
        sum += narrow_scalars(-5, 'c', "text", 1LL << 33, 4000000000u);
        sum += (int)narrow_wide(pair, -1);
        sum += narrow_pair(calls, &y).y;
        sum += (int)narrow_links(link, &link, sizeof(*link))->number;
        sum += (int)narrow_ratio(2.5, 1.5f);
        sum += narrow_marked(calls) + narrow_outer(calls) + table[calls % 4];
    }
    system_call(1, 0, 0, 0);
}

__asm__(".text\n.globl _start\n.type _start, @function\n"
        "_start: xor %ebp, %ebp\nmov (%esp), %eax\nlea 4(%esp), %edx\nand $-16, %esp\nsub $8, %esp\npush %edx\npush %eax\n"
        "call narrow_main\nhlt\n.size _start, . - _start\n");
