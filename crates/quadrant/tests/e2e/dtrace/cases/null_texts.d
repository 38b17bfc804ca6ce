/* A text that is not there stays so on its way through choices, clause-local variables and other elements. */
#pragma D option quiet

string x[int], y[int];
self string s;
this string t;
int zero, one, i;
int z[string];

BEGIN
{
	one = 1;
	y[0] = "a";
	x[1] = y[i++];
	printf("once: %d %s\n", i, x[1]);
	self->s = zero ? "a" : NULL;
	printf("constant: %d\n", self->s == NULL);
	self->s = zero ? copyinstr(zero) : NULL;
	printf("read: %d\n", self->s == NULL);
	self->s = one ? "q" : NULL;
	printf("there: %d %s\n", self->s == NULL, self->s);
	x[1] = one ? y[0] : y[2];
	x[2] = zero ? y[0] : y[2];
	printf("elements: %d %d\n", x[1] == NULL, x[2] == NULL);
	x[3] = zero ? strchr("a", 98) : strchr("b", 99);
	printf("searches: %d\n", x[3] == NULL);
	this->t = strchr("abc", 122);
	self->s = this->t;
	printf("local: %d\n", self->s == NULL);
	printf("order: %d %d\n", NULL < x[1], NULL > x[1]);
	printf("empty: [%s]\n", strstr("", ""));
	printf("choices: %d %d ", (zero ? "a" : NULL) == NULL, (one ? "a" : NULL) == NULL);
	printf("%d %d\n", NULL != (one ? execname : NULL), (one ? y[2] : "x") == NULL);
}

BEGIN
{
	trace(z[x[5]]);
}

BEGIN
{
	trace(stringof(x[5]));
}

ERROR
{
	printf("fault %d at %d\n", arg4, arg5);
}

BEGIN
{
	exit(0);
}
