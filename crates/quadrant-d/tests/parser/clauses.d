#!/usr/sbin/dtrace -s
#pragma D option quiet
#pragma D option bufsize=4m
#pragma D option version="1.6"
#pragma D attributes Stable/Evolving/ISA provider foo args
#pragma D attributes stable/stable/common n
#pragma D binding "1.6.3" n
#pragma D depends_on library procfs.d
#pragma D depends_on provider io
#ident "me"
#pragma weak x

/* comments */ // and these
syscall:::entry
{
	@num[execname] = count();
}

syscall::open*:entry, syscall::[!r]ead:return,
pid$target:libc.so.6:malloc:entry
/pid == $target && x / 2 > 1/
{
	self->ts = timestamp;
	@ = quantize(arg0);
	printf("%s %d\n", execname, pid)
}

:::
tick-10s,profile-997hz,BEGIN
{
}

123 /arg0/ { trace(1); }

pid$1:a.out:f\*:20{ }
fbt::/x/{}
END
/self->a[1, "x"]/
