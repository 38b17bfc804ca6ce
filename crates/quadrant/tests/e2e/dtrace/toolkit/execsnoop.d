#!/usr/sbin/dtrace -s
/* Who executes what: uid, relation, and arguments. */
#pragma D option quiet
#pragma D option switchrate=10hz

dtrace:::BEGIN
{
	printf("%5s %6s %s\n", "UID", "CHILD", "ARGS");
}

syscall::exec:return, syscall::exece:return
/progenyof($target) && errno == 0/
{
	printf("%5d %6s %s\n", uid, ppid == $target ? "yes" : "no", curpsinfo->pr_psargs);
}
