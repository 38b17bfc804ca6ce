//! Maps: memory that programs and this process share.

mod array;
mod snapshot;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

pub use array::MappedArray;
pub use snapshot::Snapshot;

use crate::btf::Btf;
use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys::{self, Command};
use crate::{attr, cpus};

/// The kinds of map that tracing uses (`enum bpf_map_type`).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum MapKind {
    /// Any key.
    Hash = 1,
    /// Keys are the indexes 0 up to the capacity; every value exists, and starts as 0.
    Array = 2,
    /// Programs for tail calls.
    ProgArray = 3,
    /// Perf events, one a processor: the perf buffer.
    PerfEventArray = 4,
    /// [`MapKind::Hash`] with one value for each processor.
    PercpuHash = 5,
    /// [`MapKind::Array`] with one value for each processor.
    PercpuArray = 6,
    /// Stacks by their number, filled by a helper.
    StackTrace = 7,
    /// Control groups to compare with.
    CgroupArray = 8,
    /// A hash that drops the least recently used entry when full.
    LruHash = 9,
    /// [`MapKind::LruHash`] with one value for each processor.
    LruPercpuHash = 10,
    /// Longest prefix match.
    LpmTrie = 11,
    /// An array whose values are maps.
    ArrayOfMaps = 12,
    /// A hash whose values are maps.
    HashOfMaps = 13,
    /// Network devices, for programs of XDP.
    DevMap = 14,
    /// Sockets, by index.
    SockMap = 15,
    /// Processors, for programs of XDP.
    CpuMap = 16,
    /// Sockets of AF_XDP.
    XskMap = 17,
    /// Sockets, by any key.
    SockHash = 18,
    /// Sockets of a group that shares a port.
    ReuseportSockArray = 20,
    /// First in, first out.
    Queue = 22,
    /// Last in, first out.
    Stack = 23,
    /// A value for each socket, found without a search (Linux 5.2).
    SkStorage = 24,
    /// [`MapKind::DevMap`] by any key (Linux 5.4).
    DevMapHash = 25,
    /// Records in order, for this process to read (Linux 5.8).
    RingBuffer = 27,
    /// A value for each inode, found without a search (Linux 5.10).
    InodeStorage = 28,
    /// A value for each thread, found without a search (Linux 5.11); see [`Map::create_task_storage`]. This process
    /// looks values up by pidfd.
    TaskStorage = 29,
    /// A set that can say "surely not in it" (Linux 5.16).
    BloomFilter = 30,
    /// Records from this process to programs (Linux 6.1).
    UserRingBuffer = 31,
    /// A value for each control group, found without a search (Linux 6.2).
    CgroupStorage = 32,
    /// Memory that programs and this process share by address (Linux 6.9).
    Arena = 33,
}

/// All of them.
const KINDS: [MapKind; 30] = [
    MapKind::Hash,
    MapKind::Array,
    MapKind::ProgArray,
    MapKind::PerfEventArray,
    MapKind::PercpuHash,
    MapKind::PercpuArray,
    MapKind::StackTrace,
    MapKind::CgroupArray,
    MapKind::LruHash,
    MapKind::LruPercpuHash,
    MapKind::LpmTrie,
    MapKind::ArrayOfMaps,
    MapKind::HashOfMaps,
    MapKind::DevMap,
    MapKind::SockMap,
    MapKind::CpuMap,
    MapKind::XskMap,
    MapKind::SockHash,
    MapKind::ReuseportSockArray,
    MapKind::Queue,
    MapKind::Stack,
    MapKind::SkStorage,
    MapKind::DevMapHash,
    MapKind::RingBuffer,
    MapKind::InodeStorage,
    MapKind::TaskStorage,
    MapKind::BloomFilter,
    MapKind::UserRingBuffer,
    MapKind::CgroupStorage,
    MapKind::Arena,
];

impl MapKind {
    /// The kind of that number.
    pub fn from_number(number: u32) -> Option<MapKind> {
        KINDS.into_iter().find(|kind| *kind as u32 == number)
    }

