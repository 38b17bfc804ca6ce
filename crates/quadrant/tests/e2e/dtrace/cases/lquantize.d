#pragma D option quiet

BEGIN
{
	@inside = lquantize(7, 0, 10, 2); @inside = lquantize(3, 0, 10, 2); @inside = lquantize(3, 0, 10, 2);
	@outside = lquantize(-3, 0, 30, 10); @outside = lquantize(95, 0, 30, 10, 3);
	@unit = lquantize(2, 1, 4);
	exit(0);
}
