/* Numbers narrower than int. Checked against DTrace 2.0.7. */
#pragma D option quiet
unsigned char uc; char c; short s; unsigned short us;
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
	exit(0);
}
