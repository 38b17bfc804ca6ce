#pragma D option quiet

BEGIN
{
	printf("%d %s %s\n", strlen("hello"), strjoin("ab", "cd"), substr("abcdef", 2, 3));
	printf("%s %s %s\n", strchr("abcabc", 'b'), strrchr("abcabc", 'b'), strstr("abcabc", "ca"));
	printf("%d %d\n", index("abcabc", "bc"), rindex("abcabc", "bc"));
	printf("%s %s\n", basename("/usr/lib/x"), dirname("/usr/lib/x"));
	printf("%s\n", cleanpath("/a/./b/../c//d"));
	printf("%s %s\n", lltostr(-123), lltostr(255, 16));
	printf("%d %d\n", strtoll("42"), strtoll("ff", 16));
	printf("%s %s\n", toupper("MiXed"), tolower("MiXed"));
	printf("%s %s\n", substr("abcdef", -2), substr("abcdef", 1));
	this->word = strtok("one two,three", " ,");
	printf("%s", this->word);
	this->word = strtok(NULL, " ,");
	printf("-%s", this->word);
	this->word = strtok(NULL, " ,");
	printf("-%s\n", this->word);
	printf("%s\n", json("{\"a\": {\"b\": [1, \"two\"]}}", "a.b[1]"));
	printf("%x %x %x\n", htons(0x1234), htonl(0x12345678), ntohll(0x1122334455667788));
}

/* What is not found is NULL, and so is a pointer to nothing; no text of the script is. */
BEGIN
{
	printf("%d%d%d%d", strchr("abc", 'x') == NULL, strrchr("abc", 'x') == NULL, strstr("abc", "x") == NULL,
	    strtok(",,", ",") == NULL);
	printf("%d%d%d%d\n", strchr("abc", 'b') != NULL, strstr("abc", "c") != NULL, NULL == strstr("abc", "b"),
	    strtok(",a,", ",") != NULL);
	printf("%d%d%d\n", "" == NULL, "abc" != NULL, (string)NULL == NULL);
	printf("%s %s %d %d\n", cleanpath("/a/b/"), cleanpath("a/.."), index("hello", "", 9), rindex("hello", "", 9));
	this->word = strtok("one two three", " ");
	printf("[%s]\n", strtok(NULL, ""));
}

BEGIN
{
	this->first = strtok("four five six", " ");
}

BEGIN
/strtok(NULL, " ") == "five"/
{
	printf("%s %s", this->first, strtok(NULL, "x "));
}

BEGIN
{
	printf(" %d\n", strtok(NULL, " ") == NULL);
	exit(0);
}
