//! The tags that DTrace gives mistakes, one cause each.

mod common;

use common::{Probes, env, types};
use quadrant_d::lower::{Compiled, Env, Source, SourceKind, compile};
use quadrant_d::macros::Macros;

/// What stands in `BEGIN { ... }`, and the tag of its first message; none for what is right.
const CAUSES: &[(&str, &str)] = &[
    // Words that are no values.
    ("x = strlen;", "D_IDENT_BADREF"),
    ("x = sizeof (printf);", "D_IDENT_BADREF"),
    ("x = args;", "D_IDENT_BADREF"),
    ("x = uregs;", "D_IDENT_BADREF"),
    ("a[1] = 1; a = 2;", "D_IDENT_BADREF"),
    ("a[1] = 1; a++;", "D_IDENT_BADREF"),
    ("trace(b[1]);", "D_VAR_UNDEF"),
    ("b[1][2] = 1;", "D_VAR_UNDEF"),
    ("this->x[1] = 1;", "D_ARR_LOCAL"),
    ("this int x;", "D_SYNTAX"),
    ("x = args[\"a\"];", "D_PROTO_ARG"),
    ("x = printa(@none);", "D_IDENT_UNDEF"),
    ("@a = count(); x = printa(@a);", "D_OP_INCOMPAT"),
    ("x = uregs[\"a\"];", "D_PROTO_ARG"),
    ("args[0] = 1;", "D_ARGS_IDX"),
    ("args[0]++;", "D_ARGS_IDX"),
    // Calls without a value, and aggregations, where a value is wanted.
    ("x = printf(\"x\");", "D_OP_INCOMPAT"),
    ("x = usym(1);", "D_CG_EXPR"),
    ("a[func(1)] = 1; a[1] = 2;", "D_PROTO_ARG"),
    ("a[1] = 1; a[func(1)] = 2;", "D_PROTO_ARG"),
    ("x = 1 ? trace(1) : trace(2);", "D_OP_INCOMPAT"),
    ("x = (none_t)1;", "D_SYNTAX"),
    ("x = count();", "D_OP_INCOMPAT"),
    ("x = (void)1;", "D_OP_INCOMPAT"),
    ("@a = count(); x = @a;", "D_OP_INCOMPAT"),
    ("x = @a;", "D_IDENT_UNDEF"),
    ("@a[printf(\"x\")] = count();", "D_KEY_TYPE"),
    ("@a[count()] = count();", "D_KEY_TYPE"),
    ("a[exit(0)] = 1;", "D_KEY_TYPE"),
    ("@a = count(); trace(@a);", "D_TRACE_DYN"),
    ("@a = count(); printf(\"%d\", @a);", "D_PRINTF_ARG_TYPE"),
    ("@a = count(); exit(@a);", "D_PROTO_ARG"),
    ("@a = count(); x = sizeof (@a);", "D_SIZEOF_TYPE"),
    ("@a = count(); normalize(@a, @a);", "D_PROTO_ARG"),
    ("x = -printf(\"x\");", "D_OP_ARITH"),
    ("x = !trace(1);", "D_OP_SCALAR"),
    ("x = ~sym(1);", "D_OP_INT"),
    ("x = *exit(1);", "D_DEREF_NONPTR"),
    ("x = (int)usym(1);", "D_CAST_INVAL"),
    ("x = stringof(trace(1));", "D_STRINGOF_TYPE"),
    ("x = sizeof (mod(1));", "D_SIZEOF_TYPE"),
    ("x = strlen(trace(1));", "D_PROTO_ARG"),
    ("x = exit(1) & 1;", "D_OP_INT"),
    ("x = 1; x += exit(1);", "D_OP_VFPTR"),
    ("@a = sum(trace(1));", "D_AGG_SCALAR"),
    ("trace(count());", "D_TRACE_DYN"),
    ("printf(\"%d\", count());", "D_PRINTF_ARG_TYPE"),
    ("sym(1)++;", "D_OP_SCALAR"),
    ("x = (trace(1), 2);", "D_OP_ACT"),
    ("@a = count(), @b = count();", "D_OP_DYN"),
    ("x = x + 1;", "D_VAR_UNDEF"),
    ("@a = count(); x = strlen(@a);", "D_PROTO_ARG"),
    ("@a = count(); b[@a] = 1;", "D_KEY_TYPE"),
    // Operators.
    ("x = &self->a;", "D_ADDROF_VAR"),
    ("@a = count(); x = &@a;", "D_ADDROF_VAR"),
    ("trace(this->b[1]);", "D_ARR_LOCAL"),
    ("x = curthread[1, 2];", "D_ARR_BADREF"),
    ("x = curthread[\"a\"];", "D_OP_INCOMPAT"),
    ("self->b[1] = 1; x = self->b;", "D_PROTO_LEN"),
    ("`none(1);", "D_FUNC_UNDEF"),
    ("printa(\"\", @a);", "D_PRINTF_FMT_EMPTY"),
    ("speculate(1); panic();", "D_ACT_SPEC"),
    ("@a[1] = lquantize(1, 0, 9, 1); @a[\"x\"] = lquantize(1, 0, 8, 1);", "D_PROTO_ARG"),
    ("x = &1;", "D_ADDROF_LVAL"),
    ("x = pid->x;", "D_OP_PTR"),
    ("x = \"a\"->x;", "D_OP_PTR"),
    ("x = pid.x;", "D_OP_SOU"),
    ("x = offsetof(int, x);", "D_OFFSETOF_TYPE"),
    ("x = (void *)1 + 1;", "D_OP_INCOMPAT"),
    ("x = \"a\" - 1;", "D_OP_INCOMPAT"),
    ("x = \"a\"; x += \"b\";", "D_OP_INCOMPAT"),
    ("x = &curthread->flag;", "D_ADDROF_BITFIELD"),
    ("x = sizeof (curthread->flag);", "D_SIZEOF_BITFIELD"),
    ("strlen = 1;", "D_IDENT_BADREF"),
    ("x = pid(1);", "D_FUNC_IDKIND"),
    ("@a(2);", "D_FUNC_UNDEF"),
    ("y = 'a;\n }", "D_CHR_NL"),
    ("/* a /* b */ x = 1;", "D_SYNTAX"),
    // Formats and aggregations that are printed.
    ("printf(1);", "D_PROTO_ARG"),
    ("system(1);", "D_PRINTF_ARG_FMT"),
    ("printf(\"%s\", curthread->name);", "D_PRINTF_ARG_TYPE"),
    ("printf(\"%s\", stringof(curthread->name));", ""),
    ("printf(\"%Y %T\", timestamp, timestamp - 1);", ""),
    ("printf(\"%Y\", 1);", "D_PRINTF_ARG_TYPE"),
    ("trace(1), trace(2);", "D_OP_ACT"),
    ("speculate(1); trace(1); commit(1);", "D_COMM_DREC"),
    ("speculate(1); x = 1; commit(1);", ""),
    ("printf(execname);", "D_PRINTF_ARG_FMT"),
    ("printa();", "D_PROTO_LEN"),
    ("printa(1);", "D_PRINTA_AGGARG"),
    ("printa(\"%d\", 1);", "D_PRINTA_AGGARG"),
    ("@a[1] = count(); @b[\"x\"] = count(); printa(@a, @b);", "D_PRINTA_AGGPROTO"),
    ("@a[1] = count(); @b[1, 2] = count(); printa(@a, @b);", "D_PRINTA_AGGKEY"),
    ("printf(\"%ls\", \"a\");", "D_PRINTF_ARG_TYPE"),
    ("print(printf(\"a\"));", "D_PROTO_ARG"),
    ("print((void)0);", "D_PROTO_ARG"),
    ("@a = count(); print(@a);", "D_PROTO_ARG"),
    ("clear(count());", "D_CLEAR_AGGARG"),
    ("clear(@a, 1);", "D_IDENT_UNDEF"),
    // What cannot be, or needs permission, has to be well written first.
    ("panic(1);", "D_PROTO_LEN"),
    ("breakpoint(1);", "D_PROTO_LEN"),
    ("return();", "D_PROTO_LEN"),
    ("return(\"a\");", "D_PROTO_ARG"),
    ("return(1);", "D_ACT_RETURN"),
    ("raise(\"a\");", "D_PROTO_ARG"),
    ("chill(\"a\");", "D_PROTO_ARG"),
    // Stacks.
    ("stack(\"x\");", "D_PROTO_ARG"),
    ("stack(0);", "D_STACK_SIZE"),
    ("stack(pid);", "D_STACK_SIZE"),
    ("ustack(0);", "D_USTACK_FRAMES"),
    ("ustack(1, -1);", "D_USTACK_STRSIZE"),
    ("ustack(1, 0);", ""),
    // Memory.
    ("x = alloca(-1);", "D_ALLOCA_SIZE"),
    ("x = alloca(257);", "D_ALLOCA_SIZE"),
    ("x = alloca(256);", ""),
    ("x = copyin(0, 257);", "D_ALLOCA_SIZE"),
    ("x = copyin(0, -1);", "D_ALLOCA_SIZE"),
    ("this->p = alloca(1); this->p = curthread;", "D_ALLOCA_INCOMPAT"),
    ("this->p = (void *)curthread; this->p = copyin(0, 1);", "D_ALLOCA_INCOMPAT"),
    ("self->p = (char *)alloca(8); x = self->p + 1; x = (char *)curthread;", "D_ALLOCA_INCOMPAT"),
    ("a[1] = alloca(1); a[2] = (void *)curthread;", "D_ALLOCA_INCOMPAT"),
    ("this->p = pid ? alloca(1) : (void *)curthread;", "D_ALLOCA_INCOMPAT"),
    ("this->p = pid ? alloca(1) : copyin(0, 1); this->p = 0; this->p = alloca(2);", ""),
    ("this->n = *(int *)alloca(8); this->n = 1;", ""),
    ("bcopy(curthread, curthread, 1);", "D_PROTO_ARG"),
    ("copyinto(0, 1, (void *)5);", "D_PROTO_ARG"),
    ("x = (char *)alloca(8); bcopy(curthread, x + 1, 4); copyinto(0, 1, &x[2]);", ""),
    ("bcopy(1, 2, 3);", "D_PROTO_ARG"),
    ("copyinto(1, 2, 3);", "D_PROTO_ARG"),
    ("copyout(1, 2, 3);", "D_PROTO_ARG"),
    ("x = inet_ntoa(1);", "D_PROTO_ARG"),
    ("x = inet_ntop(2, 1);", "D_PROTO_ARG"),
    ("x = lltostr(1, \"a\");", "D_PROTO_ARG"),
    // Distributions.
    ("@a = lquantize(1, \"x\", 3, 4);", "D_PROTO_ARG"),
    ("@a = lquantize(1, pid, 10, 1);", "D_LQUANT_BASETYPE"),
    ("@a = lquantize(1, 0, pid, 1);", "D_LQUANT_LIMTYPE"),
    ("@a = lquantize(1, 10, 10, 1);", "D_LQUANT_MISMATCH"),
    ("@a = lquantize(1, 0, 10, 0);", "D_LQUANT_STEPTYPE"),
    ("@a = lquantize(1, 0, 10, -1);", "D_LQUANT_STEPTYPE"),
    ("@a = lquantize(1, 0, 10, 70000);", "D_LQUANT_STEPVAL"),
    ("@a = lquantize(1, 0, 10, 11);", "D_LQUANT_STEPLARGE"),
    ("@a = llquantize(1, 10, \"x\", 3, 20);", "D_PROTO_ARG"),
    ("@a = llquantize(1, pid, 0, 3, 20);", "D_LLQUANT_FACTORTYPE"),
    ("@a = llquantize(1, 1, 0, 3, 20);", "D_LLQUANT_FACTORVAL"),
    ("@a = llquantize(1, 10, pid, 3, 20);", "D_LLQUANT_LMAGTYPE"),
    ("@a = llquantize(1, 10, -1, 3, 20);", "D_LLQUANT_LMAGVAL"),
    ("@a = llquantize(1, 10, 0, pid, 20);", "D_LLQUANT_HMAGTYPE"),
    ("@a = llquantize(1, 10, 3, 0, 20);", "D_LLQUANT_HMAGVAL"),
    ("@a = llquantize(1, 10, 0, 19, 10);", "D_LLQUANT_HMAGVAL"),
    ("@a = llquantize(1, 10, 0, 3, 0);", "D_LLQUANT_STEPTYPE"),
    ("@a = llquantize(1, 10, 0, 3, 70000);", "D_LLQUANT_STEPVAL"),
    ("@a = llquantize(1, 10, 0, 3, 7);", "D_LLQUANT_STEPVAL"),
    ("@a = llquantize(1, 10, 0, 3, 25);", "D_LLQUANT_STEPVAL"),
    ("@a = llquantize(1, 2, 0, 10, 8);", "D_LLQUANT_STEPVAL"),
    ("@a = llquantize(1, 10, 1, 3, 30);", "D_LLQUANT_STEPVAL"),
    ("@a = llquantize(1, 10, 0, 3, 20);", ""),
    ("@a = llquantize(1, 10, 1, 3, 100);", ""),
    ("@a = llquantize(1, 10, 0, 3, 20); @a = llquantize(1, 20, 0, 3, 20);", "D_LLQUANT_MATCHFACTOR"),
    ("@a = llquantize(1, 10, 0, 3, 20); @a = llquantize(1, 10, 1, 3, 20);", "D_LLQUANT_MATCHLMAG"),
    ("@a = llquantize(1, 10, 0, 3, 20); @a = llquantize(1, 10, 0, 4, 20);", "D_LLQUANT_MATCHHMAG"),
    ("@a = llquantize(1, 10, 0, 3, 20); @a = llquantize(1, 10, 0, 3, 10);", "D_LLQUANT_MATCHSTEPS"),
];

