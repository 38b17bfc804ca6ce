BEGIN
{
	trace(1); trace((char)2); trace((short)3); trace(5LL); trace((uint64_t)6); trace("text"); trace('x');
}

/* What the script itself says is shown as it stands there, not escaped as the text of a traced program is. */
BEGIN
{
	trace("a line\n"); trace("\ta tab");
}

BEGIN
{
}

BEGIN
{
	printf("one line\n"); printf("another");
	exit(0);
}
