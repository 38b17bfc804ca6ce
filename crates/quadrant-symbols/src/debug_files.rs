//! Finding the files that hold what stripping removed from a program.
//!
//! Both the process's own root and the tracer's are searched: containers rarely have debug
//! files, the machine around them may. A file only counts when its build id (or, for links
//! without one, its checksum) fits, so a wrong or planted file cannot give wrong names.

use std::ffi::OsStr;
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

/// A folder with debug files that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugDir {
    /// The folder.
    pub path: PathBuf,
    /// A file that has no build id only counts when its checksum is the one that the program names.
    pub checked: bool,
}

impl DebugDir {
    /// The folders in `DIR[:DIR]`; a `+` before one asks for the checksum to be looked at, a `-` not, which is the default.
    pub fn parse(text: &str) -> Vec<Self> {
        let dirs = text.split(':').filter(|dir| !dir.is_empty());
        let dir = |dir: &str| match dir.strip_prefix('+') {
            Some(rest) => Self { path: rest.into(), checked: true },
            None => Self { path: dir.strip_prefix('-').unwrap_or(dir).into(), checked: false },
        };
        dirs.map(dir).filter(|dir| !dir.path.as_os_str().is_empty()).collect()
    }
}

/// Where to look for the debug files of one program or library.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finder {
    /// Path of the program in its own root.
    pub(crate) path: PathBuf,
    /// A process with that root, while it runs.
    pub(crate) pid: Option<u32>,
    /// Folders that the user named: the tracer's own, looked at first.
    pub(crate) dirs: Vec<DebugDir>,
}

/// A place where a debug file may be.
struct Candidate<'a> {
    path: PathBuf,
    proof: Proof<'a>,
    /// In the tracer's root only.
    own: bool,
}

impl Finder {
    /// A finder for a program or library that looks where distributions put debug files.
    pub(crate) fn new(path: impl Into<PathBuf>, pid: Option<u32>) -> Self {
        Self { path: path.into(), pid, dirs: Vec::new() }
    }

    /// The file with the debug information and the full symbol table of `elf`.
    pub(crate) fn debug_file(&self, elf: &ElfFile) -> Option<ElfFile> {
        let id = elf.build_id();
        let link = elf.debug_link();
        let roots = self.roots();
        let candidates = self.candidates(id.as_deref(), link.as_ref());
        candidates.iter().find_map(|candidate| candidate.open(&roots))
    }

    /// The paths at which [`Finder::debug_file`] looks.
    pub(crate) fn places(&self, elf: &ElfFile) -> Vec<PathBuf> {
        let id = elf.build_id();
        let link = elf.debug_link();
        let candidates = self.candidates(id.as_deref(), link.as_ref());
        candidates.into_iter().map(|candidate| candidate.path).collect()
    }

    /// The file to which dwz moved what several debug files have in common.
    pub(crate) fn supplement(&self, link: &str, id: &[u8]) -> Option<ElfFile> {
        let link = Path::new(link);
        let named = self.dirs.iter().filter_map(|dir| build_id_path(&dir.path, id));
        let mut places: Vec<PathBuf> = build_id_path(Path::new(DEBUG_DIR), id).into_iter().collect();
        places.extend(link.file_name().map(|name| Path::new(DEBUG_DIR).join(".dwz").join(name)));
        places.push(self.directory().join(link));
        places.push(Path::new(DEBUG_DIR).join(".build-id/xx").join(link));
        self.first(named, places, Proof::Id(id))
    }

    /// A file with split debug information, in a folder of the user's or at one of these places: what is in it shows whether it belongs
    /// here.
    pub(crate) fn unproven(&self, file: &OsStr, places: impl IntoIterator<Item = PathBuf>) -> Option<ElfFile> {
        let named = self.dirs.iter().map(|dir| dir.path.join(file));
        self.first(named, places, Proof::Content)
    }

    /// The first file that fits: of the user's folders, which are in the tracer's root only, or of the other places.
    fn first(
        &self,
        named: impl IntoIterator<Item = PathBuf>,
        others: impl IntoIterator<Item = PathBuf>,
        proof: Proof<'_>,
    ) -> Option<ElfFile> {
        let roots = self.roots();
        let named = named.into_iter().map(|path| Candidate { path, proof, own: true });
        let mut all = named.chain(others.into_iter().map(|path| Candidate { path, proof, own: false }));
        all.find_map(|candidate| candidate.open(&roots))
    }

