/*
 * An inline's argument stands in the place of each use of its parameter; what is translated is evaluated once for each member.
 */
#pragma D option quiet

inline int twice[int a] = a + a;
inline int none[int a] = 7;
inline int nested[int a, int b] = twice[a] + b * b;
inline string both[string a] = strjoin(a, a);
struct pair { int first; int second; };
translator struct pair < int V > { first = V + V; second = 1; };
struct text { int is_null; int is_empty; };
translator struct text < string S > { is_null = S == NULL; is_empty = S == ""; };
inline int is_null[string a] = a == NULL;
inline int is_empty[string a] = a == "";
string t;
inline struct pair pair_of[int a] = xlate <struct pair> (a);
int x, y;

BEGIN
{
	x = 5;
	printf("%d %d\n", twice[x++], x);
	printf("%d %d\n", none[x++], x);
	printf("%d %d %d\n", nested[++x, y = 3], x, y);
	printf("%d %d\n", twice[x -= 2], x);
	printf("%d %d\n", xlate <struct pair> (x++).first, x);
	printf("%d %d\n", pair_of[x++].first, x);
	printf("%s", both[strtok("a/b/c", "/")]);
	printf(" %s\n", strtok(NULL, "/"));
	printf("%d %d\n", is_null[t = ""], is_empty[t = ""]);
	printf("%d %d\n", is_null[t = NULL], is_empty[t = NULL]);
	printf("%d %d\n", is_null[strtok("", "/")], is_null[x++ == 0 ? "a" : ""]);
	printf("%d %d\n", xlate <struct text> (strtok("", "/")).is_null, xlate <struct text> (strtok("", "/")).is_empty);
	printf("%d %d\n", xlate <struct text> (t = "").is_null, xlate <struct text> (t = "").is_empty);
	exit(0);
}
