BEGIN
{
	trace(1); trace((char)2); trace((short)3); trace(5LL); trace((uint64_t)6); trace("text"); trace('x');
}

BEGIN
{
}

BEGIN
{
	printf("one line\n"); printf("another");
	exit(0);
}
