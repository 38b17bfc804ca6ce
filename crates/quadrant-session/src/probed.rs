//! The files that user probes are in. A probe is in the file itself, not at its path: where an update puts another file there while the
//! trace runs, what starts from it is not seen, and where the file is written in place, the probes stand at the wrong places.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use quadrant_program::Program;
use quadrant_program::probe::{Inode, Site};

use crate::sink::Sink;

/// Time between looks.
const PAUSE: Duration = Duration::from_secs(1);
/// An ELF header, and the longest instruction.
const HEADER: usize = 64;
const INSTRUCTION: usize = 15;
/// Bytes that are read at once.
const WINDOW: usize = 64 << 10;

/// What became of a file with probes.
#[derive(Clone, Copy)]
enum Change {
    /// At its path is another one.
    Replaced,
    /// It has other content where the probes are.
    Written,
}

/// The files, as they were at the start; one that has changed is told once.
#[derive(Default)]
pub(crate) struct Probed {
    files: BTreeMap<PathBuf, State>,
    last: Option<Instant>,
}

struct State {
    inode: Inode,
    written: Option<SystemTime>,
    /// Where probes are in it, and a hash of what is there.
    offsets: BTreeSet<u64>,
    code: Option<u64>,
    is_watched: bool,
}

impl Probed {
    /// Those of a program.
    pub(crate) fn of(program: &Program) -> Probed {
        let mut files: BTreeMap<PathBuf, State> = BTreeMap::new();
        for point in &program.points {
            if let Site::Uprobe { path, inode, offset, pid }
            | Site::Uretprobe { path, inode, offset, pid }
            | Site::Usdt { path, inode, offset, pid, .. } = &point.site
            {
                let state = files.entry(path.clone()).or_insert_with(|| State::of(path, *inode, *pid));
                state.offsets.insert(*offset);
            }
        }
        for (path, state) in files.iter_mut().filter(|(_, state)| state.is_watched) {
            state.code = state.code_now(path);
        }
        Probed { files, last: None }
    }

    /// Where they are.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// From time to time: tell what has changed.
    pub(crate) fn look(&mut self, sink: &mut dyn Sink) {
        if !self.files.is_empty() && self.last.is_none_or(|last| last.elapsed() >= PAUSE) {
            self.look_now(sink);
        }
    }

    /// The same, at once.
    pub(crate) fn look_now(&mut self, sink: &mut dyn Sink) {
        self.last = Some(Instant::now());
        for (path, state) in self.files.iter_mut().filter(|(_, state)| state.is_watched) {
            if let Some(change) = state.change(path) {
                state.is_watched = false;
                sink.warned(&change.told(path));
            }
        }
    }
}

impl Change {
    fn told(self, file: &Path) -> String {
        let file = file.display();
        match self {
            Change::Replaced => format!(
                "{file} was replaced by another file, which has no probes: what starts from it is not traced; start the trace again"
            ),
            Change::Written => format!(
                "{file} was written while probes are in it: they stand where its old content had them, and may break what starts from it; \
                 end the trace"
            ),
        }
    }
}

impl State {
    fn of(path: &Path, inode: Inode, pid: Option<u32>) -> State {
        // One process has mapped what it has mapped; and through another process a path may lead to anything later.
        let is_watched = pid.is_none() && !path.starts_with("/proc");
        let written = fs::metadata(path).ok().and_then(|meta| written(&meta));
        State { inode, written, offsets: BTreeSet::new(), code: None, is_watched }
    }

    fn change(&mut self, path: &Path) -> Option<Change> {
        let meta = fs::metadata(path).ok()?;
        if (Inode { device: meta.dev(), number: meta.ino() }) != self.inode {
            return Some(Change::Replaced);
        }
        // A file that was only touched, or written with what it had, or behind its code, has its probes where they belong.
        let before = std::mem::replace(&mut self.written, written(&meta));
        let is_other = before != self.written && self.code.is_some() && self.code_now(path) != self.code;
        is_other.then_some(Change::Written)
    }

    /// A hash of the header and of the instructions where the probes are; `None` if they cannot be read.
    fn code_now(&self, path: &Path) -> Option<u64> {
        let mut file = Windows { file: File::open(path).ok()?, start: 0, bytes: Vec::new() };
        let mut hasher = DefaultHasher::new();
        for (offset, len) in [(0, HEADER)].into_iter().chain(self.offsets.iter().map(|offset| (*offset, INSTRUCTION))) {
            file.at(offset, len)?.hash(&mut hasher);
        }
        Some(hasher.finish())
    }
}

/// A file that is read in places of ascending offsets. Thousands of probes are near each other, and one read brings many of them.
struct Windows {
    file: File,
    start: u64,
    bytes: Vec<u8>,
}

impl Windows {
    /// The bytes at an offset, fewer where the file ends.
    fn at(&mut self, offset: u64, len: usize) -> Option<&[u8]> {
        let within = |windows: &Windows| offset.checked_sub(windows.start).map(|at| at as usize);
        if within(self).is_none_or(|at| at + len > self.bytes.len()) {
            self.bytes.resize(WINDOW, 0);
            let read = self.file.read_at(&mut self.bytes, offset).ok()?;
            self.bytes.truncate(read);
            self.start = offset;
        }
        let rest = self.bytes.get(within(self)?..)?;
        Some(&rest[..len.min(rest.len())])
    }
}

fn written(meta: &Metadata) -> Option<SystemTime> {
    meta.modified().ok()
}
