#!/usr/sbin/dtrace -s
/* Signals that programs send to themselves or others. */
#pragma D option quiet

syscall::kill:entry
/progenyof($target)/
{
	self->target = (int)arg0;
	self->signal = (int)arg1;
	self->asked = 1;
}

syscall::kill:return
/self->asked/
{
	printf("%s %d %s %d\n", execname, self->signal, self->target == pid ? "self" : "other", (int)arg0);
	self->target = 0;
	self->signal = 0;
	self->asked = 0;
}
