#!/usr/sbin/dtrace -s
/* Signals by sender, receiver and number. */
#pragma D option quiet

proc:::signal-send
/progenyof($target) && args[2] != 17/
{
	@signals[execname, stringof(args[1]->pr_fname), args[2]] = count();
}

dtrace:::END
{
	printa("%s %s %d %@d\n", @signals);
}
