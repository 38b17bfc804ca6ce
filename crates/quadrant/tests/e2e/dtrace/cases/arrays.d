#!/usr/sbin/dtrace -s
/* Arrays of numbers, texts and structs, indexed by what is known when the program is compiled, and by what is not. */
#pragma D option quiet

struct point {
	int x;
	char name[8];
};

int numbers[4];
string texts[2];
struct point points[3];
struct point one;
self int mine[2];

BEGIN
{
	i = 2;
	numbers[i] = 5;
	numbers[i - 1] = numbers[2] + 1;
	printf("%d %d %d %d\n", numbers[0], numbers[1], numbers[i], sizeof (numbers));
	texts[i - 1] = "text";
	printf("%s|%s|\n", texts[1], texts[0]);
	points[i].x = 7;
	one.x = 9;
	points[i - 2] = one;
	points[1] = points[i];
	printf("%d %d %d %d\n", points[0].x, points[1].x, points[i].x, sizeof (points));
	self->mine[i - 1] = 3;
	printf("%d\n", self->mine[1]);
}

BEGIN
{
	points[i + 1].x = 1;
	printf("not reached\n");
}

BEGIN
{
	exit(0);
}

ERROR
{
	printf("fault %d: index %d\n", arg4, arg5);
}
