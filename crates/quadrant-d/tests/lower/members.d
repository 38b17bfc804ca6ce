#pragma D option scratchsize=1k
struct in { int i; short h; };
struct s { int a; string text; struct in inner; int bits : 3; int more : 5; long arr[2]; };
struct s o; this struct s t; self struct s u; struct s m[int];
BEGIN {
    o.a = 3; o.text = execname; o.inner.i = 4; o.bits = 2; o.arr[1] = 5; o.a += 2; o.a++;
    this->t.a = 1; this->t.inner.h = 2; this->t.more = 7;
    self->u.a = 2; m[3].a = 4;
    printf("%d %s %d %d %d", o.a, o.text, this->t.inner.h, self->u.a, m[3].a);
    this->t = o; this->t.inner = o.inner;
    this->p = (struct s *)alloca(sizeof (struct s)); this->p->bits = 1; this->p->a = 3;
}