    /// Whether a map's values belong to objects of the kernel: it has no capacity, and must have types.
    pub const fn is_storage(self) -> bool {
        use MapKind::*;
        matches!(self, SkStorage | InodeStorage | TaskStorage | CgroupStorage)
    }

    /// Whether each key has one value for each possible processor.
    pub const fn is_percpu(self) -> bool {
        matches!(self, MapKind::PercpuHash | MapKind::PercpuArray | MapKind::LruPercpuHash)
    }
}

/// Flags of a map's creation (linux/bpf.h).
pub mod flags {
    /// Take the memory of an entry when it comes, not all at creation.
    pub const NO_PREALLOC: u32 = 1 << 0;
    /// A stack map whose frames are build ids and offsets.
    pub const STACK_BUILD_ID: u32 = 1 << 5;
    /// Programs may only read it.
    pub const RDONLY_PROG: u32 = 1 << 7;
    /// An array that can be mapped: [`super::MappedArray`].
    pub const MMAPABLE: u32 = 1 << 10;
}

/// What an update does when the key exists or not.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Update {
    /// Create or replace.
    Any = 0,
    /// Create; EEXIST otherwise.
    Create = 1,
    /// Replace; ENOENT otherwise.
    Replace = 2,
}

/// A map to create.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapSpec {
    /// The kind.
    pub kind: MapKind,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value (of one processor's value, for per-CPU kinds).
    pub value_size: u32,
    /// Capacity in entries; for ring buffers, bytes (a power of two and a multiple of the page size).
    pub max_entries: u32,
    /// From [`flags`].
    pub flags: u32,
    /// For people who list maps; the kernel keeps 15 characters.
    pub name: String,
}

impl MapSpec {
    /// A map with no flags and no name.
    pub fn new(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
        MapSpec { kind, key_size, value_size, max_entries, flags: 0, name: String::new() }
    }

    /// The same map with those flags.
    pub fn with_flags(self, flags: u32) -> MapSpec {
        MapSpec { flags, ..self }
    }

    /// The same map with that name.
    pub fn with_name(self, name: impl Into<String>) -> MapSpec {
        MapSpec { name: name.into(), ..self }
    }
}

/// What the kernel may be told about a map besides its [`MapSpec`].
#[derive(Copy, Clone, Debug, Default)]
pub struct MapDetails<'a> {
    /// Loaded type information, and the ids of key and value in it.
    pub types: Option<(BorrowedFd<'a>, u32, u32)>,
    /// What its maps are like, for maps of maps.
    pub inner: Option<&'a Map>,
    /// The memory node that it shall be on.
    pub numa_node: Option<u32>,
    /// What it means depends on the kind.
    pub extra: u64,
}

/// A map of the kernel; it lives as long as this descriptor or a program that uses it.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    spec: MapSpec,
    stride: usize,
}

/// What the kernel says about a map.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct MapInfo {
    /// The kernel's number for it.
    pub id: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Capacity, as the kernel rounded it.
    pub max_entries: u32,
    /// The flags of its creation.
    pub flags: u32,
}

/// Making maps.
impl Map {
    /// Creates a map.
    pub fn create(spec: &MapSpec) -> Result<Map> {
        Map::create_from(spec, attr::MapCreate::default())
    }

    /// Creates a map whose values are maps like `inner`.
    pub fn create_of_maps(spec: &MapSpec, inner: &Map) -> Result<Map> {
        let inner_map_fd = inner.fd.as_raw_fd() as u32;
        Map::create_from(spec, attr::MapCreate { inner_map_fd, ..Default::default() })
    }

    /// Creates a map with details.
    pub fn create_with(spec: &MapSpec, details: &MapDetails<'_>) -> Result<Map> {
        const NUMA_NODE: u32 = 1 << 2;
        let (types, key, value) = details.types.map_or((0, 0, 0), |(fd, key, value)| (fd.as_raw_fd(), key, value));
        let base = attr::MapCreate {
            btf_fd: types as u32,
            btf_key_type_id: key,
            btf_value_type_id: value,
            inner_map_fd: details.inner.map_or(0, |inner| inner.fd.as_raw_fd() as u32),
            numa_node: details.numa_node.unwrap_or(0),
            map_extra: details.extra,
            ..Default::default()
        };
        let node = if details.numa_node.is_some() { NUMA_NODE } else { 0 };
        Map::create_from(&spec.clone().with_flags(spec.flags | node), base)
    }

