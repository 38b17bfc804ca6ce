//! What the kernel tells developers, as files, whether or not debugfs is mounted.

use crate::error::Result;
use crate::tree::Tree;

/// An open debugfs.
pub struct DebugFs {
    tree: Tree,
}

impl DebugFs {
    /// Opens debugfs where it is mounted, else a mount of its own that nobody else sees.
    pub fn open() -> Result<DebugFs> {
        Ok(DebugFs { tree: Tree::open(c"debugfs", &[c"/sys/kernel/debug"], c"tracing")? })
    }

    /// The whole content of the file at `path`, which is relative to the root, such as `kprobes/list`.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.tree.read(path)
    }
}
