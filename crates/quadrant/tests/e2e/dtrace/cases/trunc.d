#pragma D option quiet

BEGIN
{
	@top[1] = sum(10); @top[2] = sum(20); @top[3] = sum(30); @top[4] = sum(40);
	@bottom[1] = sum(10); @bottom[2] = sum(20); @bottom[3] = sum(30); @bottom[4] = sum(40);
	@all[1] = sum(10);
	@long[strjoin(execname, "-a")] = sum(1); @long[strjoin(execname, "-b")] = sum(2);
	@long[strjoin(execname, "-c")] = sum(3); @none = count();
	trunc(@top, 2); trunc(@bottom, -2); trunc(@all); trunc(@long, 1); trunc(@none);
	printa("top %d %@d\n", @top);
	printa("bottom %d %@d\n", @bottom);
	printa("all %d %@d\n", @all);
	printa("long %s %@d\n", @long);
	printa("none %@d\n", @none);
	exit(0);
}
