#pragma D option quiet

BEGIN
{
	@a["x"] = count(); @a["y"] = count(); @a["y"] = count();
	@b["x"] = sum(100); @b["z"] = sum(300);
	@total = sum(7);
	printa("%-5s %@5d %@8d\n", @a, @b);
	printf("--\n");
	printa("total %@x\n", @total);
	printa(@a);
	exit(0);
}