/// What stands in `BEGIN { ... }`, and the whole message: users and programs look for these words.
const MESSAGES: &[(&str, &str)] = &[
    (
        "print(stack());",
        "print( ) argument #1 is incompatible with prototype:\n\tprototype: void *\n\t argument: dt_stack_t",
    ),
    (
        "print(sym(1));",
        "print( ) argument #1 is incompatible with prototype:\n\tprototype: void *\n\t argument: _symaddr",
    ),
    ("trace(sym(1));", "tracing function sym( ) may not be called from a D expression (D program context required)"),
    (
        "printf(\"%a\", umod(1));",
        "tracing function umod( ) may not be called from a D expression (D program context required)",
    ),
    (
        "@ = count(); @ = sum(1);",
        "aggregation redefined: @_\n\t current: @_ = sum( )\n\tprevious: @_ = count( ) : line 1",
    ),
    ("x = 1a + 2; y = 3;", "syntax error near \"a + 2; y = 3; }\""),
    ("x = args[0, 1];", "args[ ] prototype mismatch: 2 args passed, 1 expected"),
    (
        "x = (int *)1; x = x->y;",
        "operator -> cannot be applied to pointer to type \"int\"; must be applied to a struct or union pointer",
    ),
    ("x = curthread[1, 2];", "cannot access scalar curthread as an associative array"),
    (
        "@a = llquantize(1, 10, 0, 6, 7);",
        "llquantize() argument #4 (steps) must evenly divide argument #1 (factor) when steps<factor",
    ),
    (
        "@a = llquantize(1, 10, 0, 3, 20); @a = llquantize(1, 10, 0, 4, 20);",
        "llquantize() hmag (argument #3) doesn't match previous declaration: expected 3, found 4",
    ),
    (
        "printf(\"%.*d\");",
        "printf( ) prototype mismatch: conversion #1 (%d) is missing a corresponding \".*\" argument",
    ),
    (
        "@a = count(); @b[1] = count(); printa(@a, @b);",
        "printa( ): @a and @b do not have matching key signatures: @a has 0 keys, @b has 1 key",
    ),
    (
        "bcopy(curthread, curthread, 1);",
        "bcopy( ) argument #2 is incompatible with prototype:\n\tprototype: alloca pointer\n\t argument: non-alloca pointer",
    ),
    ("trunc(@);", "failed to resolve @_: Unknown variable name"),
    ("@ = 1;", "@_ must be assigned the result of an aggregating function"),
    ("@ = count(); @[1] = count();", "@_[ ] prototype mismatch: 1 key passed, 0 expected"),
    ("x = \"a\" ? 1 : 2;", "operator ?: expression must be of scalar type"),
    ("x = \"a\" && 1;", "operator && requires operands of scalar type"),
    ("x = 1 ^^ \"a\";", "operator ^^ requires operands of scalar type"),
    ("x = (int)\"a\";", "invalid cast expression: \"string\" to \"int\""),
    ("x = sizeof (void);", "cannot apply sizeof to an operand of unknown size"),
    ("x = pid.x;", "operator . cannot be applied to type \"pid_t\"; must be applied to a struct or union"),
    ("x = &pid;", "cannot take address of dynamic variable"),
    ("self->x = 1; x = &self->x;", "cannot take address of dynamic variable"),
    ("x = `none;", "failed to resolve `none: Unknown symbol name"),
    ("x = vmlinux`none;", "failed to resolve vmlinux`none: Unknown symbol name"),
    ("x = none`jiffies;", "failed to resolve none`jiffies: Module is no longer loaded"),
    ("x[1] = 1; trace(x[1, 2]);", "x[ ] prototype mismatch: 2 keys passed, 1 expected"),
    (
        "self->a[1] = 1; self->a[\"x\"] = 2;",
        "a[ ] key #1 is incompatible with prototype:\n\tprototype: int\n\t      key: string",
    ),
    ("@a[1] = count(); @a[1, 2] = count();", "@a[ ] prototype mismatch: 2 keys passed, 1 expected"),
    ("@a[(void)1] = count();", "void expression may not be used as aggregation index: key #1"),
    (
        "printf(\"%d\", stack());",
        "printf( ) argument #2 is incompatible with conversion #1 prototype:\n\tconversion: %d\n\t prototype: char, short, int, long, \
         or long long\n\t  argument: dt_stack_t",
    ),
    ("@a = 1;", "@a must be assigned the result of an aggregating function"),
    ("@a = count() + 1;", "operands have incompatible types: \"aggregating function\" + \"int\""),
    ("@a = quantize(1, \"a\");", "quantize( ) increment value (argument #2) must be of scalar type"),
    (
        "@a = lquantize(1, 0, 10, 1); @a = lquantize(1, 0, 10, 2);",
        "lquantize( ) step (argument #3) doesn't match previous declaration: expected 1, found 2",
    ),
    (
        "@a[1] = count(); printa(\"%s\", @a);",
        "printa( ) argument #2 is incompatible with conversion #1 prototype:\n\tconversion: %s\n\t prototype: char [] or string \
         (or use stringof)\n\t  argument: int",
    ),
    (
        "@a[1] = count(); printa(\"%@s\", @a);",
        "printa( ) aggregating action is incompatible with conversion #1 prototype:\n\tconversion: %s\n\t prototype: char [] or \
         string (or use stringof)\n\t  argument: uint64_t",
    ),
    ("printf(\"%d\", 1, 2);", "printf( ) prototype mismatch: only 1 arguments required by this format string"),
    ("printf(\"%@d\", 1);", "%@ conversion requires an aggregation and is not for use with printf( )"),
    ("printf(\"%Ld\", 1);", "format conversion #1 is undefined: %Ld"),
    (
        "printf(\"%Y\", 1);",
        "printf( ) argument #2 is incompatible with conversion #1 prototype:\n\tconversion: %Y\n\t prototype: int64_t\n\t  \
         argument: int",
    ),
    ("trace(printf(\"x\"));", "trace( ) may not be applied to a void expression"),
    (
        "x = substr(\"a\", \"b\");",
        "substr( ) argument #2 is incompatible with prototype:\n\tprototype: int\n\t argument: string",
    ),
    (
        "x = mutex_owned(1);",
        "mutex_owned( ) argument #1 is incompatible with prototype:\n\tprototype: struct mutex *\n\t argument: int",
    ),
    (
        "x = 18446744073709551615;",
        "integer constant 0xffffffffffffffff cannot be represented in any built-in integral type",
    ),
    ("x = 18446744073709551615u;", ""),
    ("x = curthread * 2;", "operator * requires operands of arithmetic type"),
    ("x = curthread == 1;", "operands have incompatible types: \"struct task_struct *\" == \"int\""),
    ("x = curthread ? 1 : \"a\";", "operator ?: operands must have compatible types"),
    ("x = offsetof(struct task_struct, none);", "failed to determine offset of none: Member name not found."),
    ("x = offsetof(struct none, a);", "offsetof operand must be a struct or union type"),
    ("@a = count(); x = @a + 1;", "operands have incompatible types: \"aggregation\" + \"int\""),
    ("x = (@a = count());", "operands have incompatible types: \"scalar\" = \"aggregation\""),
    ("curthread->pid = 1;", "operator = can only be applied to a writable variable"),
    ("x = 3; y = (x * 8); y = (x*8) + (x * 2 + 1); y = (x * 8 * x);", ""),
    ("*(int *)(curthread + 1) = 1;", "operator = can only be applied to a writable variable"),
    ("*(int *)1 = 1;", "operator = can only be applied to a writable variable"),
    ("p = (int *)alloca(8); *p = 1; p[1] = 2; p[1] += 2;", ""),
    ("x = 1);", "extra ) in input stream"),
    ("trace(1)]", "extra ] in input stream"),
    ("ftruncate();", ""),
];

