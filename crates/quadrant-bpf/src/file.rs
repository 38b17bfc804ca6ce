//! A file of sysfs as a slice, mapped where the kernel can.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::mmap::{Access, Mapping};

/// System calls that look at files without changing any.
const LOOKS: &[libc::c_long] = &[
    libc::SYS_openat,
    libc::SYS_statx,
    libc::SYS_newfstatat,
    libc::SYS_fstat,
    libc::SYS_faccessat,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_read,
    libc::SYS_pread64,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
];

/// Whether a system call only looks at files. Its number is the processor's, as in `/proc/PID/syscall`.
pub fn is_look(number: i64) -> bool {
    LOOKS.contains(&number)
}

/// A path for messages: what a path that leads to a descriptor of this process stands for.
pub(crate) fn shown(path: &CStr) -> String {
    let text = path.to_string_lossy();
    let file = text.starts_with("/proc/self/fd/").then(|| std::fs::read_link(&*text).ok()).flatten();
    file.map_or_else(|| text.clone().into_owned(), |file| file.display().to_string())
}

/// The content of a file below /sys, such as the kernel's BTF.
///
/// Other files are refused: a file that someone cuts short while it is mapped kills the process that reads it.
pub struct MappedFile {
    content: Content,
}

enum Content {
    Mapped(Mapping),
    /// For kernels that cannot map files of sysfs.
    Read(Vec<u8>),
}

impl MappedFile {
    /// Maps, or else reads, the file.
    pub fn open(path: &Path) -> Result<MappedFile> {
        let what = || format!("cannot read {}", path.display());
        let file = File::open(path).map_err(|error| Error::io(what(), &error))?;
        if !is_sysfs(&file) {
            return Err(Error::new(what(), "it is not a file of sysfs, so it could shrink while it is read"));
        }
        let content = map(&file).map_or_else(|| read(file), |mapping| Ok(Content::Mapped(mapping)));
        let content = content.map_err(|error| Error::io(what(), &error))?;
        Ok(MappedFile { content })
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.content {
            // SAFETY: the mapping is a private view of a file of sysfs that holds constant data of the kernel.
            Content::Mapped(mapping) => unsafe { mapping.bytes(0, mapping.len()) }.unwrap_or_default(),
            Content::Read(content) => content,
        }
    }
}

fn map(file: &File) -> Option<Mapping> {
    let len = usize::try_from(file.metadata().ok()?.len()).ok().filter(|len| *len > 0)?;
    Mapping::new(file.as_fd(), len, 0, Access::Private).ok()
}

fn read(mut file: File) -> std::io::Result<Content> {
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(Content::Read(content))
}

fn is_sysfs(file: &File) -> bool {
    const SYSFS_MAGIC: i64 = 0x6265_6572;
    file_system(file).is_ok_and(|kind| kind == SYSFS_MAGIC)
}

fn file_system(file: &File) -> std::result::Result<i64, Errno> {
    let mut status = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel writes a whole `statfs` to the place given.
    let answer = unsafe { libc::fstatfs(file.as_raw_fd(), status.as_mut_ptr()) };
    crate::sys::check(answer.into())?;
    // SAFETY: the call succeeded, so the structure is written.
    Ok(unsafe { status.assume_init() }.f_type)
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    #[test]
    fn a_descriptor_is_shown_as_the_file_that_it_is_of() {
        let file = File::open("/etc/hostname").or_else(|_| File::open("/etc/passwd")).unwrap();
        let path = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
        assert!(shown(&path).starts_with("/etc/"), "{}", shown(&path));
        assert_eq!((shown(c"/proc/self/fd/x"), shown(c"/bin/x")), ("/proc/self/fd/x".to_owned(), "/bin/x".to_owned()));
    }
}
