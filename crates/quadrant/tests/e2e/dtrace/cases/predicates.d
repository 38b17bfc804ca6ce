#pragma D option quiet

BEGIN
{
	n = 3;
}

BEGIN
/n == 3/
{
	printf("three\n");
}

BEGIN
/n != 3/
{
	printf("not three\n");
}

BEGIN
/n && "a" < "b"/
{
	exit(n);
}

END
{
	printf("end\n");
}
