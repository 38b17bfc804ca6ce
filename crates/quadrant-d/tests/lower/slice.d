syscall:::entry { @num[execname] = count(); }
BEGIN { printf("hi %d\n", 1); exit(0); }
END { trace(execname); trace(pid); trace(timestamp); }
