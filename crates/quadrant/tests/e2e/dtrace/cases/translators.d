#pragma D option quiet

struct wide { int64_t id; string label; };
typedef struct other { short twice; } other_t;

translator struct wide < struct task_struct *T > {
	id = T->tgid * 2;
	label = T->comm;
};

translator other_t < int N > {
	twice = N * 2;
};

inline struct wide *current = xlate <struct wide *> (curthread);

BEGIN
{
	printf("%d %s\n", current->id == 2 * $pid, current->label);
	printf("%s %d\n", xlate <struct wide> (curthread).label, xlate <other_t> (21).twice);
	exit(0);
}
