//! Control groups: the mounted hierarchies and the groups in them. A group's number is the inode of its folder.

pub mod container;
mod process;
mod select;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(crate) use process::called_elsewhere;
pub use select::{Called, Refusal, Subtree, by_container, by_path};

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
    /// Its root is the root of all groups, not of those of a cgroup namespace or of a part.
    whole: bool,
}

/// The mounted hierarchies: the unified one first, the others by name. Of several mounts of one the first whole one counts.
pub fn hierarchies() -> Vec<Hierarchy> {
    let mut found = mounts();
    found.dedup_by(|later, earlier| later.name == earlier.name);
    found
}

/// All places where hierarchies are mounted: those of the unified one first, the others by name; whole ones before parts.
fn mounts() -> Vec<Hierarchy> {
    let mut found = parse(&std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default());
    let namespace = std::fs::metadata("/proc/self/ns/cgroup").map_or(INITIAL_NAMESPACE, |metadata| metadata.ino());
    found.iter_mut().for_each(|hierarchy| hierarchy.whole &= namespace == INITIAL_NAMESPACE);
    found
}

/// The number of the cgroup namespace in which the real root shows (`PROC_CGROUP_INIT_INO`).
const INITIAL_NAMESPACE: u64 = 0xefff_fffb;

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

    /// The kernel's count of the groups in it, which changes whenever one is made.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn statistics(&self) -> std::io::Result<std::fs::File> {
        std::fs::File::open(self.root.join("cgroup.stat"))
    }

    /// The folder of a group with that path.
    fn folder(&self, path: &[u8]) -> PathBuf {
        let below = path.strip_prefix(b"/").unwrap_or(path);
        self.root.join(std::ffi::OsStr::from_bytes(below))
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

/// Lines `id parent device root point options ... - cgroup2 source options`. One with blanks in its path is not looked for.
fn parse(mounts: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = mounts.lines().filter_map(hierarchy).collect();
    found.sort_by_key(|hierarchy| (hierarchy.name != UNIFIED, hierarchy.name.clone(), !hierarchy.whole));
    found
}

fn hierarchy(mount: &str) -> Option<Hierarchy> {
    let (place, kind) = mount.split_once(" - ")?;
    let mut fields = place.split(' ').skip(3);
    let (part, root) = (fields.next()?, PathBuf::from(fields.next()?));
    let name = match kind.split(' ').next()? {
        "cgroup2" => UNIFIED.to_owned(),
        "cgroup" => root.file_name()?.to_string_lossy().into_owned(),
        _ => return None,
    };
    Some(Hierarchy { name, root, whole: part == "/" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n37 31 0:37 / /sys/fs/cgroup/systemd rw shared:9 - cgroup \
        cgroup rw,name=systemd\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n40 31 0:38 /part /part rw - cgroup2 \
        cgroup2 rw\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n42 31 0:38 / /elsewhere/unified rw - cgroup2 cgroup2 \
        rw\nnonsense\n";

    #[test]
    fn hierarchies_of_both_versions() {
        let found = parse(MOUNTS);
        let names: Vec<&str> = found.iter().map(|hierarchy| hierarchy.name.as_str()).collect();
        assert_eq!(names, [UNIFIED, UNIFIED, UNIFIED, "cpu", "systemd"]);
        assert_eq!((found[0].root.as_path(), found[0].whole), (Path::new("/sys/fs/cgroup/unified"), true));
    }

    #[test]
    fn groups_by_the_inodes_of_their_folders() {
        let root = std::env::temp_dir().join(format!("quadrant-cgroup-{}", std::process::id()));
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        let inode = |path: &str| std::fs::metadata(root.join(path)).unwrap().ino();
        let hierarchy = Hierarchy { name: UNIFIED.to_owned(), root: root.clone(), whole: true };
        assert_eq!(hierarchy.path(inode("a/b")).as_deref(), Some(&b"/a/b"[..]));
        assert_eq!(hierarchy.path(inode("")).as_deref(), Some(&b"/"[..]));
        assert_eq!(hierarchy.path(0), None);
        assert_eq!(hierarchy.paths().len(), 3);
        std::fs::remove_dir_all(root).unwrap();
    }
}
