//! What a process mapped at one moment, with the files held open.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::maps::{self, Backing, Inode, MappedFile, Mapping, Origin};
use crate::blob::Blob;
use crate::error::errno_name;
use crate::frame::Missing;
use crate::open;
use crate::pins::{FileId, Pins};
use crate::warnings::Warnings;

/// A longer `/proc/PID/maps` is cut.
const MAX_MAPS: u64 = 256 << 20;
/// The vdso has two pages.
const MAX_VDSO: u64 = 1 << 20;

/// The mappings of a process at one moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    mappings: Vec<Mapping>,
    /// The open file of every inode that has executable mappings, or why there is none.
    files: HashMap<Inode, Result<FileId, Missing>>,
}

impl Snapshot {
    /// Reads the mappings of a running process and opens its executable files.
    pub(crate) fn take(pid: u32, pins: &mut Pins, log: &mut Warnings) -> Result<Self, Missing> {
        let (reader, text) = read_maps(pid)?;
        let (mappings, left_out) = maps::parse(&text);
        log.add_many("lines of /proc/PID/maps were not understood", left_out);
        let mut snapshot = Self { mappings, files: HashMap::new() };
        snapshot.open_files(reader, pins);
        Ok(snapshot)
    }

    /// The mapping that covers `addr`.
    pub(crate) fn find(&self, addr: u64) -> Option<&Mapping> {
        let after = self.mappings.partition_point(|m| m.start <= addr);
        let last = self.mappings.get(after.checked_sub(1)?)?;
        (addr < last.end).then_some(last)
    }

    /// The open file of a mapping. Data files are not opened.
    pub(crate) fn file(&self, file: &MappedFile) -> Option<Result<FileId, Missing>> {
        self.files.get(&file.inode).cloned()
    }

    /// The open files that are mapped executable, each once, in the order of addresses.
    pub(crate) fn code_files(&self) -> impl Iterator<Item = (&MappedFile, FileId)> {
        let mut seen = HashSet::new();
        let code = self.mappings.iter().filter(|mapping| mapping.executable);
        code.filter_map(move |mapping| {
            let Backing::File(file) = &mapping.backing else {
                return None;
            };
            let id = self.files.get(&file.inode)?.clone().ok()?;
            seen.insert(id).then_some((file, id))
        })
    }

    /// Where the byte at `offset` of a file is in memory.
    pub(crate) fn addr_of(&self, file: &MappedFile, offset: u64) -> Option<u64> {
        self.mappings.iter().find_map(|mapping| {
            let Backing::File(mapped) = &mapping.backing else {
                return None;
            };
            let inside = offset.checked_sub(mapping.offset)?;
            let holds = mapped.inode == file.inode && inside < mapping.end - mapping.start;
            holds.then_some(mapping.start + inside)
        })
    }

    /// True when there is executable memory without a file: code made at run time.
    pub(crate) fn has_generated_code(&self) -> bool {
        let generated = |m: &Mapping| m.executable && m.backing == Backing::Anonymous;
        self.mappings.iter().any(generated)
    }

    /// Adds those mappings of an older snapshot that nothing new overlaps: code that was
    /// unloaded since, but that earlier stacks may lead to.
    pub(crate) fn keep_unloaded(&mut self, older: Self) {
        let gone = |old: &Mapping| {
            let after = self.mappings.partition_point(|m| m.start < old.end);
            let last = after.checked_sub(1).and_then(|at| self.mappings.get(at));
            old.executable && last.is_none_or(|last| last.end <= old.start)
        };
        let kept: Vec<Mapping> = older.mappings.into_iter().filter(gone).collect();
        self.mappings.extend(kept);
        self.mappings.sort_by_key(|mapping| mapping.start);
        for (inode, file) in older.files {
            self.files.entry(inode).or_insert(file);
        }
    }

    /// Opens the file mapped at `addr` again when it was closed to make room for others.
    pub(crate) fn reopen(&mut self, pid: u32, addr: u64, pins: &mut Pins) {
        let Some(mapping) = self.find(addr) else { return };
        let Backing::File(file) = &mapping.backing else { return };
        let Some(Ok(id)) = self.files.get(&file.inode) else { return };
        if pins.holds(*id) {
            return;
        }
        let opened = pin(reader_of(pid).unwrap_or(pid), mapping, file, pins);
        self.files.insert(file.inode, opened);
    }

