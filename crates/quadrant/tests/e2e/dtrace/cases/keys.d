#pragma D option quiet

BEGIN
{
	@text["beta"] = sum(3); @text["alpha"] = sum(1); @text["gamma"] = sum(2); @text["delta"] = sum(2);
	@mixed[1, "x", -7] = count(); @mixed[0, "y", 8] = count(); @mixed[0, "y", 8] = count();
	@quantized["a"] = quantize(4); @quantized["b"] = quantize(4); @quantized["b"] = quantize(5);
	exit(0);
}
