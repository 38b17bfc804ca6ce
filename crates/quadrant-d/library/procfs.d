/*
 * Processes and threads. Both are a struct task_struct: that of its first thread stands for a process.
 *
 * A member may be given several times: the first way that the running kernel's types know counts.
 */

inline int SSLEEP = 1;
inline int SRUN = 2;
inline int SZOMB = 3;
inline int SSTOP = 4;
inline int SIDL = 5;
inline int SONPROC = 6;
inline int SWAIT = 7;

inline int PR_STOPPED = 0x00000001;
inline int PR_ISTOP = 0x00000002;
inline int PR_DSTOP = 0x00000004;
inline int PR_ASLEEP = 0x00000010;
inline int PR_PCINVAL = 0x00000020;
inline int PR_ASLWP = 0x00000040;
inline int PR_AGENT = 0x00000080;
inline int PR_DETACH = 0x00000100;
inline int PR_DAEMON = 0x00000200;
inline int PR_ISSYS = 0x00001000;
inline int PR_VFORKP = 0x00002000;
inline int PR_ORPHAN = 0x00004000;
inline int PR_FORK = 0x00100000;
inline int PR_RLC = 0x00200000;
inline int PR_KLC = 0x00400000;
inline int PR_ASYNC = 0x00800000;
inline int PR_PTRACE = 0x01000000;
inline int PR_MSACCT = 0x02000000;
inline int PR_BPTADJ = 0x04000000;

inline char PR_MODEL_UNKNOWN = 0;
inline char PR_MODEL_ILP32 = 1;
inline char PR_MODEL_LP64 = 2;

typedef struct psinfo {
	int pr_nlwp;
	pid_t pr_pid;
	pid_t pr_ppid;
	pid_t pr_pgid;
	pid_t pr_sid;
	uid_t pr_uid;
	uid_t pr_euid;
	gid_t pr_gid;
	gid_t pr_egid;
	uintptr_t pr_addr;
	uint64_t pr_size;
	int pr_ttydev;
	uint64_t pr_start;
	string pr_fname;
	string pr_psargs;
	uint64_t pr_arglen;
	int pr_wstat;
	uintptr_t pr_argv;
	uintptr_t pr_envp;
	char pr_dmodel;
	int pr_taskid;
	int pr_projid;
	int pr_poolid;
	int pr_zoneid;
	int pr_contract;
} psinfo_t;

translator psinfo_t < struct task_struct *T > {
	pr_nlwp = T->signal->nr_threads;
	pr_pid = T->tgid;
	pr_ppid = T->real_parent->tgid;
	pr_pgid = T->signal->pids[2]->numbers[0].nr;
	pr_sid = T->signal->pids[3]->numbers[0].nr;
	pr_uid = T->cred->uid.val;
	pr_euid = T->cred->euid.val;
	pr_gid = T->cred->gid.val;
	pr_egid = T->cred->egid.val;
	pr_addr = (uintptr_t)T;
	pr_size = T->mm != 0 ? T->mm->total_vm * 4 : 0;
	pr_ttydev = T->signal->tty != 0 ?
	    (T->signal->tty->driver->major << 20) | (T->signal->tty->driver->minor_start + T->signal->tty->index) : -1;
	pr_start = T->group_leader->start_boottime;
	pr_start = T->group_leader->real_start_time;
	pr_fname = stringof(T->group_leader->comm);
	/* Arguments are in the memory of the process, of which only the running one's can be read. */
	pr_psargs = T->mm != 0 && (T->tgid == pid || T == curthread) ?
	    __joined(T->mm->arg_start, T->mm->arg_end - T->mm->arg_start) : stringof(T->group_leader->comm);
	pr_arglen = T->mm != 0 ? T->mm->arg_end - T->mm->arg_start : 0;
	pr_wstat = T->exit_code;
	pr_argv = T->mm != 0 ? T->mm->arg_start : 0;
	pr_envp = T->mm != 0 ? T->mm->env_start : 0;
	pr_dmodel = T->mm != 0 && (T->thread_info.flags & 0x20000000) != 0 ? PR_MODEL_ILP32 : PR_MODEL_LP64;
	pr_taskid = 0;
	pr_projid = 0;
	pr_poolid = 0;
	pr_zoneid = 0;
	pr_contract = 0;
};

typedef struct lwpsinfo {
	int pr_flag;
	id_t pr_lwpid;
	uintptr_t pr_addr;
	uintptr_t pr_wchan;
	char pr_stype;
	char pr_state;
	char pr_sname;
	char pr_nice;
	short pr_syscall;
	char pr_oldpri;
	char pr_cpu;
	int pr_pri;
	string pr_clname;
	string pr_name;
	processorid_t pr_onpro;
	processorid_t pr_bindpro;
	int pr_bindpset;
	int pr_lgrp;
} lwpsinfo_t;

translator lwpsinfo_t < struct task_struct *T > {
	pr_flag = ((T->flags & 0x00200000) != 0 ? PR_ISSYS : 0) | (T->ptrace != 0 ? PR_PTRACE : 0);
	pr_lwpid = T->pid;
	pr_addr = (uintptr_t)T;
	pr_wchan = 0;
	pr_stype = 0;
	pr_state = T->exit_state != 0 ? SZOMB : T->__state == 0 ? (T->on_cpu != 0 ? SONPROC : SRUN) :
	    (T->__state & 0xc) != 0 ? SSTOP : SSLEEP;
	pr_state = T->exit_state != 0 ? SZOMB : T->state == 0 ? (T->on_cpu != 0 ? SONPROC : SRUN) :
	    (T->state & 0xc) != 0 ? SSTOP : SSLEEP;
	pr_sname = T->exit_state != 0 ? 'Z' : T->__state == 0 ? (T->on_cpu != 0 ? 'O' : 'R') :
	    (T->__state & 0xc) != 0 ? 'T' : 'S';
	pr_sname = T->exit_state != 0 ? 'Z' : T->state == 0 ? (T->on_cpu != 0 ? 'O' : 'R') :
	    (T->state & 0xc) != 0 ? 'T' : 'S';
	pr_nice = T->static_prio - 120;
	/* Registers of the process are saved at the end of the thread's stack in the kernel, which has four pages. */
	pr_syscall = T->mm != 0 ? ((struct pt_regs *)((uint64_t)T->stack + 16384) - 1)->orig_ax : 0;
	pr_oldpri = 0;
	pr_cpu = 0;
	pr_pri = T->prio;
	pr_clname = T->policy == 1 || T->policy == 2 ? "RT" : T->policy == 6 ? "DL" : T->policy == 5 ? "IDLE" : "TS";
	pr_name = stringof(T->comm);
	pr_onpro = T->thread_info.cpu;
	pr_onpro = T->cpu;
	pr_bindpro = T->nr_cpus_allowed == 1 ? (processorid_t)T->wake_cpu : -1;
	pr_bindpset = -1;
	pr_lgrp = 0;
};

inline psinfo_t *curpsinfo = xlate <psinfo_t *> (curthread);
inline lwpsinfo_t *curlwpsinfo = xlate <lwpsinfo_t *> (curthread);

inline string cwd = d_path(&curthread->fs->pwd);
inline string root = d_path(&curthread->fs->root);