    fn open_files(&mut self, reader: u32, pins: &mut Pins) {
        for mapping in self.mappings.iter().filter(|mapping| mapping.executable) {
            let Backing::File(file) = &mapping.backing else {
                continue;
            };
            let known = self.files.contains_key(&file.inode);
            if !known {
                let opened = pin(reader, mapping, file, pins);
                self.files.insert(file.inode, opened);
            }
        }
    }
}

/// The text of the maps file and the thread id it was read through. The main thread may have
/// ended while others run: it then has no memory any more, but they do.
fn read_maps(pid: u32) -> Result<(u32, Vec<u8>), Missing> {
    let text = read_file(&format!("/proc/{pid}/maps"))?;
    if !text.is_empty() {
        return Ok((pid, text));
    }
    let reader = reader_of(pid).ok_or(Missing::NoMemory)?;
    let text = read_file(&format!("/proc/{reader}/maps"))?;
    Ok((reader, text))
}

/// A thread of the process that still has its memory.
pub(crate) fn reader_of(pid: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let ids = threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.into_iter().find(|tid: &u32| {
        let first = File::open(format!("/proc/{tid}/maps")).and_then(|mut maps| maps.read(&mut [0]));
        first.is_ok_and(|read| read > 0)
    })
}

fn read_file(path: &str) -> Result<Vec<u8>, Missing> {
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_MAPS).read_to_end(&mut text)).map_err(|error| missing(&error))?;
    Ok(text)
}

fn missing(error: &io::Error) -> Missing {
    match errno_name(error) {
        gone if gone == "ENOENT" || gone == "ESRCH" => Missing::ProcessGone,
        errno => Missing::NoAccess(errno.into()),
    }
}

fn pin(reader: u32, mapping: &Mapping, file: &MappedFile, pins: &mut Pins) -> Result<FileId, Missing> {
    if let Some(id) = pins.known(file.inode) {
        return Ok(id);
    }
    let mut opened = content(reader, mapping, file);
    if matches!(&opened, Err(error) if errno_name(error) == "EMFILE") {
        pins.close_oldest();
        opened = content(reader, mapping, file);
    }
    let unreadable = |why: String| Missing::FileUnreadable(why.into());
    let blob = opened.map_err(|error| unreadable(errno_name(&error)))?;
    let id = pins.add(file.inode, blob, file.path.clone());
    id.ok_or_else(|| unreadable("it cannot be examined (fstat)".to_owned()))
}

fn content(reader: u32, mapping: &Mapping, file: &MappedFile) -> io::Result<Blob> {
    match file.origin {
        Origin::Vdso => vdso(reader, mapping),
        Origin::Path | Origin::Deleted => Blob::from_file(open_mapped(reader, mapping, file)?.into()),
    }
}

/// `map_files` leads to the very file, even when its path was deleted or replaced. Without
/// the capability for it (CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN) the path is taken, and
/// must still lead to the same inode.
fn open_mapped(reader: u32, mapping: &Mapping, file: &MappedFile) -> io::Result<File> {
    let (start, end) = (mapping.start, mapping.end);
    let link = format!("/proc/{reader}/map_files/{start:x}-{end:x}");
    let first = match open::regular(&link) {
        Ok(file) => return Ok(file),
        Err(error) => error,
    };
    if file.origin == Origin::Deleted {
        return Err(first);
    }
    by_path(reader, file).or_else(|_| by_path(std::process::id(), file))
}

/// The kernel shows paths as the reader sees them, or, in another mount namespace, as that
/// namespace does: so the path can be meant in either root.
fn by_path(root_of: u32, file: &MappedFile) -> io::Result<File> {
    let root = open::root_of(root_of)?;
    let opened = open::regular_in(root.as_fd(), Path::new(&*file.path), true)?;
    match opened.metadata()?.ino() == file.inode.number {
        true => Ok(opened),
        false => Err(io::Error::other("its path leads to another file now")),
    }
}

/// The kernel's shared object, copied from the memory of the process.
fn vdso(reader: u32, mapping: &Mapping) -> io::Result<Blob> {
    let size = mapping.end - mapping.start;
    if size > MAX_VDSO {
        return Err(io::Error::other("it is too large for a vdso"));
    }
    let memory = File::open(format!("/proc/{reader}/mem"))?;
    let mut bytes = vec![0; size as usize];
    memory.read_exact_at(&mut bytes, mapping.start)?;
    Ok(Blob::Memory(bytes.into()))
}
