#!/usr/sbin/dtrace -s
/* Elements of arrays in clause-local variables, in structs and in texts, by an index that is not known when the program is compiled. */
#pragma D option quiet

struct s {
	int n;
	long arr[3];
	struct {
		char c;
		short h[2];
	} sub[2];
};

this int a[4];
struct s o;
this struct s t;

BEGIN
{
	i = 1;
	this->a[i] = 5;
	this->a[i + 1] = this->a[i] + 1;
	this->a[i]++;
	this->a[i + 2] += 2;
	printf("%d %d %d %d\n", this->a[i - 1], this->a[1], this->a[i + 1], this->a[3]);
	o.arr[i] = 7;
	o.arr[i + 1] = o.arr[i] * 2;
	o.sub[i].h[i] = 3;
	o.sub[0].h[i - 1] = o.sub[i].h[1] + 1;
	this->t = o;
	this->t.arr[i - 1] = 9;
	printf("%d %d %d\n", o.arr[0], o.arr[1], o.arr[i + 1]);
	printf("%d %d %d\n", o.sub[i].h[1], o.sub[i - 1].h[i - 1], this->t.arr[i - 1]);
	text = "abc";
	printf("%c%c %d %c %d\n", text[i], text[i + 1], text[i + 2], "xyz"[1], "xyz"[3]);
	this->p = (char *)alloca(8);
	bcopy(text, this->p, 4);
	bcopy("xy", this->p + 4, 3);
	printf("%s %s\n", stringof(this->p), stringof(this->p + 4));
}

BEGIN
{
	this->a[i + 3] = 1;
	printf("not reached\n");
}

BEGIN
{
	printf("not reached %d\n", o.arr[i + 2]);
}

BEGIN
{
	exit(0);
}

ERROR
{
	printf("fault %d: index %d\n", arg4, arg5);
}
