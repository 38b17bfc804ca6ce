#!/usr/sbin/dtrace -s
/* Members of structs in variables, and bit-fields, are assigned one by one. */
#pragma D option quiet
#pragma D option scratchsize=1k
struct in { int i; short h; };
struct s { int a; string text; struct in inner; int bits : 3; unsigned int more : 5; long arr[2]; };
struct s o; this struct s t; self struct s u; struct s m[int];
BEGIN {
    o.a = 3; o.text = execname; o.inner.i = 4; o.bits = 2; o.arr[1] = 5; o.a += 2; o.a++;
    this->t.a = 1; this->t.inner.h = 2; this->t.more = 7;
    self->u.a = 2; m[3].a = 4;
    printf("%d %d %d %d %d\n", o.a, o.text == execname, this->t.inner.h, self->u.a, m[3].a);
    printf("%d %d %d %d\n", o.inner.i, o.bits, o.arr[1], this->t.more);
}
BEGIN { this->t = o; this->t.inner.h = 9; printf("%d %d %d %d %d\n", this->t.a, this->t.text == execname, this->t.inner.i, this->t.inner.h, o.inner.h);
    this->p = (struct s *)alloca(sizeof (struct s)); this->p->bits = 1; this->p->a = 3; this->p->more = 30; printf("%d %d %d\n", this->p->bits, this->p->a, this->p->more);
 exit(0); }
