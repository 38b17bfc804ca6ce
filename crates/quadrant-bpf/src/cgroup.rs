//! Control groups: the mounted hierarchies and the groups in them. A group's number is the inode of its folder.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The name of the hierarchy of version 2, the only one that programs know.
pub const UNIFIED: &str = "unified";

/// Groups in groups, and groups altogether, that are looked at.
const DEEPEST: usize = 32;
const MOST: usize = 1 << 16;

/// A hierarchy of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// [`UNIFIED`], or the last part of where a hierarchy of version 1 is mounted (`cpu`, `systemd`).
    pub name: String,
    root: PathBuf,
}

/// The mounted hierarchies: the unified one first, the others by name.
pub fn hierarchies() -> Vec<Hierarchy> {
    parse(&std::fs::read_to_string("/proc/self/mounts").unwrap_or_default())
}

/// The groups with that number in the hierarchies with wanted names, as `unified:/system.slice`, with commas between them; `None` if
/// there is none.
pub fn path(number: u64, wanted: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    let named = |hierarchy: &Hierarchy| {
        let path = hierarchy.path(number)?;
        Some([hierarchy.name.as_bytes(), b":", &path].concat())
    };
    let found: Vec<Vec<u8>> =
        hierarchies().iter().filter(|hierarchy| wanted(&hierarchy.name)).filter_map(named).collect();
    (!found.is_empty()).then(|| found.join(&b','))
}

impl Hierarchy {
    /// The path of a group below the root of the hierarchy (`/` for the root itself).
    pub fn path(&self, number: u64) -> Option<Vec<u8>> {
        let found = self.walk(&mut |inode, path| match inode == number {
            true => ControlFlow::Break(path.to_owned()),
            false => ControlFlow::Continue(()),
        });
        found.break_value()
    }

    /// The same of all groups, by number.
    pub fn paths(&self) -> HashMap<u64, Vec<u8>> {
        let mut paths = HashMap::new();
        let _: ControlFlow<()> = self.walk(&mut |inode, path| {
            paths.insert(inode, path.to_owned());
            ControlFlow::Continue(())
        });
        paths
    }

    fn walk<B>(&self, visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<B>) -> ControlFlow<B> {
        let mut left = MOST;
        self.walk_below(&self.root, DEEPEST, &mut left, visit)
    }

    fn walk_below<B>(
        &self,
        folder: &Path,
        depth: usize,
        left: &mut usize,
        visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let Ok(metadata) = std::fs::symlink_metadata(folder) else { return ControlFlow::Continue(()) };
        let below = folder.strip_prefix(&self.root).unwrap_or(folder).as_os_str().as_bytes();
        visit(metadata.ino(), &[b"/", below].concat())?;
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_group = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_group && depth > 0 && *left > 0 {
                *left -= 1;
                self.walk_below(&entry.path(), depth - 1, left, visit)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Lines `source point cgroup2 ...`. The first mount of each counts, and one with blanks in its path is not looked for.
fn parse(mounts: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for hierarchy in mounts.lines().filter_map(hierarchy) {
        if found.iter().all(|known| known.name != hierarchy.name) {
            found.push(hierarchy);
        }
    }
    found.sort_by_key(|hierarchy| (hierarchy.name != UNIFIED, hierarchy.name.clone()));
    found
}

fn hierarchy(mount: &str) -> Option<Hierarchy> {
    let mut fields = mount.split(' ').skip(1);
    let root = PathBuf::from(fields.next()?);
    let name = match fields.next()? {
        "cgroup2" => UNIFIED.to_owned(),
        "cgroup" => root.file_name()?.to_string_lossy().into_owned(),
        _ => return None,
    };
    Some(Hierarchy { name, root })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n\
        cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
        cgroup2 /elsewhere/unified cgroup2 rw 0 0\nnonsense\n";

    #[test]
    fn hierarchies_of_both_versions() {
        let found = parse(MOUNTS);
        let names: Vec<&str> = found.iter().map(|hierarchy| hierarchy.name.as_str()).collect();
        assert_eq!(names, [UNIFIED, "cpu", "systemd"]);
        assert_eq!(found[0].root, Path::new("/sys/fs/cgroup/unified"));
    }

    #[test]
    fn groups_by_the_inodes_of_their_folders() {
        let root = std::env::temp_dir().join(format!("quadrant-cgroup-{}", std::process::id()));
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        let inode = |path: &str| std::fs::metadata(root.join(path)).unwrap().ino();
        let hierarchy = Hierarchy { name: UNIFIED.to_owned(), root: root.clone() };
        assert_eq!(hierarchy.path(inode("a/b")).as_deref(), Some(&b"/a/b"[..]));
        assert_eq!(hierarchy.path(inode("")).as_deref(), Some(&b"/"[..]));
        assert_eq!(hierarchy.path(0), None);
        assert_eq!(hierarchy.paths().len(), 3);
        std::fs::remove_dir_all(root).unwrap();
    }
}
