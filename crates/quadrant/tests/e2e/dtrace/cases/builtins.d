#pragma D option quiet

BEGIN
{
	printf("%s:%s:%s:%s %d\n", probeprov, probemod, probefunc, probename, id);
	printf("%d %s\n", pid == $pid, execname);
	printf("%d %d %d\n", timestamp > 0, walltimestamp > 1000000000000000000, vtimestamp >= 0);
	printf("%d %d\n", uid == $uid, gid == $gid);
	printf("%d %d\n", cpu < 4096, stackdepth >= 0);
	exit(0);
}
