int dup; string dup;
BEGIN { x = 1; x = "a"; y = self->none; this->none; z; foo(); }
BEGIN { printf("%d", "a"); printf("%s", 1); printf("%d"); printf("%d", 1, 2); printf(execname); printf("%@d", 1); printf("%*d", "a", 1); printf("%k", 1); }
BEGIN { @a = count(); @a = sum(1); @b[1] = count(); @b["s"] = count(); @b[1, 2] = count(); @c = foo(); @d = 5; @e = sum("s"); @f = sum(); }
BEGIN { @q = lquantize(1, 0, 10); @q = lquantize(1, 0, 11); @r = lquantize(1, 10, 0); @t = lquantize(1, pid, 1); @u = lquantize(1, 0, 10, 20); @v = llquantize(1, 1, 0, 2, 10); }
BEGIN { printa(@none); printa(1); clear(1); trunc(@none2); trace(@a); printa("%d", @a); normalize(@a); }
BEGIN { speculate(1); speculate(2); }
BEGIN { trace(1); speculate(1); }
BEGIN { speculate(1); @z = count(); exit(0); raise(9); }
BEGIN { commit(1); trace(1); }
BEGIN { trace(1); commit(1); }
BEGIN { commit(1); commit(2); @y = count(); speculate(1); }
BEGIN { panic(); breakpoint(); jstack(); w = printf("x"); w = count(); 1 + 1; pid; }
BEGIN { pid = 1; execname = "a"; "a" + 1; "a" && 1; !"a"; -"a"; curthread + curthread; curthread->nope; pid->x; curthread.pid; *pid; &pid; 1 / 0; }
BEGIN { trace(args[0]); trace(curthread->times[9]); trace((struct nope *)0); trace(((struct nope *)0)->x); trace((struct task_struct)1); sizeof (struct nope); }
BEGIN { a[1] = 1; a["x"] = 2; a[1, 2] = 3; trace(a); trace(a[curthread->times]); }
syscall:::entry { trace(args[7]); trace(uregs[R_RIP]); }
nosuch:::x { }
a:b:c:d:e { }
BEGIN /"text"/ { }
BEGIN { trace(`nope); trace(xlate <struct task_struct *> (1)); trace(curlwp->nothing); strlen(1); strlen(); substr("a"); lltostr(1, 99); inet_ntop("a", 1); stack(-1); exit("x"); }
BEGIN { enumx = RUNNIN; self->s = "a"; self->s = 1; self->i = 1; self->i = curthread; @a += 1; }
BEGIN { @w["x", 1] = count(); printa("%*d", @w); }
BEGIN { @w["x", 1] = count(); printa("%s%*d%d", @w); }
BEGIN { @w["x", 1] = count(); printa("%s%d%@*d", @w); }
