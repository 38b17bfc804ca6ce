#pragma D option quiet

int global;
string words[int, string];
self int mine;
this uint8_t small;

BEGIN
{
	printf("%d %d %d %d\n", global, self->mine, this->small, words[1, "a"] == NULL);
	global = 7; global += 3; global <<= 1;
	self->mine = global--; self->other = "thread";
	this->small = 300;
	words[1, "a"] = "first"; words[2, "a"] = "second";
	counts["x"]++; counts["x"]++; counts["y"]--;
}

BEGIN
{
	printf("%d %d %d %s\n", global, self->mine, this->small, self->other);
	printf("%s %s %d %d %d\n", words[1, "a"], words[2, "a"], words[3, "a"] == NULL, counts["x"], counts["y"]);
	words[1, "a"] = 0; self->mine = 0;
}

BEGIN
{
	printf("%d %d\n", words[1, "a"] == NULL, self->mine);
	exit(0);
}