    /// The map behind a descriptor, such as that of a pin.
    ///
    /// # Errors
    /// The kernel says that it is not as `spec` has it.
    pub fn adopt(fd: OwnedFd, spec: &MapSpec) -> Result<Map> {
        let map = Map { fd, spec: spec.clone(), stride: stride(spec)? };
        let attr::MapInfo { kind, key_size, value_size, .. } = map.raw_info()?;
        if (kind, key_size, value_size) == (spec.kind as u32, spec.key_size, spec.value_size) {
            return Ok(map);
        }
        let why = format!("it is of kind {kind}, with keys of {key_size} and values of {value_size} bytes");
        Err(Error::new(format!("cannot use the existing map {:?}", spec.name), why))
    }

    /// Creates a map of values that belong to threads. The kernel wants types for it: an int as key, and a structure as
    /// value.
    pub fn create_task_storage(spec: &MapSpec) -> Result<Map> {
        let mut types = Btf::new();
        let key = types.int("int", 4, true);
        let value = types.structure("value", spec.value_size);
        let types = types.load()?;
        let base = attr::MapCreate {
            btf_fd: types.as_raw_fd() as u32,
            btf_key_type_id: key,
            btf_value_type_id: value,
            ..Default::default()
        };
        let spec = MapSpec { kind: MapKind::TaskStorage, key_size: 4, max_entries: 0, ..spec.clone() };
        Map::create_from(&spec.with_flags(flags::NO_PREALLOC), base)
    }

    fn create_from(spec: &MapSpec, base: attr::MapCreate) -> Result<Map> {
        let mut request = attr::MapCreate {
            map_type: spec.kind as u32,
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            map_flags: spec.flags,
            map_name: attr::name(&spec.name),
            ..base
        };
        let stride = stride(spec)?;
        let fd = sys::bpf_fd(Command::MapCreate, &mut request).map_err(|errno| cannot_create(spec, errno))?;
        Ok(Map { fd, spec: spec.clone(), stride })
    }
}

/// Bytes that a lookup gives: per-CPU values are padded to 8 and follow each other, one for each possible processor.
fn stride(spec: &MapSpec) -> Result<usize> {
    let size = spec.value_size as usize;
    Ok(if spec.kind.is_percpu() { size.next_multiple_of(8) * cpus::possible_count()? } else { size })
}

fn cannot_create(spec: &MapSpec, errno: Errno) -> Error {
    let what = format!(
        "cannot create map {:?} ({:?}, key {} bytes, value {} bytes, {} entries)",
        spec.name, spec.kind, spec.key_size, spec.value_size, spec.max_entries
    );
    Error::os(what, Operation::Create, errno)
}

/// About a map.
impl Map {
    /// What it was created as.
    pub fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// Bytes of a value as this process sees it: for per-CPU kinds, the values of all possible processors, each padded
    /// to 8 bytes.
    pub fn value_len(&self) -> usize {
        self.stride
    }

