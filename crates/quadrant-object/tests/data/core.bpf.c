// One question of each kind about types that kernel.c has in another form.
#define SEC(name) __attribute__((section(name), used))
#define core __attribute__((preserve_access_index))
#include <bpf/bpf_core_read.h>
#undef offsetof

typedef unsigned int u32;
typedef unsigned long u64;

struct moved {
	int first;
	int second;
	char text[8];
	unsigned int bits : 3;
	unsigned int more : 5;
	struct {
		int inner;
	};
	void *pointer;
	int array[4];
	u32 grown;
} core;

struct moved___older {
	int gone;
	long first;
} core;

struct twice {
	int here;
} core;

struct missing {
	int member;
} core;

enum color { RED = 1, GREEN = 2, BLUE = 3 };
typedef int number_t;

u64 out[64];

SEC("raw_tp/x")
int ask(void *ctx)
{
	struct moved *moved = ctx;
	struct moved___older *older = ctx;
	struct twice *twice = ctx;
	struct missing *missing = ctx;

	out[0] = __builtin_preserve_field_info(moved->first, 0);
	out[1] = __builtin_preserve_field_info(moved->second, 0);
	out[2] = __builtin_preserve_field_info(moved->text, 1);
	out[3] = __builtin_preserve_field_info(moved->bits, 0);
	out[4] = __builtin_preserve_field_info(moved->more, 4);
	out[5] = __builtin_preserve_field_info(moved->more, 5);
	out[6] = __builtin_preserve_field_info(moved->inner, 0);
	out[7] = __builtin_preserve_field_info(moved->array[2], 0);
	out[8] = __builtin_preserve_field_info(moved->grown, 1);
	out[9] = __builtin_preserve_field_info(moved->first, 3);
	out[10] = __builtin_preserve_field_info(moved->grown, 3);
	out[11] = __builtin_preserve_field_info(older->gone, 2);
	out[12] = __builtin_preserve_field_info(older->first, 2);
	out[13] = __builtin_preserve_field_info(missing->member, 2);
	out[14] = __builtin_preserve_field_info(missing->member, 0);
	out[15] = bpf_core_type_exists(struct moved);
	out[16] = bpf_core_type_exists(struct missing);
	out[17] = bpf_core_type_size(struct moved);
	out[18] = bpf_core_type_id_kernel(struct moved) != 0;
	out[19] = bpf_core_enum_value(enum color, GREEN);
	out[20] = bpf_core_enum_value_exists(enum color, BLUE);
	out[21] = bpf_core_type_exists(number_t);
	out[22] = moved->grown;
	out[23] = (u64)moved->pointer;
	out[24] = __builtin_preserve_field_info(twice->here, 2);
	return 0;
}
