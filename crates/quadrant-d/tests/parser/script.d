#!/usr/sbin/dtrace -Cs
/*
 * In the manner of the scripts that people share: options, inlines, defaults, several clauses a probe.
 */
# 1 "script.d"
#pragma D option quiet
#pragma D option switchrate=10hz
#pragma D option defaultargs

inline int OPT_time = 1;
inline string FILTER = $$1;

self int depth;
int last[int, string];

typedef struct request {
	uint64_t start;
	int kind : 4, done : 1;
	char name[16];
} request_t;

dtrace:::BEGIN
{
	TIME = OPT_time ? timestamp : 0;
	last[0, "x"] = 1;
	OPT_time == 1 ? printf("%-20s ", "TIME") : 1;
	printf("%5s %5s %s\n", "UID", "PID", "ARGS");
}

/* the start of it */
syscall::exec*:entry,
syscall::fork*:entry
/(FILTER == "" || execname == FILTER) && pid != $pid/
{
	self->start[probefunc] = timestamp;
	self->depth++;
	this->path = copyinstr(arg0);
	this->base = basename(this->path);
}

syscall::exec*:return,
syscall::fork*:return
/self->start[probefunc]/
{
	this->elapsed = timestamp - self->start[probefunc];
	this->type = probefunc == "fork" ? "F" : (errno == 0 ? "E" : "?");
	@Time[this->type, uid] = avg(this->elapsed);
	@Max["slowest"] = max(this->elapsed / 1000);
	self->start[probefunc] = 0;
	self->depth--;
	printf("%*d %s %d.%03d\n", self->depth * 2, 0, this->type, this->elapsed / 1000000, (this->elapsed / 1000) % 1000);
	((request_t *)alloca(sizeof (request_t)))->start = TIME;
	*((int *)arg0) = sizeof(struct request);
}

profile:::tick-$2s
{
	trunc(@Time, 10);
	printa("%-8s %5d %@12d\n", @Time);
}
