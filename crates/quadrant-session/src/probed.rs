//! The files that user probes are in. A probe is in the file itself, not at its path: where an update puts another file there while the
//! trace runs, what starts from it is not seen, and where the file is written in place, the probes stand at the wrong places.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use quadrant_program::Program;
use quadrant_program::probe::{Inode, Site};

use crate::sink::Sink;

/// Time between looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What became of a file with probes.
#[derive(Clone, Copy)]
enum Change {
    /// At its path is another one.
    Replaced,
    /// It has other content.
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
    content: Option<Content>,
    is_watched: bool,
}

type Content = (u64, Option<SystemTime>);

impl Probed {
    /// Those of a program.
    pub(crate) fn of(program: &Program) -> Probed {
        let files = program.points.iter().filter_map(|point| match &point.site {
            Site::Uprobe { path, inode, pid, .. }
            | Site::Uretprobe { path, inode, pid, .. }
            | Site::Usdt { path, inode, pid, .. } => Some((path.as_path(), (*inode, *pid))),
            _ => None,
        });
        let files: BTreeMap<&Path, (Inode, Option<u32>)> = files.collect();
        let state = |(path, (inode, pid)): (&Path, (Inode, Option<u32>))| {
            // One process has mapped what it has mapped; and through another process a path may lead to anything later.
            let is_watched = pid.is_none() && !path.starts_with("/proc");
            let content = fs::metadata(path).ok().map(|meta| content(&meta));
            (path.to_owned(), State { inode, content, is_watched })
        };
        Probed { files: files.into_iter().map(state).collect(), last: None }
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
    fn change(&self, path: &Path) -> Option<Change> {
        let meta = fs::metadata(path).ok()?;
        let is_other = (Inode { device: meta.dev(), number: meta.ino() }) != self.inode;
        let is_written = || self.content.is_some_and(|known| known != content(&meta));
        if is_other { Some(Change::Replaced) } else { is_written().then_some(Change::Written) }
    }
}

fn content(meta: &Metadata) -> Content {
    (meta.len(), meta.modified().ok())
}
