#!/usr/sbin/dtrace -s
/* Failed system calls by program, call and error. */
#pragma D option quiet

syscall:::return
/errno != 0 && pid == $target/
{
	@errors[execname, probefunc, errno] = count();
}

dtrace:::END
{
	printf("%16s %16s %4s %6s\n", "EXEC", "SYSCALL", "ERR", "COUNT");
	printa("%16s %16s %4d %@6d\n", @errors);
}