    /// The number by which programs name the map when they are loaded.
    pub fn raw_fd(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// What the kernel says about it.
    pub fn info(&self) -> Result<MapInfo> {
        let attr::MapInfo { id, key_size, value_size, max_entries, map_flags: flags, .. } = self.raw_info()?;
        Ok(MapInfo { id, key_size, value_size, max_entries, flags })
    }

    fn raw_info(&self) -> Result<attr::MapInfo> {
        let mut info = [attr::MapInfo::default()];
        let mut request = attr::InfoByFd {
            bpf_fd: self.fd.as_raw_fd() as u32,
            info_len: size_of::<attr::MapInfo>() as u32,
            info: sys::address_mut(&mut info),
        };
        sys::bpf(Command::InfoByFd, &mut request).map_err(|errno| self.failed("describe", errno))?;
        let [info] = info;
        Ok(info)
    }

    /// Bytes of kernel memory that it takes now, as the kernel accounts them; `None` where it does not say.
    pub fn memory(&self) -> Option<u64> {
        memory(self.as_fd())
    }

    /// Closes the map for updates by this process and others; programs may still write.
    pub fn freeze(&self) -> Result<()> {
        self.element(Command::MapFreeze, 0, 0, 0).map_err(|errno| self.failed("freeze", errno))
    }
}

/// The same of any map's descriptor.
pub fn memory(map: BorrowedFd<'_>) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", map.as_raw_fd())).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("memlock:"))?;
    value.trim().parse().ok()
}

/// Entries.
impl Map {
    /// Copies the value of `key` into `value` ([`Map::value_len`] bytes); false if there is none.
    pub fn lookup(&self, key: &[u8], value: &mut [u8]) -> Result<bool> {
        self.check_key(key)?;
        self.check_value(value.len())?;
        let answer = self.element(Command::MapLookup, sys::address(key), sys::address_mut(value), 0);
        found(answer).map_err(|errno| self.failed("look up in", errno))
    }

    /// Sets the value of `key` to `value` ([`Map::value_len`] bytes).
    pub fn update(&self, key: &[u8], value: &[u8], how: Update) -> Result<()> {
        self.check_key(key)?;
        self.check_value(value.len())?;
        let answer = self.element(Command::MapUpdate, sys::address(key), sys::address(value), how as u64);
        answer.map_err(|errno| self.failed("update", errno))
    }

    /// Puts the object behind a descriptor (a map, a program or a perf event, as the kind wants) at `key`.
    pub fn update_fd(&self, key: &[u8], object: BorrowedFd<'_>) -> Result<()> {
        self.update(key, &object.as_raw_fd().to_ne_bytes(), Update::Any)
    }

    /// Removes `key`; false if there is none.
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        self.check_key(key)?;
        let answer = self.element(Command::MapDelete, sys::address(key), 0, 0);
        found(answer).map_err(|errno| self.failed("delete from", errno))
    }

    /// Copies the key that follows `key` (the first one, for `None`) into `next`; false at the end.
    pub fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool> {
        key.map_or(Ok(()), |key| self.check_key(key))?;
        self.check_key(next)?;
        let key = key.map_or(0, sys::address);
        let answer = self.element(Command::MapNextKey, key, sys::address_mut(next), 0);
        found(answer).map_err(|errno| self.failed("walk", errno))
    }

    fn element(&self, command: Command, key: u64, value: u64, flags: u64) -> std::result::Result<(), Errno> {
        let mut request = attr::MapElem { map_fd: self.fd.as_raw_fd() as u32, _pad: 0, key, value, flags };
        sys::bpf(command, &mut request).map(drop)
    }

    /// The kernel reads as many bytes as the map's key has, so a shorter slice must not reach it.
    fn check_key(&self, key: &[u8]) -> Result<()> {
        self.check_size("a key", key.len(), self.spec.key_size as usize)
    }

    fn check_value(&self, len: usize) -> Result<()> {
        self.check_size("a value", len, self.stride)
    }

    fn check_size(&self, what: &str, given: usize, wanted: usize) -> Result<()> {
        if given == wanted {
            return Ok(());
        }
        Err(Error::new(
            format!("cannot use map {:?}", self.spec.name),
            format!("{what} has {wanted} bytes, not {given}"),
        ))
    }

    fn failed(&self, verb: &str, errno: Errno) -> Error {
        let what = format!("cannot {verb} map {:?}", self.spec.name);
        match errno.number() {
            libc::E2BIG | libc::ENOSPC => Error::os(what, Operation::Map, errno).because("it is full"),
            _ => Error::os(what, Operation::Map, errno),
        }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn found(answer: std::result::Result<(), Errno>) -> std::result::Result<bool, Errno> {
    match answer {
        Ok(()) => Ok(true),
        Err(errno) if errno.is(libc::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}