    fn candidates<'a>(&self, id: Option<&'a [u8]>, link: Option<&(String, u32)>) -> Vec<Candidate<'a>> {
        let mut all = Vec::new();
        for dir in &self.dirs {
            all.extend(id.into_iter().filter_map(|id| {
                Some(Candidate { path: build_id_path(&dir.path, id)?, proof: Proof::Id(id), own: true })
            }));
        }
        let own = all.len();
        all.extend(id.into_iter().flat_map(|id| {
            build_id_path(Path::new(DEBUG_DIR), id).map(|path| Candidate { path, proof: Proof::Id(id), own: false })
        }));
        if let Some((name, checksum)) = link {
            let named: Vec<Candidate> =
                self.dirs.iter().flat_map(|dir| self.in_dir(dir, name, id, *checksum)).collect();
            all.splice(own..own, named);
            all.extend(self.linked(name, id, *checksum));
        }
        all
    }

    /// In a folder that the user named: as below the root, or all in one.
    fn in_dir<'a>(&self, dir: &DebugDir, name: &str, id: Option<&'a [u8]>, checksum: u32) -> Vec<Candidate<'a>> {
        let proof = match (id, dir.checked) {
            (Some(id), true) => Proof::IdOrChecksum(id, checksum),
            (None, true) => Proof::Checksum(checksum),
            (Some(id), false) => Proof::IdIfAny(id),
            (None, false) => Proof::Nothing,
        };
        let places = [dir.path.join(self.below()).join(name), dir.path.join(name)];
        places.into_iter().map(|path| Candidate { path, proof, own: true }).collect()
    }

    fn linked<'a>(&self, name: &str, id: Option<&'a [u8]>, checksum: u32) -> Vec<Candidate<'a>> {
        let proof = match id {
            Some(id) => Proof::IdOrChecksum(id, checksum),
            None => Proof::Checksum(checksum),
        };
        let directory = self.directory();
        let debug = Path::new(DEBUG_DIR).join(self.below());
        let places = [directory.join(name), directory.join(".debug").join(name), debug.join(name)];
        places.into_iter().map(|path| Candidate { path, proof, own: false }).collect()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// The program's directory, relative to its root.
    fn below(&self) -> &Path {
        let directory = self.directory();
        directory.strip_prefix("/").unwrap_or(directory)
    }

    /// The process's root, then the tracer's.
    fn roots(&self) -> Vec<OwnedFd> {
        let own = std::process::id();
        let pids = self.pid.into_iter().chain([own]);
        pids.filter_map(|pid| open::root_of(pid).ok()).collect()
    }
}

impl Candidate<'_> {
    /// The file, if it is there and belongs to the program. The tracer's root is the last one.
    fn open(&self, roots: &[OwnedFd]) -> Option<ElfFile> {
        let roots = if self.own { roots.last().map(std::slice::from_ref).unwrap_or_default() } else { roots };
        let path = std::path::absolute(&self.path).ok()?;
        let mut files = roots.iter().map(|root| open::regular_in(root.as_fd(), &path, true));
        files.find_map(|file| self.proof.check(file.ok()?))
    }
}

/// What shows that a debug file belongs to a program.
#[derive(Clone, Copy)]
enum Proof<'a> {
    Id(&'a [u8]),
    Checksum(u32),
    /// The build id when the file has one.
    IdOrChecksum(&'a [u8], u32),
    /// The build id when the file has one; otherwise the user's word.
    IdIfAny(&'a [u8]),
    /// The user's word.
    Nothing,
    /// What is in it, for those who read it.
    Content,
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
            Self::IdIfAny(id) => elf.build_id().is_none_or(|found| found == id),
            Self::Nothing => true,
            Self::Content => return Some(elf),
        };
        (useful && proven).then_some(elf)
    }
}

/// `DIR/.build-id/ab/cdef….debug`.
fn build_id_path(dir: &Path, id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    (!rest.is_empty()).then(|| dir.join(format!(".build-id/{first:02x}/{rest}.debug")))
}

/// Where distributions put the debug file with that build id.
pub(crate) fn installed_debug_file(id: &[u8]) -> Option<PathBuf> {
    build_id_path(Path::new(DEBUG_DIR), id)
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
        let path = installed_debug_file(&[0xab, 0xcd, 0x01]).unwrap();
        assert_eq!(path, Path::new("/usr/lib/debug/.build-id/ab/cd01.debug"));
        assert_eq!(installed_debug_file(&[0xab]), None);
        assert_eq!(installed_debug_file(&[]), None);
    }

    #[test]
    fn folders_of_the_user_come_first() {
        let dirs = DebugDir::parse("+/a:/b::-/c:+");
        let dir = |path: &str, checked| DebugDir { path: path.into(), checked };
        assert_eq!(dirs, [dir("/a", true), dir("/b", false), dir("/c", false)]);
        let finder = Finder { path: "/usr/bin/x".into(), pid: None, dirs: DebugDir::parse("/a") };
        let link = ("x.debug".to_owned(), 1);
        let places = finder.candidates(Some(&[0xab, 0xcd]), Some(&link));
        let places: Vec<String> = places.iter().map(|place| place.path.display().to_string()).collect();
        let wanted = [
            "/a/.build-id/ab/cd.debug",
            "/a/usr/bin/x.debug",
            "/a/x.debug",
            "/usr/lib/debug/.build-id/ab/cd.debug",
            "/usr/bin/x.debug",
            "/usr/bin/.debug/x.debug",
            "/usr/lib/debug/usr/bin/x.debug",
        ];
        assert_eq!(places, wanted);
    }

    #[test]
    fn checksum_is_the_one_of_debug_links() {
        let blob = Blob::Memory(b"123456789"[..].into());
        assert_eq!(checksum(&blob), Some(0xcbf4_3926));
    }
}
