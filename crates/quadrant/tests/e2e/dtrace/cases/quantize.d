#pragma D option quiet

BEGIN
{
	@both = quantize(-5); @both = quantize(100); @both = quantize(0);
	@negative = quantize(-1); @negative = quantize(-1000, 3);
	@positive = quantize(1); @positive = quantize(1); @positive = quantize(7, 2);
	@zero = quantize(0);
	exit(0);
}
