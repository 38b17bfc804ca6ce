int a;
unsigned long int b, *c, d[4], e[2][3];
int assoc[string, int];
self int t;
this string s;
self struct foo *u[int];
extern int g;
typedef unsigned int my_t;
typedef struct pair { int a; char *b; } pair_t, *pairp_t;
my_t v;
my_t *w;
my_t x[int], y;
unknown z;
unknown_t *zz, zzz[my_t];
int *ptrs[3], (*arr)[3], (*fn)(int, char *), (*fns[2])(void), f(int a, ...);
struct s {
	int a : 3;
	unsigned : 0;
	int b, *c, d[10];
	union { int x; char y[4]; } u;
	struct { struct s *next; };
	enum e { A, B = 5, C = B + 1, } kind;
	int (*op)(struct s *, const char *);
};
enum { X, Y };
struct forward;
union u { volatile const int a; };
const char *name;
char buf[sizeof (struct s) + 1];
int by_const[X];
genunix`size_t size;
struct genunix`foo *foo;
string str;

inline int LIMIT = 5;
inline string NAMES[int k, string s] = k == 1 ? "one" : s;
inline my_t *P = (my_t *)0;

translator out_t < struct in *P > {
	a = P->x + 1;
	b = stringof(P->name);
};
translator lwpsinfo_t < kthread_t * > { };

provider app {
	probe start(void);
	probe end();
	probe query__start(const char *, int);
	probe query__done(int n, char *q) : (string q, int n);
	probe a-b(struct foo *, unsigned long);
};
#pragma D attributes Evolving/Evolving/Common provider app provider
