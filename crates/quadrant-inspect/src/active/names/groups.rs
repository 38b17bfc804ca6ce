//! Control groups: a group's number is the inode of its folder.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Groups in groups, and groups altogether, that are looked at.
const DEEPEST: usize = 32;
const MOST: usize = 1 << 16;

/// Paths of all groups by number, where the unified hierarchy is mounted; programs know no other.
pub fn read() -> HashMap<u64, Vec<u8>> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut groups = HashMap::new();
    if let Some(root) = mounts.lines().find_map(unified) {
        walk(Path::new(root), Path::new(root), DEEPEST, &mut groups);
    }
    groups
}

/// The mount point of a line `source point cgroup2 ...`. One with blanks in it is not looked for.
fn unified(mount: &str) -> Option<&str> {
    let mut fields = mount.split(' ').skip(1);
    let point = fields.next()?;
    (fields.next()? == "cgroup2").then_some(point)
}

fn walk(root: &Path, folder: &Path, depth: usize, groups: &mut HashMap<u64, Vec<u8>>) {
    let Ok(metadata) = std::fs::symlink_metadata(folder) else { return };
    let below = folder.strip_prefix(root).unwrap_or(folder).as_os_str().as_bytes();
    groups.insert(metadata.ino(), [b"/", below].concat());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_group = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_group && depth > 0 && groups.len() < MOST {
            walk(root, &entry.path(), depth - 1, groups);
        }
    }
}
