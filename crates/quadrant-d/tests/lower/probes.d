syscall:::entry { trace(probefunc); trace(arg0); trace(args[0]); }
syscall:::entry /probefunc == "read"/ { @reads = sum(arg2); }
syscall:::entry { @[probefunc == "write" ? "w" : "other"] = count(); }
syscall:::return /errno/ { @e[execname, errno] = count(); }
syscall::read:return { trace(probeprov); trace(probemod); trace(probename); trace(arg1); trace(args[0]); trace(id); }
BEGIN, syscall:::entry { trace(arg0); }
ERROR { printf("%d %d %d %d %d", arg1, arg2, arg3, arg4, arg5); }
sched:::wakeup { self->w = timestamp; trace(pid); trace(execname); trace(args[0]->lwp_id); trace(args[0]->lwp_state); }
fbt::f:entry { trace(arg1); trace(cpu); trace(ppid); trace(uid); trace(walltimestamp); trace(stackdepth); trace(ucaller); }
5 { }
tick-1s
/cpu == 0/
{ trace(arg0); trace(vtimestamp); trace(uregs[R_RIP]); }
syscall::write:entry, syscall:::entry { trace(1); }
END { trace(curlwp->lwp_name); trace(statename[1]); trace(curlwp->lwp_state); }
inline int idof[lwp_t *l] = l->lwp_id;
END { trace(idof[curlwp]); trace(((lwp_t *)curlwp)->lwp_name); }
