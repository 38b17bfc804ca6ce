int a[int, string];
self string names[int];
this int flag;
BEGIN { a[1, "x"] = 5; a[pid, execname]++; a[2, "y"]--; a[1, "x"] = 0; }
END {
    self->names[3] = "n";
    self->names[3] = 0;
    self->ts = timestamp;
    self->d = timestamp - self->ts;
    self->ts = 0;
    this->flag = 1;
    x = self->d;
    x += 2;
    self->n++;
    self->n += 4;
    self->n -= 4;
    e[curthread->state] = curthread;
    this->p = e[RUNNING]->pid;
    trace(a[1, "x"]);
    trace(self->names[3]);
    y[self->n++] = 1;
}
BEGIN /self->ts && this->flag/ { trace(this->flag); }
int fixed[5]; self string words[3];
BEGIN { fixed[2] = 7; fixed[pid % 5]++; self->words[0] = "a"; trace(fixed[2]); trace(self->words[0]); }
