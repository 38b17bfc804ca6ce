#!/usr/sbin/dtrace -s
/* opensnoop.d [PID [NAME]]: opens with their results. */
#pragma D option quiet
#pragma D option defaultargs

inline int OPT_pid = $1;
inline string OPT_name = $$2;

dtrace:::BEGIN
{
	printf("%-16s %3s %s\n", "PROGRAM", "ERR", "PATH");
}

syscall::open*:entry
/(OPT_pid == 0 || pid == OPT_pid) && (OPT_name == "" || execname == OPT_name)/
{
	self->path = arg0;
	self->open = 1;
}

syscall::open*:return
/self->open/
{
	printf("%-16s %3d %s\n", execname, errno, copyinstr(self->path));
	self->open = 0;
	self->path = 0;
}
