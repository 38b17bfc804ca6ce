//! What the kernel says about any map.

/// The name of a `enum bpf_map_type`, as bpftool spells it.
pub fn map_kind_name(kind: u32) -> Option<&'static str> {
    MAP_KINDS.get(kind as usize).copied()
}

const MAP_KINDS: &[&str] = &[
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MapKind;

    #[test]
    fn names_are_in_their_places() {
        assert_eq!(map_kind_name(MapKind::LpmTrie as u32), Some("lpm_trie"));
        assert_eq!(map_kind_name(MapKind::RingBuffer as u32), Some("ringbuf"));
        assert_eq!(map_kind_name(MapKind::UserRingBuffer as u32), Some("user_ringbuf"));
        assert_eq!(map_kind_name(99), None);
    }
}
