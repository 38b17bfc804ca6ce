#pragma D option quiet

BEGIN
{
	@q = quantize(5); @m["a"] = max(7); @v = avg(3);
	clear(@q); clear(@m); clear(@v);
	@v = avg(10);
	printa(@q); printa("%s %@d\n", @m); printa("%@d\n", @v);
	exit(0);
}
