#pragma D option quiet

struct inner { char c; short s; };
struct outer { int n; struct inner in; int list[3]; };

struct outer o;

BEGIN
{
	o.n = -5; o.in.c = 'A'; o.in.s = 300;
	print(o);
	exit(0);
}
