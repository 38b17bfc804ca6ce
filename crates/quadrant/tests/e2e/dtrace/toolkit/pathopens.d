#!/usr/sbin/dtrace -s
/* The paths that are opened most. */
#pragma D option quiet

syscall::openat:entry
/pid == $target/
{
	@paths[copyinstr(arg1)] = count();
}

dtrace:::END
{
	trunc(@paths, 1);
	printa("%@6d %s\n", @paths);
}
