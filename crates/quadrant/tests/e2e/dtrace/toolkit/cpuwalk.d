#!/usr/sbin/dtrace -s
/* On which processors a program runs. */
#pragma D option quiet

inline int MAXCPUID = 1024;

profile:::profile-997
/pid == $target/
{
	@sample[execname] = lquantize(cpu, 0, MAXCPUID, 1);
	@all = count();
}

profile:::tick-1s
{
	exit(0);
}
