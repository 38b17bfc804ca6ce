//! All entries of a map at once, in two buffers.

use std::os::fd::AsRawFd;

use super::{Map, MapKind};
use crate::errno::Errno;
use crate::error::Result;
use crate::sys::{self, Command};
use crate::{attr, errno};

/// Copied entries of a map: all keys in one buffer, all values in another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    key_len: usize,
    value_len: usize,
    keys: Vec<u8>,
    values: Vec<u8>,
}

impl Snapshot {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.keys.len() / self.key_len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys with their values ([`Map::value_len`] bytes each), in the kernel's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.keys.chunks_exact(self.key_len).zip(self.values.chunks_exact(self.value_len))
    }

    /// The entry at that place.
    pub fn get(&self, place: usize) -> Option<(&[u8], &[u8])> {
        self.iter().nth(place)
    }

    fn of(map: &Map) -> Snapshot {
        Snapshot {
            key_len: (map.spec.key_size as usize).max(1),
            value_len: map.stride.max(1),
            keys: Vec::new(),
            values: Vec::new(),
        }
    }
}

/// Whether entries stay in the map.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Take {
    Copy,
    Remove,
}

/// Entries asked for with one system call, unless a hash bucket is longer than this.
const BATCH: usize = 4096;

/// The first batch asks for no more than this many bytes of values, and the next ones for more and more: most maps have few entries, and
/// memory that is never filled takes longer than all the rest.
const FIRST_BYTES: usize = 32 << 10;

/// A batch asks for no more than this many bytes of values, so that per-CPU maps do not need huge buffers.
const BATCH_BYTES: usize = 4 << 20;

/// How often a walk key by key may start again, counted in whole walks.
const WALKS: u64 = 4;

impl Map {
    /// A copy of all entries.
    ///
    /// Programs may write meanwhile: an entry that comes or goes during the copy may or may not be in it; none is in it
    /// twice.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.collect(Take::Copy)
    }

    /// Takes all entries out of a hash. What a program adds, through a pointer it already holds, to an entry that is
    /// being removed may be in neither the result nor the map; who cannot afford that drains a map that no program uses
    /// any more.
    pub fn drain(&self) -> Result<Snapshot> {
        self.collect(Take::Remove)
    }

    fn collect(&self, take: Take) -> Result<Snapshot> {
        match self.collect_batches(take) {
            Err(errno) if cannot_batch(errno) => self.collect_one_by_one(take),
            answer => answer.map_err(|errno| self.failed("copy", errno)),
        }
    }

    fn collect_batches(&self, take: Take) -> std::result::Result<Snapshot, Errno> {
        let mut batch = Batch::new(self, take);
        let mut snapshot = Snapshot::of(self);
        while batch.next(self, &mut snapshot)? {}
        Ok(snapshot)
    }

    /// For kernels and kinds without batches (before Linux 5.6).
    fn collect_one_by_one(&self, take: Take) -> Result<Snapshot> {
        let mut snapshot = Snapshot::of(self);
        let mut value = vec![0; self.stride];
        for key in self.all_keys()?.chunks_exact(snapshot.key_len) {
            if self.lookup(key, &mut value)? {
                snapshot.keys.extend_from_slice(key);
                snapshot.values.extend_from_slice(&value);
            }
            if take == Take::Remove {
                self.delete(key)?;
            }
        }
        Ok(snapshot)
    }

    /// Every key once, one after another. The kernel starts again at the first key when the last one given was deleted
    /// meanwhile, so the walk ends after some times as many keys as the map can hold, and doubles are removed.
    fn all_keys(&self) -> Result<Vec<u8>> {
        let size = (self.spec.key_size as usize).max(1);
        let mut keys = Vec::new();
        let mut next = vec![0; self.spec.key_size as usize];
        let mut last: Option<Vec<u8>> = None;
        for _ in 0..WALKS * u64::from(self.spec.max_entries) {
            if !self.next_key(last.as_deref(), &mut next)? {
                break;
            }
            keys.extend_from_slice(&next);
            last.get_or_insert_default().clone_from(&next);
        }
        Ok(without_doubles(&keys, size))
    }
}

