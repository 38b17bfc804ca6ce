#pragma D option quiet

BEGIN
{
	@top[1] = sum(10); @top[2] = sum(20); @top[3] = sum(30); @top[4] = sum(40);
	@bottom[1] = sum(10); @bottom[2] = sum(20); @bottom[3] = sum(30); @bottom[4] = sum(40);
	@all[1] = sum(10);
	trunc(@top, 2); trunc(@bottom, -2); trunc(@all);
	printa("top %d %@d\n", @top);
	printa("bottom %d %@d\n", @bottom);
	printa("all %d %@d\n", @all);
	exit(0);
}
