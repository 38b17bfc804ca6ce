#!/usr/sbin/dtrace -qs
#pragma D option strsize=64

syscall::getppid:entry
/stringof(curthread->comm) == "syscalls" && curthread->tgid == pid && curthread->signal->nr_threads == 1/
{
	@calls = count();
}

END
{
	printa("%@d calls\n", @calls);
	exit(7);
}
