/* Passes texts, numbers and an address once. */
#include <stdio.h>
#include "maps.h"

struct thing {
	int x;
} thing = { 42 };

int main(void)
{
	char words[8];

	sprintf(words, "words");
	MAPS_GO(-5, words, &thing, 65535);
	MAPS_PLAIN(words, 4000000000u, -1, 0, main, words, 0, 2);
	MAPS_NO_ARGUMENTS();
	OTHER_ONE_MORE(1);
	return 0;
}
