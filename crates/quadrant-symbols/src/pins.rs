//! Mapped files held open, so that they can be read after their processes ended and after
//! their paths were deleted or replaced.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use crate::blob::Blob;
use crate::open;
use crate::process::Inode;

/// One opened file for as long as the table lives; never used again for another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileId(u64);

/// An open file, or the content of one that is only in memory.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    pub(crate) blob: Blob,
    /// The path in the mount namespace of the process it was seen in first.
    pub(crate) path: Arc<str>,
}

/// All open files, bounded in number.
#[derive(Debug)]
pub(crate) struct Pins {
    slots: HashMap<FileId, Slot>,
    /// Valid while the file is open: the kernel cannot give its inode to another file.
    by_inode: HashMap<Inode, FileId>,
    limit: usize,
    /// Closed since the last call of [`Pins::take_closed`].
    closed: Vec<FileId>,
    /// Counts uses; the slot with the smallest number was used least recently.
    clock: u64,
}

#[derive(Debug)]
struct Slot {
    pin: Pin,
    inode: Inode,
    content: Content,
    used: u64,
}

/// What changes when a file is written in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content {
    size: u64,
    modified: (i64, i64),
}

impl Pins {
    /// A table of at most `limit` open files.
    pub(crate) fn new(limit: usize) -> Self {
        Self { slots: HashMap::new(), by_inode: HashMap::new(), limit: limit.max(1), closed: Vec::new(), clock: 0 }
    }

    /// The open file with this inode, when its content is still the one that was pinned.
    pub(crate) fn known(&mut self, inode: Inode) -> Option<FileId> {
        let id = *self.by_inode.get(&inode)?;
        let slot = self.slots.get_mut(&id)?;
        if Content::of(&slot.pin.blob) != Some(slot.content) {
            self.by_inode.remove(&inode);
            return None;
        }
        self.clock += 1;
        slot.used = self.clock;
        Some(id)
    }

    /// Opens the file at a path of the tracer's own root and keeps it open.
    pub(crate) fn open(&mut self, path: &str) -> io::Result<FileId> {
        let file = open::regular(path)?;
        let meta = file.metadata()?;
        let inode =
            Inode { major: rustix::fs::major(meta.dev()), minor: rustix::fs::minor(meta.dev()), number: meta.ino() };
        if let Some(id) = self.known(inode) {
            return Ok(id);
        }
        let blob = Blob::from_file(file.into())?;
        self.add(inode, blob, path.into()).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Keeps a file open.
    pub(crate) fn add(&mut self, inode: Inode, blob: Blob, path: Arc<str>) -> Option<FileId> {
        let content = Content::of(&blob)?;
        if self.slots.len() >= self.limit {
            self.close_oldest();
        }
        self.clock += 1;
        let id = FileId(self.clock);
        let pin = Pin { blob, path };
        let used = self.clock;
        self.by_inode.insert(inode, id);
        self.slots.insert(id, Slot { pin, inode, content, used });
        Some(id)
    }

    /// The open file, unless it had to be closed to make room.
    pub(crate) fn get(&mut self, id: FileId) -> Option<Pin> {
        let slot = self.slots.get_mut(&id)?;
        self.clock += 1;
        slot.used = self.clock;
        Some(slot.pin.clone())
    }

    /// Closes an eighth of the files, those that were not used for the longest time.
    pub(crate) fn close_oldest(&mut self) {
        let mut uses: Vec<(u64, FileId)> = self.slots.iter().map(|(id, s)| (s.used, *id)).collect();
        uses.sort_unstable_by_key(|(used, _)| *used);
        for (_, id) in uses.into_iter().take(self.limit.div_ceil(8)) {
            self.close(id);
        }
    }

    /// True when the file is still open.
    pub(crate) fn holds(&self, id: FileId) -> bool {
        self.slots.contains_key(&id)
    }

    /// The files that were closed to make room since the last call.
    pub(crate) fn take_closed(&mut self) -> Vec<FileId> {
        std::mem::take(&mut self.closed)
    }

    fn close(&mut self, id: FileId) {
        let Some(slot) = self.slots.remove(&id) else {
            return;
        };
        self.closed.push(id);
        if self.by_inode.get(&slot.inode) == Some(&id) {
            self.by_inode.remove(&slot.inode);
        }
    }
}

impl Content {
    fn of(blob: &Blob) -> Option<Self> {
        let meta = match blob {
            Blob::File(file, _) => file.metadata().ok()?,
            Blob::Memory(bytes) => {
                return Some(Self { size: bytes.len() as u64, modified: (0, 0) });
            }
        };
        Some(Self { size: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    fn inode(number: u64) -> Inode {
        Inode { major: 1, minor: 2, number }
    }

    fn blob(file: File) -> Blob {
        Blob::from_file(file.into()).unwrap()
    }

    #[test]
    fn the_number_of_open_files_is_bounded() {
        let mut pins = Pins::new(8);
        let open = || blob(File::open("/proc/self/exe").unwrap());
        let first = pins.add(inode(1), open(), "a".into()).unwrap();
        for number in 2..100 {
            assert!(pins.get(first).is_some(), "the one in use stays");
            pins.add(inode(number), open(), "b".into()).unwrap();
        }
        assert!(pins.slots.len() <= 8);
        assert_eq!(pins.known(inode(2)), None);
        assert_eq!(pins.known(inode(1)), Some(first));
    }

    #[test]
    fn a_file_written_in_place_is_another_file() {
        let path = std::env::temp_dir().join(format!("quadrant-pins-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        let mut pins = Pins::new(8);
        let opened = blob(File::open(&path).unwrap());
        let id = pins.add(inode(1), opened, "a".into());
        assert_eq!(pins.known(inode(1)), id);
        file.write_all(b"more").unwrap();
        assert_eq!(pins.known(inode(1)), None);
        std::fs::remove_file(&path).unwrap();
    }
}
