#!/usr/sbin/dtrace -s
/* Time in system calls, in milliseconds. */
#pragma D option quiet

syscall:::entry
/pid == $target/
{
	self->start = timestamp;
}

syscall:::return
/self->start/
{
	@elapsed[probefunc] = sum(timestamp - self->start);
	@number[probefunc] = count();
	self->start = 0;
}

dtrace:::END
{
	normalize(@elapsed, 1000000);
	printa("%-20s %@10d ms %@6d calls\n", @elapsed, @number);
}
