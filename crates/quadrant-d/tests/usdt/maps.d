/* Arguments that scripts see in another order, and types that only this file knows. */
typedef struct thing { int x; } *thing_p;
typedef unsigned short small_t;
enum color { RED };
provider maps {
	probe go(int n, char *s, thing_p t, small_t u) : (string s, int n, small_t u);
	probe plain(const char *, uint32_t, long long, thing_p *, int (*)(void), char [8], struct { int a; } *, enum color);
	probe no__arguments();
};
provider other { probe one-more(int); };
#pragma D attributes Evolving/Evolving/Common provider maps provider
#pragma D attributes stable/stable/isa provider maps args
#pragma D attributes Private/Private/Unknown provider other function