fn without_doubles(keys: &[u8], size: usize) -> Vec<u8> {
    let mut sorted: Vec<&[u8]> = keys.chunks_exact(size).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.concat()
}

fn cannot_batch(errno: Errno) -> bool {
    errno == errno::ENOTSUPP || errno.is(libc::EINVAL) || errno.is(libc::EOPNOTSUPP)
}

/// A walk in batches.
struct Batch {
    command: Command,
    /// Where the kernel goes on: a bucket number for hashes, a key for others.
    position: Vec<u8>,
    next_position: Vec<u8>,
    started: bool,
    /// How many are asked for now, and at most.
    entries: usize,
    most: usize,
}

impl Batch {
    fn new(map: &Map, take: Take) -> Batch {
        let command = match take {
            Take::Copy => Command::MapLookupBatch,
            Take::Remove => Command::MapLookupAndDeleteBatch,
        };
        let token = (map.spec.key_size as usize).max(8);
        let fitting = BATCH_BYTES / map.stride.max(1);
        let most = (map.spec.max_entries as usize).min(BATCH).min(fitting).max(1);
        let entries = (FIRST_BYTES / map.stride.max(1)).clamp(1, most);
        Batch { command, position: vec![0; token], next_position: vec![0; token], started: false, entries, most }
    }

    /// Appends the next entries; false at the end.
    fn next(&mut self, map: &Map, snapshot: &mut Snapshot) -> std::result::Result<bool, Errno> {
        let (answer, count) = self.ask(map, snapshot);
        let ended = match answer {
            Ok(()) => false,
            Err(errno) if errno.is(libc::ENOENT) => true,
            Err(errno) if errno.is(libc::ENOSPC) && self.entries < 2 * map.spec.max_entries as usize => {
                self.entries *= 2;
                return Ok(true);
            }
            Err(errno) => return Err(errno),
        };
        std::mem::swap(&mut self.position, &mut self.next_position);
        self.started = true;
        self.entries = self.entries.max((2 * self.entries).min(self.most));
        Ok(!ended && count > 0)
    }

    /// One system call that writes behind the entries already there.
    fn ask(&mut self, map: &Map, snapshot: &mut Snapshot) -> (std::result::Result<(), Errno>, usize) {
        let (key_len, value_len) = (snapshot.key_len, snapshot.value_len);
        let (keys_before, values_before) = (snapshot.keys.len(), snapshot.values.len());
        snapshot.keys.resize(keys_before + self.entries * key_len, 0);
        snapshot.values.resize(values_before + self.entries * value_len, 0);
        let mut request = attr::MapBatch {
            in_batch: if self.started { sys::address(&self.position) } else { 0 },
            out_batch: sys::address_mut(&mut self.next_position),
            keys: sys::address_mut(&mut snapshot.keys[keys_before..]),
            values: sys::address_mut(&mut snapshot.values[values_before..]),
            count: self.entries as u32,
            map_fd: map.fd.as_raw_fd() as u32,
            ..Default::default()
        };
        let answer = sys::bpf(self.command, &mut request).map(drop);
        let count = filled(&answer, request.count as usize, self.entries);
        snapshot.keys.truncate(keys_before + count * key_len);
        snapshot.values.truncate(values_before + count * value_len);
        (answer, count)
    }
}

/// How many entries an answer brought: the kernel sets the count with success and at the end, and leaves it alone with
/// other errors.
fn filled(answer: &std::result::Result<(), Errno>, count: usize, asked: usize) -> usize {
    match answer {
        Ok(()) => count.min(asked),
        Err(errno) if errno.is(libc::ENOENT) => count.min(asked),
        Err(_) => 0,
    }
}

/// Whether a map of that kind can be walked at all.
impl MapKind {
    /// Whether [`Map::snapshot`] works for it.
    pub const fn has_entries(self) -> bool {
        matches!(
            self,
            MapKind::Hash
                | MapKind::Array
                | MapKind::PercpuHash
                | MapKind::PercpuArray
                | MapKind::LruHash
                | MapKind::LruPercpuHash
                | MapKind::LpmTrie
                | MapKind::StackTrace
                | MapKind::ProgArray
                | MapKind::ArrayOfMaps
                | MapKind::HashOfMaps
        )
    }
}
