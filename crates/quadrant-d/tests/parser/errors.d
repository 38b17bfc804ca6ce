#pragma D
#pragma D foo
#pragma D option
#pragma D option a b
#pragma D attributes
#pragma D attributes Foo/Bar/Baz x
#pragma D attributes Stable/Stable/Common provider x
#pragma D binding "1.0"
#pragma D binding 1.0 x
#pragma D binding "x.y" x
#pragma D depends_on
#pragma D depends_on foo x
#pragma D error hello there
#pragma error hello
#error no
#foo
#include <x.h>
#line x
BEGIN { trace(1) trace(2); trace(3; }
BEGIN { foo bar; x = ; }
BEGIN { '' + 'abcdefghi'; 089; 18446744073709551616; 0x; }
BEGIN { 12abc; }
BEGIN { 1.5; }
BEGIN { 1e5; }
BEGIN { .5; }
BEGIN { while (1) { x; } }
BEGIN { struct = 1; }
BEGIN { counter = 1; }
BEGIN { sizeof = 1; }
BEGIN { self; }
BEGIN { this = 1; }
BEGIN { self->; }
BEGIN { x ? 1; }
BEGIN { "abc
}
BEGIN { 'abc
}
BEGIN { "a" "b"; }
BEGIN { 5(1); a.b(2); (f)(1); }
BEGIN { a ? b : c = 1; a + b = 1; }
BEGIN { @a[1][2] = count(); a[]; }
BEGIN { # }
BEGIN { é }
BEGIN { $$x; $; }
BEGIN { trace(@); }
BEGIN { x = (int y)1; x = sizeof (int z); x = xlate<int q>(1); }
BEGIN { x = 1,; f(,); f(1,); if = 3; x = stringof; }
BEGIN , { }
BEGIN END { }
, BEGIN { }
;
}
BEGIN {};
foo
syscall:::entry
BEGIN /1/ foo
END { }
int x = 5;
static int y;
typedef extern int z;
self this int w;
struct { int };
struct s { int a }
;
inline int n;
inline n = 1;
int mod`x;
translator foo_t { };
provider foo { probe bar; };
provider foo1 { probe bar(int); };
provider foo { probe bar(int); probe bar(int); };
provider foo { int x; };
provider foo { probe bar(int a, char *b) : (char *b, string c); };
enum e { };
provider foo { probe 1; probe -; };
int f(int, ...;
int a[2, 3];
a:b:c:d:e { }
BEGIN { { trace(1); } trace(2); }
struct none { };
BEGIN /1/ /2/ { }
BEGIN { trace(1); /* open
