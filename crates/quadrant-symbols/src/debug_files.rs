//! Finding the files that hold what stripping removed from a program.
//!
//! Both the process's own root and the tracer's are searched: containers rarely have debug
//! files, the machine around them may. A file only counts when its build id (or, for links
//! without one, its checksum) fits, so a wrong or planted file cannot give wrong names.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::blob::Blob;
use crate::elf::ElfFile;
use crate::open;

/// Where distributions put debug files.
const DEBUG_DIR: &str = "/usr/lib/debug";
/// Checksums are only computed over files up to this size.
const MAX_CHECKED: u64 = 1 << 30;

/// Where to look for the debug files of one program or library.
#[derive(Debug, Clone)]
pub(crate) struct Finder {
    /// Path of the program in its own root.
    pub(crate) path: PathBuf,
    /// A process with that root, while it runs.
    pub(crate) pid: Option<u32>,
}

impl Finder {
    /// The file with the debug information and the full symbol table of `elf`.
    pub(crate) fn debug_file(&self, elf: &ElfFile) -> Option<ElfFile> {
        let id = elf.build_id();
        let roots = self.roots();
        let by_id = id.as_deref().and_then(build_id_path);
        let by_id = by_id.and_then(|path| self.open(&roots, &path, &Proof::Id(id.as_deref()?)));
        by_id.or_else(|| self.linked(elf, id.as_deref(), &roots))
    }

    /// The file to which dwz moved what several debug files have in common.
    pub(crate) fn supplement(&self, elf: &ElfFile) -> Option<ElfFile> {
        let (link, id) = elf.alternate_link()?;
        let roots = self.roots();
        let proof = Proof::Id(&id);
        let by_id = build_id_path(&id).and_then(|path| self.open(&roots, &path, &proof));
        by_id.or_else(|| {
            let link = Path::new(&link);
            let places = [
                Path::new(DEBUG_DIR).join(".dwz").join(link.file_name()?),
                self.directory().join(link),
                Path::new(DEBUG_DIR).join(".build-id/xx").join(link),
            ];
            let mut found = places.iter().map(|path| self.open(&roots, path, &proof));
            found.find_map(|found| found)
        })
    }

    fn linked(&self, elf: &ElfFile, id: Option<&[u8]>, roots: &[OwnedFd]) -> Option<ElfFile> {
        let (name, checksum) = elf.debug_link()?;
        let proof = match id {
            Some(id) => Proof::IdOrChecksum(id, checksum),
            None => Proof::Checksum(checksum),
        };
        let directory = self.directory();
        let below = directory.strip_prefix("/").unwrap_or(directory);
        let places =
            [directory.join(&name), directory.join(".debug").join(&name), Path::new(DEBUG_DIR).join(below).join(&name)];
        let mut found = places.iter().map(|path| self.open(roots, path, &proof));
        found.find_map(|found| found)
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn open(&self, roots: &[OwnedFd], path: &Path, proof: &Proof<'_>) -> Option<ElfFile> {
        let mut files = roots.iter().map(|root| open::regular_in(root.as_fd(), path, true));
        files.find_map(|file| proof.check(file.ok()?))
    }

    /// The process's root, then the tracer's.
    fn roots(&self) -> Vec<OwnedFd> {
        let own = std::process::id();
        let pids = self.pid.into_iter().chain([own]);
        pids.filter_map(|pid| open::root_of(pid).ok()).collect()
    }
}

/// What shows that a debug file belongs to a program.
enum Proof<'a> {
    Id(&'a [u8]),
    Checksum(u32),
    /// The build id when the file has one.
    IdOrChecksum(&'a [u8], u32),
}

impl Proof<'_> {
    fn check(&self, file: File) -> Option<ElfFile> {
        let blob = Blob::from_file(file.into()).ok()?;
        let elf = ElfFile::open(blob.clone()).ok()?;
        let useful = elf.has_contents(".symtab") || elf.has_contents(".debug_info");
        let proven = match *self {
            Self::Id(id) => elf.build_id().as_deref() == Some(id),
            Self::Checksum(wanted) => checksum(&blob) == Some(wanted),
            Self::IdOrChecksum(id, wanted) => match elf.build_id() {
                Some(found) => found == id,
                None => checksum(&blob) == Some(wanted),
            },
        };
        (useful && proven).then_some(elf)
    }
}

/// `/usr/lib/debug/.build-id/ab/cdef….debug`.
pub(crate) fn build_id_path(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    (!rest.is_empty()).then(|| PathBuf::from(format!("{DEBUG_DIR}/.build-id/{first:02x}/{rest}.debug")))
}

/// The CRC-32 of a whole file, as `.gnu_debuglink` has it.
fn checksum(blob: &Blob) -> Option<u32> {
    if blob.len() > MAX_CHECKED {
        return None;
    }
    let mut crc = flate2::Crc::new();
    let mut chunk = vec![0; 256 * 1024];
    let mut at = 0;
    while at < blob.len() {
        let got = blob.read_some(&mut chunk, at);
        if got == 0 {
            return None;
        }
        crc.update(&chunk[..got]);
        at += got as u64;
    }
    Some(crc.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_build_ids() {
        let path = build_id_path(&[0xab, 0xcd, 0x01]).unwrap();
        assert_eq!(path, Path::new("/usr/lib/debug/.build-id/ab/cd01.debug"));
        assert_eq!(build_id_path(&[0xab]), None);
        assert_eq!(build_id_path(&[]), None);
    }

    #[test]
    fn checksum_is_the_one_of_debug_links() {
        let blob = Blob::Memory(b"123456789"[..].into());
        assert_eq!(checksum(&blob), Some(0xcbf4_3926));
    }
}
