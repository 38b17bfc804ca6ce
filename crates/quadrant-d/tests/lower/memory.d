struct pair { int a; char b[8]; int bits : 3; int more : 7; struct pair *next; };
union num { int i; long l; };
typedef struct pair pair_t;
syscall::read:entry {
    this->p = (struct pair *)alloca(sizeof (struct pair));
    this->p->a = 5;
    this->p->b[1] = 'x';
    this->q = (pair_t *)copyin(arg1, sizeof (pair_t));
    trace(this->q->a + this->q->bits);
    trace(this->q->next->a);
    trace(stringof(this->q->b));
    trace(copyinstr(arg1));
    trace(copyinstr(arg1, 10));
    copyinto(arg1, 8, this->p);
    bcopy(this->q, this->p, 8);
    trace(*(int *)arg1);
    trace(((int *)this->p)[2]);
    trace(this->p + 1);
    trace((this->p + 1) - this->p);
    trace(this->p->more == 0 ? 0 : 1);
}
syscall::read:entry {
    trace(curthread->real_parent->pid);
    trace(curthread->times[2]);
    trace(curthread->times[pid]);
    trace(&curthread->times[1]);
    trace(curthread->level);
    trace(curthread->cred->uid.val);
    trace(`jiffies);
    trace(&`f);
    tracemem(curthread, 32);
    tracemem(curthread, 32, pid);
    print(curthread);
    print(pid);
    print(*curthread);
    this->t = *curthread;
    trace(this->t.pid);
    copyoutstr("a", arg1, 2);
    copyout(this->p, arg1, 4);
}
