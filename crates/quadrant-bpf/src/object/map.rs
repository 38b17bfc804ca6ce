//! What the kernel says about any map.

use std::os::fd::BorrowedFd;

use super::{describe, until_nul};
use crate::attr;
use crate::error::Result;
use crate::map::{MapKind, MapSpec};

/// A map, whoever made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapObject {
    /// The kernel's number.
    pub id: u32,
    /// `enum bpf_map_type`; see [`map_kind_name`].
    pub kind: u32,
    /// At most 15 bytes, chosen by who made it.
    pub name: Vec<u8>,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value (of one processor's value, for per-CPU kinds).
    pub value_size: u32,
    /// Capacity in entries; of ring buffers, in bytes.
    pub max_entries: u32,
    /// The flags of its creation ([`crate::map::flags`]).
    pub flags: u32,
    /// The object that holds its types; 0 if it has none.
    pub btf_id: u32,
    /// The key's type there; 0 if it has none, as data sections.
    pub key_type: u32,
    /// The value's type there.
    pub value_type: u32,
}

impl MapObject {
    /// What the kernel says about an open map.
    pub fn of(fd: BorrowedFd<'_>) -> Result<MapObject> {
        let mut info = attr::MapInfo::default();
        describe(fd, &mut info, "map")?;
        Ok(MapObject {
            id: info.id,
            kind: info.kind,
            name: until_nul(&info.name),
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            flags: info.map_flags,
            btf_id: info.btf_id,
            key_type: info.btf_key_type_id,
            value_type: info.btf_value_type_id,
        })
    }

    /// What it was created as; `None` for kinds that tracing does not use.
    pub fn spec(&self) -> Option<MapSpec> {
        let kind = MapKind::from_number(self.kind)?;
        let spec = MapSpec::new(kind, self.key_size, self.value_size, self.max_entries);
        Some(spec.with_flags(self.flags).with_name(String::from_utf8_lossy(&self.name)))
    }
}

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
