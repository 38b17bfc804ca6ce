#!/usr/sbin/dtrace -s
/* Time between entry and return of a program's functions. */
#pragma D option quiet

pid$target:a.out:target_*:entry
{
	self->depth++;
	self->start[self->depth] = timestamp;
	printf("%*s-> %s(%d)\n", self->depth, "", probefunc, (int)arg0);
}

pid$target:a.out:target_*:return
/self->start[self->depth]/
{
	@time[probefunc] = quantize(timestamp - self->start[self->depth]);
	printf("%*s<- %s = %d\n", self->depth, "", probefunc, (int)arg1);
	self->start[self->depth] = 0;
	self->depth--;
}

dtrace:::END
{
	clear(@time);
	trunc(@time);
}
