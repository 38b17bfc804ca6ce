#pragma D option quiet

BEGIN { printf("first\n"); }
END { printf("last clause 1\n"); }
BEGIN { printf("second\n"); }
END { printf("last clause 2\n"); }
BEGIN { exit(7); }
BEGIN { printf("after exit\n"); }
