#pragma D option quiet
#pragma D option nspec=2

BEGIN
{
	self->kept = speculation();
	self->gone = speculation();
	self->none = speculation();
	printf("%d %d %d\n", self->kept, self->gone, self->none);
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
	printf("before\n");
}

BEGIN
{
	discard(self->gone);
}

BEGIN
{
	commit(self->kept);
}

BEGIN
{
	exit(0);
}
