#pragma D option quiet

BEGIN
{
	@a["x"] = count(); @a["y"] = count(); @a["y"] = count();
	@b["x"] = sum(100); @b["z"] = sum(300);
	@total = sum(7);
	printa("%-5s %@5d %@8d\n", @a, @b);
	printf("--\n");
	printa("total %@x\n", @total);
	@width[6, "six", 3, 42] = sum(7);
	printa("%*s|%-*d|%@d\n", @width);
	@value[8] = sum(7);
	printa("%@*d|\n", @value);
	printa(@a);
	exit(0);
}
