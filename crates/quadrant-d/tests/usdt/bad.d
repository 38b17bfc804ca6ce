struct pair { int a, b; };
typedef struct pair pair_t;
provider bad {
	probe one(struct pair, pair_t *);
	probe two(pair_t p, long double);
	probe three(void, int);
	probe four(int a0, int a1, int a2, int a3, int a4, int a5, int a6, int a7, int a8, int a9, int b0, int b1, int b2, int b3,
	    int b4, int b5, int b6, int b7, int b8, int b9, int c0, int c1, int c2, int c3, int c4, int c5, int c6, int c7, int c8,
	    int c9, int d0);
};
BEGIN { trace(1); }
