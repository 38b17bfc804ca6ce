#pragma D option quiet

enum color { RED, GREEN = 5 };

BEGIN
{
	printf("%d|%5d|%-5d|%05d|%+d|%x|%X|%#x|%o|%u\n", -7, 42, 42, 42, 42, 255, 255, 255, 8, 3000000000);
	printf("%s|%10s|%-10s|%.2s|%c|%%\n", "text", "text", "text", "text", 'q');
	printf("%hd %ld %lld %i\n", (short)7, 1L, 2LL, 3);
	printf("%*d|%-*d|\n", 6, 1, 6, 2);
	printf("%'d\n", 1234567);
	printf("%d %d\n", RED, GREEN);
	printf("%p\n", (void *)0x1234);
	printf("%S\n", "a\tb\n");
	printf("[%s]%c[%-6s] %.0d %d\n", "a\tb", 10, "x", 0, 5);
	printf("%d %d %d\n", stack() == stack(), stack() != stack(), stack(2) == stack(2));
	exit(0);
}
