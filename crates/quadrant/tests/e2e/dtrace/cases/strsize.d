#pragma D option quiet
#pragma D option strsize=5

BEGIN
{
	printf("%s %d %d\n", "abcdefgh", strlen("abcdefgh"), "abcdef" == "abcdxy");
	trace("abcdefgh");
	trace(stringof("abcdefgh"));
	printf("\n%s\n", probename);
	printf("it\'s %s\n", "it\'");
	setopt("quiet");
	exit(0);
}
