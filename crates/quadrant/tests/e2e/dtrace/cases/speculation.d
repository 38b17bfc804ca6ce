#pragma D option quiet
#pragma D option nspec=3

BEGIN
{
	self->kept = speculation();
	self->gone = speculation();
	self->first = speculation();
	self->none = speculation();
	printf("%d %d %d %d\n", self->kept, self->gone, self->first, self->none);
}

BEGIN
{
	speculate(self->kept);
	printf("kept %d\n", 1);
}

BEGIN
{
	speculate(self->gone);
	printf("gone\n");
}

BEGIN
{
	speculate(self->kept);
	printf("kept %d\n", 2);
}

BEGIN
{
	speculate(self->first);
	printf("committed first\n");
}

BEGIN
{
	printf("before\n");
}

BEGIN
{
	discard(self->gone);
}

BEGIN
{
	commit(self->first);
	commit(self->kept);
}

BEGIN
{
	exit(0);
}
