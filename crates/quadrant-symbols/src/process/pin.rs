//! Opening the file that a process has mapped, while it runs or shortly after.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::maps::{self, Backing, Inode, MappedFile, Mapping, Origin};
use crate::blob::Blob;
use crate::clock;
use crate::error::errno_name;
use crate::frame::Missing;
use crate::open;
use crate::pins::{FileId, Pins};

/// The vdso has two pages.
const MAX_VDSO: u64 = 1 << 20;

/// Through whom a mapped file can be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    /// A thread of the process that still has its memory, if any has.
    pub(crate) reader: u32,
    /// The process that it is a copy of, which has or had the same root.
    pub(crate) parent: Option<u32>,
    /// When the file was known to be mapped, by the boot clock; `None` when it is mapped now. A file at its path that
    /// changed later is not the one that was mapped: inodes are used again.
    pub(crate) mapped: Option<u64>,
}

impl Owner {
    /// A process that runs.
    pub(crate) fn running(reader: u32) -> Self {
        Self { reader, parent: None, mapped: None }
    }
}

/// The open file of a mapping.
pub(crate) fn pin(owner: Owner, mapping: &Mapping, file: &MappedFile, pins: &mut Pins) -> Result<FileId, Missing> {
    if let Some(id) = pins.known(file.inode) {
        return Ok(id);
    }
    let mut opened = content(owner, mapping, file);
    if matches!(&opened, Err(error) if errno_name(error) == "EMFILE") {
        pins.close_oldest();
        opened = content(owner, mapping, file);
    }
    let unreadable = |why: String| Missing::FileUnreadable(why.into());
    let blob = opened.map_err(|error| unreadable(errno_name(&error)))?;
    let id = pins.add(file.inode, blob, file.path.clone());
    id.ok_or_else(|| unreadable("it cannot be examined (fstat)".to_owned()))
}

fn content(owner: Owner, mapping: &Mapping, file: &MappedFile) -> io::Result<Blob> {
    match file.origin {
        Origin::Vdso => vdso(owner.reader, mapping).or_else(|_| own_vdso(file.inode)),
        Origin::Path | Origin::Deleted => Blob::from_file(open_mapped(owner, mapping, file)?.into()),
    }
}

/// `map_files` leads to the very file, even when its path was deleted or replaced. Without
/// the capability for it (CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN) the path is taken, and
/// must still lead to the same inode.
fn open_mapped(owner: Owner, mapping: &Mapping, file: &MappedFile) -> io::Result<File> {
    let (start, end) = (mapping.start, mapping.end);
    let link = format!("/proc/{}/map_files/{start:x}-{end:x}", owner.reader);
    let first = match open::regular(&link) {
        // After the end of the process its number may be another's.
        Ok(opened) if owner.mapped.is_none() || is_inode(&opened.metadata()?, file) => return Ok(opened),
        Ok(_) => io::Error::from(io::ErrorKind::NotFound),
        Err(error) => error,
    };
    if file.origin == Origin::Deleted {
        return Err(first);
    }
    // The kernel shows paths as the process sees them, or, when somebody in another mount namespace asks, as that
    // namespace does: so the path can be meant in either root.
    let roots = [Some(owner.reader), owner.parent, Some(std::process::id())];
    let mut opened = roots.into_iter().flatten().map(|pid| by_path(pid, owner.mapped, file));
    opened.find_map(Result::ok).ok_or_else(|| io::Error::other("its path leads to another file now, or to none"))
}

fn by_path(root_of: u32, mapped: Option<u64>, file: &MappedFile) -> io::Result<File> {
    let root = open::root_of(root_of)?;
    let opened = open::regular_in(root.as_fd(), Path::new(&*file.path), true)?;
    let meta = opened.metadata()?;
    let same = is_inode(&meta, file) && mapped.is_none_or(|time| !is_changed(&meta, time));
    same.then_some(opened).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Some file systems (btrfs, overlayfs) have other device numbers in stat(2) than for mappings, with 0 in front.
fn is_inode(meta: &Metadata, file: &MappedFile) -> bool {
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let device = major == 0 || (major, minor) == (file.inode.major, file.inode.minor);
    device && meta.ino() == file.inode.number
}

/// Whether a file was written, or made, after a time of the boot clock.
fn is_changed(meta: &Metadata, since: u64) -> bool {
    i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()) > clock::wall_ns(since)
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

/// All programs of one kind have the same one, so that of this program stands for one that is gone.
fn own_vdso(inode: Inode) -> io::Result<Blob> {
    let own = std::process::id();
    let (mappings, _) = maps::parse(&std::fs::read(format!("/proc/{own}/maps"))?);
    let is_it = |mapping: &&Mapping| matches!(&mapping.backing, Backing::File(file) if file.inode == inode);
    let found = mappings.iter().find(is_it).ok_or(io::ErrorKind::NotFound)?;
    vdso(own, found)
}
