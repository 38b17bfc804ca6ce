/* Questions that people ask most, each on a line. */
syscall:::entry { @num[probefunc] = count(); }
syscall:::entry { @num[execname] = count(); }
syscall:::entry { @num[pid,execname] = count(); }
syscall::read:return /errno/ { @[execname, errno] = count(); }
syscall::open*:entry { printf("%s %s",execname,copyinstr(arg0)); }
syscall::openat:entry { printf("%-16s %s\n", execname, copyinstr(arg1)); }
proc:::exec-success { trace(curpsinfo->pr_psargs); }
syscall::exec*:return { printf("%Y %s\n",walltimestamp,curpsinfo->pr_psargs); }
sysinfo:::readch { @bytes[execname] = sum(arg0); }
sysinfo:::writech { @dist[execname] = quantize(arg0); }
io:::start { @size[execname] = quantize(args[0]->b_bcount); }
io:::start { printf("%d %s %d",pid,execname,args[0]->b_bcount); }
vminfo:::pgpgin { @pg[execname] = sum(arg0); }
sdt:::interrupt-start { @num[cpu] = count(); }
lockstat:::adaptive-block { @time[execname] = sum(arg1); }
fbt:::entry { @calls[probemod] = count(); }
profile-997 /arg0/ { @[stack()] = count(); } tick-10s { trunc(@, 20); exit(0); }
profile-99 /pid == $target/ { @[ustack()] = count(); }
proc:::signal-send /pid/ { printf("%s -%d %d",execname,args[2],args[1]->pr_pid); }
pid$target:libc:malloc:entry { @[ustack()] = quantize(arg0); }
pid$target:a.out::entry,pid$target:a.out::return {}
syscall::exece:return /execname == "top"/ { raise(9); }
profile:::tick-1sec /++secs == 5/ { exit(0); }
syscall::read:entry { self->ts = vtimestamp; }
syscall::read:return /self->ts/ { @[probefunc] = lquantize((vtimestamp - self->ts) / 1000, 0, 100, 5); self->ts = 0; }
BEGIN { printf("%5s %-16s %6s\n", "UID", "COMM", "PID"); start = timestamp; }
syscall::ioctl:entry /execname == $$1 && stringof(curthread->comm) != "sh"/ { @[(int)arg0 & 0xff, tid] = count(); }
END { printa("%@8u %s\n", @num); normalize(@time, (timestamp - start) / 1000000000); printa(@time); clear(@time); }
profile-1001hz /!(arg1) && curthread->pid != 0/ { @hot[func(arg0)] = count(); }
syscall:::entry /!self->seen[probefunc]++/ { this->s = speculation(); speculate(this->s); trace(this->s); }
dtrace:::ERROR { printf("%d %d %d %x", arg1, arg2, arg4, arg5); }
fbt::do_sys_open*:return /arg1 < 0 || (int)arg1 > 1 << 10/ { stack(5); ustack(3, 100); }
tcp:::send { @[args[2]->ip_daddr, args[4]->tcp_dport] = sum(args[2]->ip_plength); }
sched:::off-cpu /args[1]->pr_fname == "bash" || args[0]->pr_pri > `max_pri/ { self->off = timestamp; }
mysql*:::query-start { self->query = copyinstr(arg0); @q[self->query, strjoin("a", "b")] = count(); }
cpc:::PAPI_tot_ins-all-10000 /execname != "dtrace"/ { @[ufunc(arg1)] = count(); }
syscall::write:entry /fds[arg0].fi_pathname == "/tmp/x"/ { tracemem(copyin(arg1, 64), 64, arg2); }