/// What stands in front of `BEGIN { exit(0); }`, and its tag.
const DECLARATIONS: &[(&str, &str)] = &[
    ("int a[0];", "D_DECL_ARRSUB"),
    ("int a[3]; BEGIN { a[\"x\"] = 1; }", "D_OP_INCOMPAT"),
    ("int a[int]; BEGIN { a[\"x\"] = 1; }", "D_PROTO_ARG"),
    ("int a[\"x\"];", "D_DECL_ARRSUB"),
    ("int a[void];", "D_DECL_PROTO_TYPE"),
    ("int a[int, ...];", "D_DECL_PROTO_VARARGS"),
    ("int;", "D_DECL_USELESS"),
    ("struct s { int a; };", ""),
    ("struct s { int a; char a; };", "D_UNKNOWN"),
    ("#pragma D depends_on library x.d\n", "D_PRAGMA_DEPEND"),
    ("#pragma D depends_on provider none\n", "D_PRAGMA_DEPEND"),
    ("#pragma D depends_on provider syscall\n", ""),
    ("#pragma D depends_on module none\n", "D_PRAGMA_DEPEND"),
    ("#pragma D depends_on module vmlinux\n", ""),
    ("unsigned void *x;", "D_DECL_VOIDATTR"),
    ("long char x;", "D_DECL_CHARATTR"),
    ("unsigned float x;", "D_DECL_SIGNINT"),
    ("unsigned string x;", "D_DECL_SIGNINT"),
    ("short float x;", "D_UNKNOWN"),
    ("long long double x;", "D_UNKNOWN"),
    ("char double x;", "D_DECL_COMBO"),
    ("#pragma D option \"quiet\"\n", "D_PRAGMA_MALFORM"),
    ("long short x;", "D_DECL_COMBO"),
    ("unsigned long x;", ""),
    ("enum e { A, A };", "D_DECL_IDRED"),
    ("enum e { A = \"x\" };", "D_DECL_ENCONST"),
    ("enum e { A = 3000000000 };", "D_DECL_ENOFLOW"),
    ("enum e { A = 2147483647, B };", "D_DECL_ENOFLOW"),
    ("struct s { int a : 33; };", "D_DECL_BFSIZE"),
    ("struct s { char *p : 3; };", "D_DECL_BFTYPE"),
    ("inline int x = 1; inline int x = 2;", "D_DECL_IDRED"),
    ("inline int pid = 1;", "D_DECL_IDRED"),
    ("inline int f[int a, int a] = a;", "D_DECL_PROTO_FORM"),
    ("inline self int x = 1;", "D_DECL_BADCLASS"),
    ("inline int x = \"a\";", "D_OP_INCOMPAT"),
    ("inline string x = \"a\";", ""),
    ("inline void x = 1;", "D_DECL_VOIDOBJ"),
    ("typedef int t; typedef char t;", "D_DECL_IDRED"),
    ("typedef int pid;", "D_DECL_IDRED"),
    ("int pid;", "D_DECL_IDRED"),
    ("int strlen;", "D_DECL_IDRED"),
    ("self int pid;", ""),
    ("this int a[int];", "D_DECL_LOCASSC"),
    ("this int a[4];", ""),
    // Of C, but nothing of D can use it.
    ("int f(int, char *);", ""),
    ("extern int strlen(const char *);", ""),
    ("int f(int); BEGIN { f(1); }", "D_FUNC_UNDEF"),
    ("enum e;", ""),
    ("_Bool b; BEGIN { b = 1; }", ""),
    ("enum e { A = 1, B = A + 1, C = B << 2 }; BEGIN { x[C == 8 ? 1 : 0] = 1; }", ""),
    // Arrays of C.
    ("int x[3]; BEGIN { x = 0; }", "D_OP_ARRFUN"),
    ("int x[4]; BEGIN { x[sizeof (rand()) - 1] = 0; }", ""),
    ("int x[3]; BEGIN { y = x; }", "D_OP_ARRFUN"),
    ("int x[3]; BEGIN { x++; }", "D_OP_SCALAR"),
    ("int x[int]; BEGIN { y = &x[1]; }", "D_ADDROF_VAR"),
    ("#pragma D option version=1.6\n", ""),
    ("#pragma D option version=foo\n", "D_PRAGMA_OPTSET"),
    // Names that are taken.
    ("enum e { A }; int A;", "D_DECL_IDRED"),
    ("int A; enum e { A };", "D_DECL_IDRED"),
    ("enum e { pid };", "D_DECL_IDRED"),
    ("enum e { A }; enum e { B };", "D_DECL_TYPERED"),
    ("enum e { A }; BEGIN { A = 1; }", "D_OP_LVAL"),
    ("typedef int x; int x;", "D_DECL_IDRED"),
    ("int x; typedef int x;", "D_DECL_IDRED"),
    ("int x; inline int x = 1;", "D_DECL_IDRED"),
    // Types that cannot be declared.
    ("int x[];", "D_DECL_ARRNULL"),
    ("int x[5000000000];", "D_DECL_ARRBIG"),
    ("static extern int x;", "D_DECL_CLASS"),
    ("int f(static int x);", "D_DECL_PARMCLASS"),
    ("int f(register int x);", ""),
    ("int f(int x, int x);", "D_DECL_PROTO_FORM"),
    ("int f(int, void);", "D_DECL_PROTO_VOID"),
    ("int f(void x);", "D_DECL_PROTO_NAME"),
    ("int f(void);", ""),
    ("long pid_t x;", "D_DECL_LONGINT"),
    ("inline int x[3] = 1;", "D_DECL_ARRNULL"),
    ("void x[3];", "D_DECL_VOIDOBJ"),
    ("void int x;", "D_DECL_COMBO"),
    ("unsigned struct s x;", "D_DECL_SIGNINT"),
    ("unsigned pid_t x;", "D_DECL_SIGNINT"),
    ("int x : 3;", "D_SYNTAX"),
    ("struct s { int; };", "D_SYNTAX"),
    ("struct s { self int a; };", "D_SYNTAX"),
    ("struct s { int a[int]; };", "D_DECL_DYNOBJ"),
    ("int a[int][4];", "D_DECL_DYNOBJ"),
    ("string a[string];", ""),
    ("self char a[string][8];", "D_DECL_DYNOBJ"),
    ("enum none x;", "D_DECL_INCOMPLETE"),
    ("struct s { enum none x; };", "D_DECL_INCOMPLETE"),
    ("typedef enum none none_t;", ""),
    ("char x[3]; BEGIN { x = \"a\"; }", "D_OP_ARRFUN"),
    // Definitions that nothing uses.
    ("inline int x = self->y;", "D_VAR_UNDEF"),
    ("inline int x[int a] = b;", "D_IDENT_UNDEF"),
    ("inline int x = printf(\"a\");", "D_OP_INCOMPAT"),
    ("inline string x = pid;", "D_OP_INCOMPAT"),
    ("inline int x = args[0] + arg0;", ""),
    ("struct o { int a; }; translator struct o < int p > { a = \"x\"; };", "D_XLATE_INCOMPAT"),
    ("struct o { string a; }; translator struct o < int p > { a = p; };", "D_XLATE_INCOMPAT"),
    ("struct o { int a; }; translator struct o < struct task_struct *p > { a = p->none; };", "D_TYPE_MEMBER"),
    ("struct o { int a; }; translator struct o < struct task_struct *p > { a = p->pid / p->tgid; };", ""),
    (
        "struct o { int a; }; translator struct o < int p > { a = p; }; BEGIN { x = xlate<struct o>(1).b; }",
        "D_XLATE_NOCONV",
    ),
    ("provider p234567890123456789012345678901234567890123456789012345678901234 { probe a(); };", "D_PROV_BADNAME"),
    // Pragmas about names.
    ("#pragma D attributes Stable/Stable/Common x\n", "D_PRAGMA_UNUSED"),
    ("#pragma D attributes Stable x\nint x;", ""),
    ("#pragma D attributes Stable/Stable/Common strlen\n", "D_PRAGMA_SCOPE"),
    ("#pragma D attributes Stable/Stable/Common provider p provider\n", "D_PRAGMA_UNUSED"),
    ("provider p { probe a(); };\n#pragma D attributes Stable/Stable/Common provider p provider\n", ""),
    ("#pragma D attributes Stable/Stable/Common provider p it\n", "D_PRAGMA_INVAL"),
    ("#pragma D binding \"1.0\" x\n", "D_PRAGMA_UNUSED"),
    ("#pragma D binding \"1\" A\nenum e { A };", ""),
    ("#pragma D binding \"300.0\" x\ninline int x = 1;", "D_PRAGMA_INVAL"),
    ("#pragma D option incdir=/tmp\n", "D_PRAGMA_OPTSET"),
    ("BEGIN /printf(\"x\")/ { }", "D_PRED_SCALAR"),
    ("BEGIN /count()/ { }", "D_PRED_SCALAR"),
    ("int x; int x;", ""),
    ("int x; char x;", "D_DECL_IDRED"),
    ("struct o { int a; }; translator struct o < int *p > { b = 1; };", "D_XLATE_MEMB"),
    (
        "struct o { int a; }; translator struct o < int *p > { a = 1; }; translator struct o < int *p > { a = 2; };",
        "D_XLATE_REDECL",
    ),
];

