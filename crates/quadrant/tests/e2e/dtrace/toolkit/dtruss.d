#!/usr/sbin/dtrace -s
/* System calls of a command, with what they write. */
#pragma D option quiet
#pragma D option dynvarsize=4m

syscall:::entry
/pid == $target/
{
	self->start = timestamp;
	self->vstart = vtimestamp;
	self->arg0 = arg0;
	self->arg1 = arg1;
	self->arg2 = arg2;
}

syscall::write:return
/self->start/
{
	printf("%s(0x%X, \"%S\", 0x%X) = %d %d\n", probefunc, self->arg0,
	    stringof(copyin(self->arg1, self->arg2)), self->arg2, (int)arg0, errno);
}

syscall:::return
/self->start/
{
	@counts[probefunc] = count();
	@order["elapsed >= cpu"] = min((timestamp - self->start) >= (vtimestamp - self->vstart));
	self->start = 0;
	self->vstart = 0;
	self->arg0 = 0;
	self->arg1 = 0;
	self->arg2 = 0;
}
