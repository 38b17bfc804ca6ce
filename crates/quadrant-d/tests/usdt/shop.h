/* Made by dtrace -h from a provider definition: edit that, not this. */

#ifndef QUADRANT_USDT
#if defined(__linux__) && defined(__x86_64__)
#define QUADRANT_USDT 1
#define QUADRANT_USDT_NOP "nop\n\t.byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
#define QUADRANT_USDT_IN "nor"
#elif defined(__linux__) && defined(__aarch64__)
#define QUADRANT_USDT 1
#define QUADRANT_USDT_NOP "nop\n"
#define QUADRANT_USDT_IN "nr"
#else
#define QUADRANT_USDT 0
#endif
#define QUADRANT_USDT_BITS(type, integer, number) \
	__extension__ ({ union { type value; integer bits; } quadrant_usdt; quadrant_usdt.value = (number); quadrant_usdt.bits; })
#define QUADRANT_USDT_TEXT(provider, probe, args) \
	"7700:\t" QUADRANT_USDT_NOP \
	"\t.pushsection .note.stapsdt, \"?\", \"note\"\n" \
	"\t.balign 4\n" \
	"\t.4byte 7702f - 7701f, 7704f - 7703f, 3\n" \
	"7701:\t.asciz \"stapsdt\"\n" \
	"7702:\t.balign 4\n" \
	"7703:\t.8byte 7700b, _.stapsdt.base, " provider "_" probe "_semaphore\n" \
	"\t.asciz \"" provider "\", \"" probe "\", \"" args "\"\n" \
	"7704:\t.balign 4\n" \
	"\t.popsection\n" \
	"\t.ifndef _.stapsdt.base\n" \
	"\t.pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n" \
	"\t.weak _.stapsdt.base\n" \
	"\t.hidden _.stapsdt.base\n" \
	"_.stapsdt.base:\t.space 1\n" \
	"\t.size _.stapsdt.base, 1\n" \
	"\t.popsection\n" \
	"\t.endif\n"
#endif

#ifndef QUADRANT_USDT_PROVIDER_shop
#define QUADRANT_USDT_PROVIDER_shop
#if QUADRANT_USDT

#ifdef __cplusplus
extern "C" {
#endif
extern unsigned short shop_open_semaphore __attribute__((visibility("hidden")));
extern unsigned short shop_sale__done_semaphore __attribute__((visibility("hidden")));
extern unsigned short shop_weigh_semaphore __attribute__((visibility("hidden")));
#ifdef __cplusplus
}
#endif

#define SHOP_OPEN() \
	do { \
		__asm__ __volatile__ (QUADRANT_USDT_TEXT("shop", "open", "") \
			: : ); \
	} while (0)
#define SHOP_OPEN_ENABLED() __builtin_expect(*(volatile unsigned short *)&shop_open_semaphore, 0)

#define SHOP_SALE_DONE(arg0, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9, arg10, arg11) \
	do { \
		__asm__ __volatile__ (QUADRANT_USDT_TEXT("shop", "sale__done", "-4@%0 8@%1 1@%2 -2@%3 -8@%4 2@%5 4@%6 8@%7 -4@%8 8@%9 8@%10 -8@%11") \
			: : QUADRANT_USDT_IN ((int)(arg0)), QUADRANT_USDT_IN ((const volatile void *)(arg1)), QUADRANT_USDT_IN ((int)(unsigned char)(arg2)), QUADRANT_USDT_IN ((short)(arg3)), QUADRANT_USDT_IN ((long)(arg4)), QUADRANT_USDT_IN ((unsigned short)(arg5)), QUADRANT_USDT_IN ((unsigned int)(arg6)), QUADRANT_USDT_IN ((const volatile void *)(arg7)), QUADRANT_USDT_IN ((int)(arg8)), QUADRANT_USDT_IN ((unsigned long)(arg9)), QUADRANT_USDT_IN ((const volatile void *)(arg10)), QUADRANT_USDT_IN ((long)(arg11)) : "memory"); \
	} while (0)
#define SHOP_SALE_DONE_ENABLED() __builtin_expect(*(volatile unsigned short *)&shop_sale__done_semaphore, 0)

#define SHOP_WEIGH(arg0, arg1) \
	do { \
		__asm__ __volatile__ (QUADRANT_USDT_TEXT("shop", "weigh", "8@%0 4@%1") \
			: : QUADRANT_USDT_IN (QUADRANT_USDT_BITS(double, unsigned long, arg0)), QUADRANT_USDT_IN (QUADRANT_USDT_BITS(float, unsigned int, arg1))); \
	} while (0)
#define SHOP_WEIGH_ENABLED() __builtin_expect(*(volatile unsigned short *)&shop_weigh_semaphore, 0)

#else

#define SHOP_OPEN() do { } while (0)
#define SHOP_OPEN_ENABLED() (0)

#define SHOP_SALE_DONE(arg0, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9, arg10, arg11) do { (void)(arg0); (void)(arg1); (void)(arg2); (void)(arg3); (void)(arg4); (void)(arg5); (void)(arg6); (void)(arg7); (void)(arg8); (void)(arg9); (void)(arg10); (void)(arg11); } while (0)
#define SHOP_SALE_DONE_ENABLED() (0)

#define SHOP_WEIGH(arg0, arg1) do { (void)(arg0); (void)(arg1); } while (0)
#define SHOP_WEIGH_ENABLED() (0)

#endif
#endif

#ifndef QUADRANT_USDT_PROVIDER_bank
#define QUADRANT_USDT_PROVIDER_bank
#if QUADRANT_USDT

#ifdef __cplusplus
extern "C" {
#endif
extern unsigned short bank_open_semaphore __attribute__((visibility("hidden")));
#ifdef __cplusplus
}
#endif

#define BANK_OPEN(arg0) \
	do { \
		__asm__ __volatile__ (QUADRANT_USDT_TEXT("bank", "open", "-4@%0") \
			: : QUADRANT_USDT_IN ((int)(arg0))); \
	} while (0)
#define BANK_OPEN_ENABLED() __builtin_expect(*(volatile unsigned short *)&bank_open_semaphore, 0)

#else

#define BANK_OPEN(arg0) do { (void)(arg0); } while (0)
#define BANK_OPEN_ENABLED() (0)

#endif
#endif