/// What stands in front of `BEGIN { exit(0); }`, and the whole message.
const DECLARED: &[(&str, &str)] = &[
    ("int x; char x;", "identifier redeclared: x\n\t current: scalar char\n\tprevious: scalar int"),
    ("int x[int]; int x;", "identifier redeclared: x\n\t current: scalar int\n\tprevious: associative array int"),
    ("int x[3]; int x[4];", "identifier redeclared: x\n\t current: scalar int [4]\n\tprevious: scalar int [3]"),
    ("/* a /* b */", "/* encountered inside a comment"),
    (
        "inline int x = 1; inline int x = 2;",
        "identifier redefined: x\n\t current: inline definition\n\tprevious: scalar inline",
    ),
    ("char x[10]; BEGIN { x = 1; }", "operator = may not be applied to operand of type \"char [10]\""),
    ("int x[3]; BEGIN { x[3] = 1; }", "index outside array bounds: 3, max is 3"),
    ("int x[4]; BEGIN { x['abcdefgh'] = 1; }", "index outside array bounds: 7017280452245743464, max is 4"),
    ("int x[4]; BEGIN { x[sizeof ('abcde') - 1] = 1; }", "index outside array bounds: 7, max is 4"),
    ("int x[4]; BEGIN { x[sizeof ('abcd') - 1] = 1; }", ""),
    ("int x[int][int];", "cannot declare array of associative arrays"),
    ("int `x;", "D scoping operator may not be used in a declaration name (`x)"),
    ("long long long x;", "failed to resolve type long long long : Unknown type name"),
    ("int int x;", "invalid type combination"),
    ("double short x;", "failed to resolve type short double: Unknown type name"),
    ("struct none x;", "incomplete struct/union/enum struct none: x"),
    ("struct s { void a; };", "cannot have void member: a"),
    ("struct s { struct s a; };", "incomplete struct/union/enum struct s: a"),
    ("struct s { int a; }; struct s { int b; };", "type redeclared: struct s"),
    ("struct s { int a : 40; };", "bit-field too big for type: a"),
    ("struct s { int a : 0; };", "positive integral constant expression expected as bit-field size"),
    ("struct s { int a : 3; int : 0; int b : 4; };", ""),
    ("struct s { float a : 3; };", "invalid type for bit-field: a"),
    ("enum a { A, B }; enum b { B, C };", "identifier redeclared: B"),
    ("inline int x = y;", "failed to resolve y: Unknown variable name"),
    ("inline int x = pid;", ""),
    ("int x; BEGIN { x *= \"a\"; }", "operator *= requires operands of arithmetic type"),
    ("inline string s = 1;", "inline s definition uses incompatible types: \"string\" = \"int\""),
    ("inline int x[int a] = a; BEGIN { trace(x); }", "associative array 'x' may not be referenced as scalar"),
    ("inline int x[int a, int b] = a; BEGIN { trace(x[1]); }", "x[ ] prototype mismatch: 1 key passed, 2 expected"),
    ("inline int x = 1; BEGIN { x = 2; }", "operator = requires modifiable lvalue as an operand"),
    ("int x; /* no end", "end-of-file encountered before matching */"),
    ("int x[3]; BEGIN { x = 0; }", "operator = may not be applied to operand of type \"int [3]\""),
    ("BEGIN { x = \"abc; }\n", "newline encountered in string literal"),
    ("BEGIN { trace(@); }", "failed to resolve @_: Unknown variable name"),
    ("#pragma D option quiet=foo\n", "failed to set option 'quiet' to 'foo': Invalid value for specified option"),
    ("translator int < int x > { a = 1; };", "translator output type must be a struct or union"),
    ("translator struct none < int x > { a = 1; };", "incomplete struct/union/enum struct none"),
    // An enumeration of which only the tag is known is as a struct of that kind.
    ("enum none *p; struct s { enum none *q; }; BEGIN { p = 0; trace(sizeof (p) + sizeof (struct s)); }", ""),
    ("typedef enum none none_t; BEGIN { trace(sizeof (none_t *)); }", ""),
    ("enum none e;", "incomplete struct/union/enum enum none: e"),
    ("enum none *p; BEGIN { e = (enum none)1; }", "invalid cast expression: \"int\" to \"enum none\""),
    (
        "enum none *p; BEGIN { trace(*p); }",
        "operator cannot be applied to a forward declaration: no enum none definition is available",
    ),
    ("enum none *p; enum none { A };", "type redeclared: enum none"),
    ("int x[...];", "array prototype may not use a variable-length argument list"),
    // Types in messages are those behind their names.
    (
        "typedef int n_t; n_t x; BEGIN { trace(x.y); }",
        "operator . cannot be applied to type \"int\"; must be applied to a struct or union",
    ),
];

