#pragma D option quiet

BEGIN
{
	printf("%d %d %d %d %d\n", 7 / 2, -7 / 2, 7 % 3, -7 % 3, 1 + 2 * 3);
	printf("%d %d %d %d\n", 1 << 4, -16 >> 2, 6 & 3, 6 ^ 3);
	printf("%d %d %d %d\n", 1 && 0, 1 || 0, 1 ^^ 1, !5);
	printf("%d %d %d\n", "abc" < "abd", "abc" == "abc", "abc" != "abc");
	printf("%d %d\n", -1 < 1U, (char)200 < 0);
	c = (char)-1; u = (unsigned char)255; printf("%d %d %d\n", c == u, c < u, c == -1);
	printf("%d %d %d\n", sizeof (int), sizeof (long long), sizeof (struct task_struct *));
	printf("%s\n", 3 > 2 ? "yes" : "no");
	printf("%x\n", ~0);
	printf("%d\n", (uint8_t)511);
	x = 5; y = x++ + ++x;
	printf("%d %d\n", x, y);
	n = 3;
	printf("%d %d %d %d\n", (n * 8), (n*8) << 2, (n * 8) + (n * 2), (n)*8);
	exit(0);
}
