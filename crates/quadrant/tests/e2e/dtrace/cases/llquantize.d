#pragma D option quiet

BEGIN
{
	@a = llquantize(55, 10, 0, 3, 10);
	@b = llquantize(5, 10, 1, 3, 10); @b = llquantize(70000, 10, 1, 3, 10); @b = llquantize(150, 10, 1, 3, 10);
	exit(0);
}
