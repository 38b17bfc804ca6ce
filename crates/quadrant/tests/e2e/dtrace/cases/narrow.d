/* Numbers narrower than int. Checked against DTrace 2.0.7. */
#pragma D option quiet
unsigned char uc; char c; short s; unsigned short us; int i; long l;
inline int more[unsigned char a] = a + 1;
BEGIN
{
	uc = 200; c = 100; s = 30000; us = 60000;
	printf("%d %d %d %d\n", uc + uc, c + c, s + s, us + us);
	printf("%d %d %d\n", uc + c, s + c, us + s);
	printf("%d %d %d\n", ~uc, -uc, -c);
	printf("%d %d\n", uc << 1, uc >> 1);
	printf("%d %d\n", uc < c, uc > s);
	printf("%d %d\n", sizeof (uc << 1), sizeof (uc + 1));
	printf("%d\n", 1 ? uc : c);
	printf("%d %d\n", uc * 2, c * c);
	/* What is computed further has all bits, as in C; a cast, a variable or a parameter of that type cuts. */
	i = uc << 8; l = uc << 8 | uc; printf("%d %d %d\n", i, l, (int)(uc + uc));
	i = ~uc; l = -uc; printf("%d %d %d\n", i, l, (uc + uc) / 2);
	printf("%d %d %d\n", (uc << 1) > 300, !(uc << 8), uc << 8 ? 1 : 2);
	printf("%d %d %d\n", (unsigned char)(uc + uc) + 1, (unsigned char)(i + 300) + 1, more[uc + uc]);
	uc += uc; i = uc; printf("%d\n", i);
	exit(0);
}
