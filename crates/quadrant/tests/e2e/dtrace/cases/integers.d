/* Numbers of all widths: D computes in the wider type of two, and does not promote to int what is narrower. Checked against DTrace 2.0.7. */
#pragma D option quiet
int i; unsigned int u; char c; short sh; unsigned char uc; long l; unsigned long ul;
BEGIN
{
	i = -1; u = 2; c = 'a'; sh = -3; uc = 200; l = -5; ul = 7;
	printf("%d %d %d %d\n", i + u, -1 < 1U, i < u, sh < uc);
	printf("%d %u %d\n", 1 << 31, 0xffffffff, (char)300);
	printf("%d %d %d\n", ~i & 0xff, uc + uc, (unsigned char)(uc + uc));
	i = 2147483647; i++; printf("%d\n", i);
	i = 2147483647; i += 10; printf("%d\n", i);
	i = 2147483647; printf("%d\n", i + 1);
	u = 0; u--; printf("%u %d\n", u, u > 5);
	x = 5; x <<= 3; x |= 1; x ^= 3; printf("%d\n", x);
	printf("%d %d %d\n", 7 / -2, -7 % 3, -7 / 2);
	printf("%d %d\n", l / 2, l >> 1);
	printf("%u\n", ul - 8);
	printf("%d %d %d\n", sizeof (i), sizeof (l), sizeof (c + c));
	printf("%d %d %d\n", 'a', '\n', c == 'a');
	printf("%d %d\n", 'abcd', '\377\377\377\377');
	printf("%d %d %d %d\n", 1 ^^ 1, 1 ^^ 0, 0 || 2, 3 && 4);
	printf("%d %d\n", i ? 10 : 20, (i, 5));
	printf("%d\n", -1 >> 1);
	printf("%d\n", (unsigned)-1 >> 1);
	printf("%x %x\n", (short)0x12345, (uint64_t)-1);
	printf("%d\n", 3000000000 + 1);
	printf("%d %d\n", 2147483648 > 0, -2147483648 < 0);
	z = 10; printf("%d %d %d\n", z++, ++z, z--);
	printf("%d\n", z);
	printf("%d %d\n", "abc" < "abd", "b" > "abc");
	printf("%d %d\n", 5 / 2 * 2, -5 / 2);
	exit(0);
}
