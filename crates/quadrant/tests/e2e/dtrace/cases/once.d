/*
 * What is used several times is evaluated once: arguments of inlines, and what is translated.
 */
#pragma D option quiet

inline int twice[int a] = a + a;
inline int none[int a] = 7;
inline int nested[int a, int b] = twice[a] + b * b;
inline string both[string a] = strjoin(a, a);
struct pair { int first; int second; };
translator struct pair < int V > { first = V + V; second = 1; };
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
	exit(0);
}
