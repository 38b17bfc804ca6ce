#pragma D option quiet

BEGIN
{
	@a["x"] = sum(1000); @a["y"] = sum(2500);
	normalize(@a, 100);
	printa("%s %@d\n", @a);
	denormalize(@a);
	printa("%s %@d\n", @a);
	clear(@a);
	printa("%s %@d\n", @a);
	exit(0);
}
