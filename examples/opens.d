/*
 * Which files a command opens, and what came of it. `quadrant replay examples/opens.d examples/opens-d.json` runs it on what was
 * recorded of `cat /etc/hostname /nowhere`.
 */
#pragma D option quiet

syscall::openat:entry
/pid == $target/
{
	self->path = arg1;
	self->start = timestamp;
}

syscall::openat:return
/self->path/
{
	printf("%-8s %3d %s\n", execname, errno, copyinstr(self->path));
	@us = quantize((timestamp - self->start) / 1000);
	self->path = 0;
	self->start = 0;
}
