#pragma D option quiet

BEGIN
{
	@a["x", 3] = sum(10); @a["y", 1] = sum(30); @a["z", 2] = sum(20);
	printf("by value\n"); printa("%s %d %@d\n", @a);
	setopt("aggsortrev");
	printf("by value, backwards\n"); printa("%s %d %@d\n", @a);
	setopt("aggsortrev", "0"); setopt("aggsortkey");
	printf("by key\n"); printa("%s %d %@d\n", @a);
	setopt("aggsortkeypos", "1");
	printf("by second key\n"); printa("%s %d %@d\n", @a);
	exit(0);
}
