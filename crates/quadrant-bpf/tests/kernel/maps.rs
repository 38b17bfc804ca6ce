//! Maps of the common kinds.

use quadrant_bpf::features::Features;
use quadrant_bpf::insn::{Insn, Reg};
use quadrant_bpf::map::{Map, MapKind, MapSpec, MappedArray, Update, flags};
use quadrant_bpf::prog::ProgramKind;

use crate::common::{load_insns, need, need_root};

#[test]
fn hash_entries_come_and_go() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::Hash, 4, 8, 16).with_flags(flags::NO_PREALLOC)).unwrap();
    let (key, mut value) = (7u32.to_ne_bytes(), [0; 8]);
    assert!(!map.lookup(&key, &mut value).unwrap());
    map.update(&key, &5u64.to_ne_bytes(), Update::Create).unwrap();
    assert!(map.update(&key, &6u64.to_ne_bytes(), Update::Create).unwrap_err().is(libc::EEXIST));
    assert!(map.lookup(&key, &mut value).unwrap());
    assert_eq!(u64::from_ne_bytes(value), 5);
    assert!(map.delete(&key).unwrap());
    assert!(!map.delete(&key).unwrap());
}

#[test]
fn wrong_sizes_never_reach_the_kernel() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::Hash, 4, 8, 16)).unwrap();
    assert!(map.lookup(&[0; 3], &mut [0; 8]).is_err());
    assert!(map.lookup(&[0; 4], &mut [0; 7]).is_err());
    assert!(map.update(&[0; 4], &[0; 16], Update::Any).is_err());
    assert!(map.next_key(None, &mut [0; 5]).is_err());
}

#[test]
fn snapshots_have_every_entry_once() {
    need_root!();
    for kind in [MapKind::Hash, MapKind::PercpuHash, MapKind::LruHash] {
        let map = Map::create(&MapSpec::new(kind, 4, 8, 20_000)).unwrap();
        let mut value = vec![0; map.value_len()];
        for key in 0..10_000u32 {
            value[..8].copy_from_slice(&u64::from(key * 3).to_ne_bytes());
            map.update(&key.to_ne_bytes(), &value, Update::Any).unwrap();
        }
        let snapshot = map.snapshot().unwrap();
        let mut keys: Vec<u32> = snapshot.iter().map(|(key, _)| u32::from_ne_bytes(key.try_into().unwrap())).collect();
        keys.sort_unstable();
        assert!(keys.iter().copied().eq(0..10_000), "{kind:?}");
        assert_eq!(map.drain().unwrap().len(), 10_000, "{kind:?}");
        assert!(map.snapshot().unwrap().is_empty(), "{kind:?}");
    }
}

#[test]
fn arrays_are_memory() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::Array, 4, 8, 3).with_flags(flags::MMAPABLE)).unwrap();
    let memory = MappedArray::new(&map).unwrap();
    assert_eq!(memory.len(), 24);
    map.update(&1u32.to_ne_bytes(), &9u64.to_ne_bytes(), Update::Any).unwrap();
    assert_eq!(memory.read_u64(8).unwrap(), 9);
    memory.write_bytes(3, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]).unwrap();
    assert_eq!(memory.read_bytes(2, 16).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0]);
    memory.zero(0, 24).unwrap();
    assert_eq!(memory.read_bytes(0, 24).unwrap(), [0; 24]);
    assert!(memory.read_u64(24).is_err() && memory.read_u64(4).is_err() && memory.read_bytes(20, 5).is_err());
    assert_eq!(map.snapshot().unwrap().len(), 3);
}

#[test]
fn percpu_values_come_for_every_processor() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::PercpuArray, 4, 4, 2)).unwrap();
    let cpus = quadrant_bpf::cpus::possible_count().unwrap();
    assert_eq!(map.value_len(), 8 * cpus);
    let mut value = vec![0; map.value_len()];
    value[..4].copy_from_slice(&7u32.to_ne_bytes());
    map.update(&1u32.to_ne_bytes(), &value, Update::Any).unwrap();
    let snapshot = map.snapshot().unwrap();
    assert_eq!(snapshot.len(), 2);
    assert_eq!(snapshot.get(1), Some((&1u32.to_ne_bytes()[..], &value[..])));
    assert_eq!(snapshot.get(2), None);
}

#[test]
fn stack_maps_are_walked_without_batches() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::StackTrace, 4, 8 * 16, 64)).unwrap();
    assert!(map.snapshot().unwrap().is_empty());
}

#[test]
fn a_map_says_what_it_is() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::Hash, 4, 8, 16).with_name("a name")).unwrap();
    let info = map.info().unwrap();
    assert_eq!((info.key_size, info.value_size, info.max_entries), (4, 8, 16));
    map.freeze().unwrap();
    assert!(map.update(&[0; 4], &[0; 8], Update::Any).unwrap_err().is(libc::EPERM));
    let error = Map::create(&MapSpec::new(MapKind::Array, 8, 8, 1).with_name("bad")).unwrap_err();
    assert!(error.is(libc::EINVAL) && error.to_string().contains("\"bad\""), "{error}");
}

#[test]
fn a_full_hash_says_so() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::Hash, 4, 8, 1)).unwrap();
    map.update(&[0; 4], &[0; 8], Update::Any).unwrap();
    let error = map.update(&[1; 4], &[0; 8], Update::Any).unwrap_err();
    assert!(error.is(libc::E2BIG) && error.why() == "it is full", "{error}");
}

#[test]
fn maps_hold_maps() {
    need_root!();
    let inner = Map::create(&MapSpec::new(MapKind::Hash, 4, 8, 16)).unwrap();
    let outer = Map::create_of_maps(&MapSpec::new(MapKind::ArrayOfMaps, 4, 4, 2), &inner).unwrap();
    outer.update_fd(&0u32.to_ne_bytes(), std::os::fd::AsFd::as_fd(&inner)).unwrap();
    let mut id = [0; 4];
    assert!(outer.lookup(&0u32.to_ne_bytes(), &mut id).unwrap());
    assert_eq!(u32::from_ne_bytes(id), inner.info().unwrap().id);
}

#[test]
fn programs_in_a_map_are_listed() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::ProgArray, 4, 4, 4)).unwrap();
    let program = load_insns(ProgramKind::Tracepoint, &[Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    map.update_fd(&2u32.to_ne_bytes(), std::os::fd::AsFd::as_fd(&program)).unwrap();
    let (snapshot, id) = (map.snapshot().unwrap(), program.info().unwrap().id);
    let entries: Vec<(&[u8], &[u8])> = snapshot.iter().collect();
    assert_eq!(entries, [(&2u32.to_ne_bytes()[..], &id.to_ne_bytes()[..])]);
}

#[test]
fn a_map_of_threads_has_the_size_of_its_values() {
    need_root!();
    need!(Features::new().task_storage(), "this kernel has no task storage (Linux 5.11)");
    let storage = Map::create_task_storage(&MapSpec::new(MapKind::TaskStorage, 4, 24, 0)).unwrap();
    assert_eq!(storage.value_len(), 24);
}
