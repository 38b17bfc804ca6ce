/* Passes what it is told to; tells on standard error how often somebody looked. */
#include <stdio.h>
#include <stdlib.h>
#include "shop.h"
#include "shop.h"

enum color { RED = 3 };
struct thing {
	int x;
} the;
unsigned long big = 1ul << 40;
char text[8], sold[8];

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 3, i, enabled = 0;

	/* Tracers cannot read a page that was never touched. */
	sprintf(text, "array");
	sprintf(sold, "sold");
	SHOP_OPEN();
	for (i = 0; i < n; i++) {
		if (SHOP_SALE_DONE_ENABLED()) {
			enabled++;
			SHOP_SALE_DONE(-(int)i, sold, 200 + (i & 1), -7, i << 33, 65535, 4000000000u, &the, RED, big + i,
			    text, (unsigned long)i);
		}
		SHOP_WEIGH(1.5 * i, 2.5f);
		BANK_OPEN((int)i);
	}
	fprintf(stderr, "enabled: %ld of %ld\n", enabled, n);
	return 0;
}
