#!/usr/sbin/dtrace -s
/* rwtop.d KINDS: bytes read and written, the KINDS greatest of program and direction. */
#pragma D option quiet
#pragma D option aggsortrev

syscall::read:entry, syscall::write:entry
/pid == $target/
{
	self->rw = probefunc == "read" ? "R" : "W";
}

syscall::read:return, syscall::write:return
/self->rw != NULL && (int)arg0 > 0/
{
	@bytes[execname, self->rw] = sum(arg0);
	@sizes[self->rw] = quantize(arg0);
	total += arg0;
}

syscall::read:return, syscall::write:return
/self->rw != NULL/
{
	self->rw = 0;
}

dtrace:::END
{
	trunc(@bytes, $1);
	printa("%-16s %s %@d\n", @bytes);
	printf("more than ten thousand: %s\n", total > 10000 ? "yes" : "no");
	trunc(@sizes);
}

int total;