#[test]
fn each_mistake_has_its_tag() {
    let clauses = CAUSES.iter().map(|(text, tag)| (format!("BEGIN {{ {text} }}"), tag));
    let declarations = DECLARATIONS.iter().map(|(text, tag)| (format!("{text} BEGIN {{ exit(0); }}"), tag));
    let wrong: Vec<String> = clauses.chain(declarations).filter_map(|(text, tag)| difference(&text, tag)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn messages_are_worded_as_they_always_were() {
    let first = |text: &str| compiled(text).diagnostics.first().map_or(String::new(), |first| first.message.clone());
    for (text, wanted) in MESSAGES {
        assert_eq!(first(&format!("BEGIN {{ {text} }}")), *wanted, "{text}");
    }
    for (text, wanted) in DECLARED {
        assert_eq!(first(&format!("{text} BEGIN {{ exit(0); }}")), *wanted, "{text}");
    }
}

#[test]
fn what_follows_a_predicate_is_told() {
    let message = |text: &str| compiled(text).diagnostics.first().map_or(String::new(), |first| first.message.clone());
    let wanted = "expected actions { } following probe description and predicate";
    assert_eq!(message("BEGIN /1/ // nothing"), wanted);
    assert_eq!(message("BEGIN /1/ ;"), wanted);
    assert_eq!(message("BEGIN /1/ }"), "extra } in input stream");
    assert_eq!(message("BEGIN /1 }"), "extra } in input stream");
    assert_eq!(message("BEGIN /1/\n"), "syntax error near end-of-input");
}

#[test]
fn addresses_by_name_are_statements_and_keys() {
    let compiled =
        compiled("BEGIN { sym(1); usym(2); @[mod(3), func(4)] = count(); a[func(1), 2] = 1; trace(a[func(1), 2]); }");
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
}

#[test]
fn mistakes_are_told_where_a_clause_never_runs() {
    let never = ["BEGIN /0/", "BEGIN /probename == \"x\"/", "#pragma D option zdefs\nnosuch:::x", "nosuch:::x"];
    let bodies = [
        ("nosuch();", "D_FUNC_UNDEF"),
        ("x = nosuch;", "D_IDENT_UNDEF"),
        ("printf(\"%d\", \"a\");", "D_PRINTF_ARG_TYPE"),
        ("@a = quantize(\"a\");", "D_AGG_SCALAR"),
        ("commit(1); trace(1);", "D_DREC_COMM"),
        ("x = 1; } BEGIN { x = \"a\";", "D_OP_INCOMPAT"),
        ("if (0) { nosuch(); }", "D_FUNC_UNDEF"),
    ];
    let cases =
        never.iter().flat_map(|never| bodies.iter().map(move |(body, tag)| (format!("{never} {{ {body} }}"), *tag)));
    let wrong: Vec<String> = cases.filter_map(|(text, tag)| difference(&text, tag)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let missing = difference("nosuch:::x /nosuch/ { trace(1); }", "D_PDESC_ZERO");
    assert_eq!(missing, None);
}

#[test]
fn what_a_clause_declares_that_never_runs_is_declared() {
    let wrong = difference("BEGIN /0/ { x = 1; } BEGIN { trace(x); }", "");
    assert_eq!(wrong, None);
}

#[test]
fn arguments_of_probes_that_do_not_exist_are_no_mistake() {
    let wrong = difference("#pragma D option zdefs\nnosuch:::x { trace(args[0]->b_bcount); }", "");
    assert_eq!(wrong, None);
}

fn difference(text: &str, wanted: &str) -> Option<String> {
    let compiled = compiled(text);
    let first = compiled.diagnostics.first();
    let tag = first.and_then(|first| first.tag).unwrap_or_default();
    (tag != wanted).then(|| format!("{text}: {tag}, not {wanted}: {first:?}"))
}

fn compiled(text: &str) -> Compiled {
    let types = types();
    let (probes, macros) = (Probes(&types), Macros::default());
    let env = Env { options: &[("destructive".to_owned(), None)], ..env(&probes, &macros) };
    let source = Source { name: "test".to_owned(), text: text.to_owned(), kind: SourceKind::Script };
    compile(&[source], &env)
}
