/* Processors. */

typedef struct cpuinfo {
	processorid_t cpu_id;
	int cpu_pset;
} cpuinfo_t;

translator cpuinfo_t < struct task_struct *T > {
	cpu_id = T->thread_info.cpu;
	cpu_id = T->cpu;
	cpu_pset = 0;
};

inline cpuinfo_t *curcpu = xlate <cpuinfo_t *> (curthread);

inline int pset = 0;
