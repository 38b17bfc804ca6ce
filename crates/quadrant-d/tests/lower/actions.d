BEGIN { }
BEGIN { x = 1; }
BEGIN { stack(); ustack(5); stack(3); sym(arg0); umod(arg0); uaddr(arg0); func(arg0); }
BEGIN { @a[stack(), ustack(3), usym(ucaller), mod(caller)] = quantize(pid, 2); }
BEGIN { @l = lquantize(pid, 0, 100, 10, 3); @ll = llquantize(pid, 10, 0, 5, 20); @m = min(pid); @x = max(pid); @v = avg(pid); @sd = stddev(pid); @s["k", 1] = sum(-1); }
BEGIN { printa(@m); printa("%@d\n", @m); clear(@m); trunc(@s); trunc(@s, 5); normalize(@s, 10); denormalize(@s); }
BEGIN { printa("%s %d %@d %@d\n", @s, @s); setopt("quiet"); setopt("switchrate", "10hz"); }
BEGIN { printf("%d %s %x %5d|%-5s|%c %a %Y %p\n", pid, execname, arg0, 3, "ab", 65, caller, walltimestamp, curthread); }
BEGIN { raise(9); stop(); chill(100); system("ls %s", execname); freopen("/tmp/%d", pid); freopen(""); ftruncate(); }
BEGIN { self->spec = speculation(); }
BEGIN /self->spec/ { speculate(self->spec); printf("%d", pid); trace(2); }
BEGIN /self->spec/ { commit(self->spec); self->spec = 0; }
BEGIN /self->spec/ { discard(self->spec); }
BEGIN { if (pid == 1) { trace(1); } else if (pid == 2) { trace(2); exit(1); } else x = 5; trace(3); }
BEGIN { if (0) { trace(1); } else { trace(4); } trace(x); x = 2; trace(x); }
BEGIN { printf("100%%\n"); exit(x); }
BEGIN { self->f = execname; self->n = timestamp; }
END /self->f != NULL/ { printf("%s %d", self->f, timestamp - self->n); self->f = 0; self->n = 0; }
