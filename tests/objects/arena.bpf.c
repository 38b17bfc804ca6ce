// Memory that programs ask for by the page: an arena.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define ARENA_POINTER __attribute__((address_space(1)))

char LICENSE[] SEC("license") = "GPL";

void ARENA_POINTER *bpf_arena_alloc_pages(void *map, void ARENA_POINTER *at, u32 pages, int node, u64 flags) __ksym;
void bpf_arena_free_pages(void *map, void ARENA_POINTER *at, u32 pages) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 3);
} pages SEC(".maps");

u64 entered, given;

SEC("uprobe.s")
int enter(void *ctx)
{
	void ARENA_POINTER *page = bpf_arena_alloc_pages(&pages, 0, 1, -1, 0);

	entered++;
	if (!page)
		return 0;
	given++;
	bpf_arena_free_pages(&pages, page, 1);
	return 0;
}
