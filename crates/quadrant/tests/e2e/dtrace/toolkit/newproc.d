#!/usr/sbin/dtrace -s
/* New programs as they come, old ones as they go. */
#pragma D option quiet

proc:::exec-success
/progenyof($target)/
{
	printf("+ %s\n", curpsinfo->pr_psargs);
	programs[pid] = execname;
}

proc:::exit
/programs[pid] != NULL/
{
	printf("- %s %s\n", programs[pid], args[0] == CLD_EXITED ? "exited" : "was killed");
	programs[pid] = 0;
}
