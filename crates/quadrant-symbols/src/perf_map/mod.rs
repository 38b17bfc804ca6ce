//! Perf maps: `/tmp/perf-PID.map`, in which a JIT compiler lists the code it made.
//!
//! The file belongs to the traced program, in the program's own root, and the program can be
//! hostile: it may be a link to another file, a FIFO, endless, or no text at all.

mod parse;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::errno_name;
use crate::open;
use crate::process::{Status, reader_of};
use crate::warnings::Warnings;
use parse::PerfMap;
pub(crate) use parse::Region;

/// What is beyond this size is not read.
const MAX_FILE: u64 = 64 << 20;
/// A file that is not there yet is looked for again after this time.
const RETRY: Duration = Duration::from_secs(1);
const CHUNK: usize = 256 * 1024;

/// The code that one process made at run time.
#[derive(Debug, Default)]
pub(crate) struct Jit {
    file: Option<File>,
    /// Bytes of the file read so far. JIT compilers append.
    read: u64,
    map: PerfMap,
    tried: Option<Instant>,
    /// Where the file would be, as long as it is not there. Java writes its own at its end.
    home: Option<Home>,
}

/// What has to be known of a process to find its perf map when it has ended.
#[derive(Debug)]
struct Home {
    root: OwnedFd,
    status: Status,
}

impl Jit {
    /// Opens the process's perf map, when there is one and it may be trusted, and keeps it
    /// open: it can then be read after the process ended.
    pub(crate) fn open(&mut self, pid: u32, log: &mut Warnings) {
        let recently = |when: Instant| when.elapsed() < RETRY;
        if self.file.is_some() || self.tried.is_some_and(recently) {
            return;
        }
        self.tried = Some(Instant::now());
        // Of one that has just ended what was known of it counts.
        if let Ok(home) = Home::of(pid) {
            self.home = Some(home);
        }
        self.open_at_home(pid, log);
    }

    /// Opens the perf map of a process that has ended, if it was looked at before.
    pub(crate) fn open_at_home(&mut self, pid: u32, log: &mut Warnings) {
        let Some(home) = self.home.as_ref().filter(|_| self.file.is_none()) else { return };
        match home.open_checked() {
            Ok(file) => (self.file, self.home) = (Some(file), None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.home = None;
                log.add(format!("perf map of process {pid} not used: {}", errno_name(&error)));
            }
        }
    }

    /// Whether there is no open file to read from.
    pub(crate) fn is_closed(&self) -> bool {
        self.file.is_none()
    }

    /// The code at `addr`; reads what the file has grown by when it is not known yet.
    pub(crate) fn find(&mut self, pid: u32, addr: u64, log: &mut Warnings) -> Option<Region<'_>> {
        if !self.map.covers(addr) {
            self.read_on(pid, log);
        }
        self.map.find(addr)
    }

    /// Memory in use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.map.bytes()
    }

    /// Drops what was read. The file stays open and is read again when needed.
    pub(crate) fn forget(&mut self) {
        self.read = 0;
        self.map = PerfMap::default();
    }

    fn read_on(&mut self, pid: u32, log: &mut Warnings) {
        let Some(file) = self.file.take() else { return };
        if let Ok(meta) = file.metadata() {
            if meta.len() < self.read {
                // Written anew: what was read describes code that is gone.
                self.forget();
            }
            if meta.len() > MAX_FILE {
                log.add(format!("perf map of process {pid} is over 64 MiB: the rest is not read"));
            }
            self.read_to(&file, meta.len().min(MAX_FILE));
        }
        self.file = Some(file);
        let skipped = self.map.take_skipped();
        log.add_many(format!("lines of the perf map of process {pid} skipped (malformed or too many)"), skipped);
    }

    fn read_to(&mut self, file: &File, end: u64) {
        let mut chunk = vec![0; CHUNK.min(usize::try_from(end - self.read.min(end)).unwrap_or(CHUNK))];
        while self.read < end {
            let want = usize::try_from(end - self.read).map_or(chunk.len(), |left| left.min(chunk.len()));
            let got = match file.read_at(&mut chunk[..want], self.read) {
                Ok(0) | Err(_) => return,
                Ok(got) => got,
            };
            self.read += got as u64;
            self.map.add(&chunk[..got]);
        }
    }
}

impl Home {
    fn of(pid: u32) -> io::Result<Home> {
        let status = Status::read(pid).ok_or(io::ErrorKind::NotFound)?;
        let root = open::root_of(reader_of(pid).unwrap_or(pid))?;
        Ok(Home { root, status })
    }

    fn open_checked(&self) -> io::Result<File> {
        let path = format!("tmp/perf-{}.map", self.status.inner_pid);
        let file = open::regular_in(self.root.as_fd(), Path::new(&path), false)?;
        check(&file, &self.status)?;
        Ok(file)
    }
}

/// Only root and the process itself may have written the file, and nobody may have made it a
/// second name of something else.
fn check(file: &File, status: &Status) -> io::Result<()> {
    let meta = file.metadata()?;
    if meta.uid() != 0 && !status.uids.contains(&meta.uid()) {
        return Err(io::Error::other("it belongs to another user"));
    }
    if meta.nlink() > 1 {
        return Err(io::Error::other("it has more than one name (hard link)"));
    }
    if meta.mode() & 0o002 != 0 {
        return Err(io::Error::other("everybody may write to it"));
    }
    Ok(())
}
