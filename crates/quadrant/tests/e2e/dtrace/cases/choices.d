#pragma D option quiet

BEGIN
{
	n = 3;
	if (n > 2) {
		printf("greater\n");
	} else {
		printf("less\n");
	}
	if (n == 7) {
		printf("seven\n");
	} else if (n == 3) {
		printf("three\n");
	}
	exit(0);
}
