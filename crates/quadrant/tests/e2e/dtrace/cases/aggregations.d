#!/usr/sbin/dtrace -s
/* Every aggregating function, without keys, printed at the end. */
#pragma D option quiet

BEGIN
{
	@count = count(); @count = count();
	@sum = sum(40); @sum = sum(-50);
	@min = min(5); @min = min(-5); @min = min(7);
	@max = max(5); @max = max(-5); @max = max(7);
	@avg = avg(1); @avg = avg(2); @avg = avg(6); @avg = avg(6);
	@stddev = stddev(10); @stddev = stddev(20); @stddev = stddev(60);
	exit(0);
}
