#!/usr/sbin/dtrace -s
/* Types, inlines and translators that a script makes. */
#pragma D option quiet

struct pair { int a; char b[8]; int bits : 3; int more : 7; struct pair *next; };
typedef struct pair pair_t;
union num { int i; long l; char c[8]; };
enum color { RED, GREEN = 5, BLUE };
inline int LIMIT = 3;
inline string named[int k] = k == 0 ? "zero" : "other";
typedef struct out { int o_double; string o_text; } out_t;
translator out_t < struct pair *P > { o_double = P->a * 2; o_text = stringof(P->b); };
int fixed[4];

BEGIN
{
	this->p = (pair_t *)alloca(sizeof (pair_t));
	this->p->a = 42; this->p->b[0] = 'h'; this->p->b[1] = 'i'; this->p->next = this->p;
	printf("%d %s %c\n", this->p->next->a, stringof(this->p->b), this->p->b[1]);
	printf("%d %d %d\n", sizeof (pair_t), offsetof(pair_t, next), sizeof (union num));
	printf("%s %s %d %d\n", named[0], named[LIMIT], BLUE, GREEN);
	printf("%d %s\n", xlate <out_t> (this->p).o_double, xlate <out_t *> (this->p)->o_text);
	this->u = (union num *)alloca(8); this->u->l = 0x4142;
	printf("%d %c\n", this->u->i, this->u->c[0]);
	printf("%d %d\n", (int64_t)(this->p + 1) - (int64_t)this->p, (this->p + 2) - this->p);
	fixed[1] = 5; fixed[LIMIT] = fixed[1] + 1;
	printf("%d %d %d\n", fixed[0], fixed[1], fixed[3]);
	LIMIT > 2 ? printf("more\n") : printf("less\n");
	exit(0);
}
