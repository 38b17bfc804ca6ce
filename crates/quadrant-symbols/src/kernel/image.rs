//! The kernel's image with debug information (`vmlinux`), when it is installed.

use std::path::{Path, PathBuf};

use quadrant_types::{DebugInfo, Function};

use crate::blob::Blob;
use crate::debug_files::{Finder, installed_debug_file};
use crate::elf::{ElfFile, build_id_of_notes};
use crate::error::{Error, errno_name};
use crate::files::FileSymbols;
use crate::open;

/// The first symbol of the image: the distance between its two addresses is how far the
/// kernel was moved when it started (KASLR).
const START: &str = "_text";

/// The image, and how far the running kernel lies from where the image says.
#[derive(Debug)]
pub(super) struct Image {
    debug: DebugInfo,
    moved: u64,
}

impl Image {
    /// Reads the image at `path`, or else that of the running kernel. `start` is the address
    /// of the symbol `_text` now. The error says what is missing.
    pub(super) fn find(path: Option<&Path>, start: u64, limit: u64) -> Result<Self, String> {
        match path {
            Some(path) => Self::read(path, start, limit),
            None => Self::read(&installed()?, start, limit),
        }
    }

    /// The name of the symbol that [`Image::find`] needs.
    pub(super) fn start_symbol() -> &'static str {
        START
    }

    /// The functions at an address of the running kernel, innermost first.
    pub(super) fn functions(&self, addr: u64) -> Vec<Function> {
        self.debug.functions(addr.wrapping_sub(self.moved))
    }

    fn read(path: &Path, start: u64, limit: u64) -> Result<Self, String> {
        let problem = |why: &str| format!("{}: {why}", path.display());
        let finder = Finder::new(path, None);
        let blob = open_blob(path).map_err(|error| error.to_string())?;
        let symbols = FileSymbols::open(blob, &finder, true).map_err(|why| problem(&why.to_string()))?;
        let (said, _) = symbols.named(START).ok_or_else(|| problem("it has no symbol _text"))?;
        let debug = symbols.debug_info(&finder, limit).map_err(|why| problem(&why))?;
        let debug = debug.ok_or_else(|| problem("it has no debug information"))?;
        Ok(Self { debug, moved: start.wrapping_sub(said) })
    }
}

/// The image of the running kernel, recognized by its build id.
fn installed() -> Result<PathBuf, String> {
    let id = std::fs::read("/sys/kernel/notes").ok().and_then(|notes| build_id_of_notes(&notes));
    let id = id.ok_or("the running kernel has no build id (/sys/kernel/notes)")?;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    let release = release.map_err(|error| errno_name(&error))?;
    let release = release.trim();
    let places = [
        format!("/usr/lib/debug/boot/vmlinux-{release}"),
        format!("/usr/lib/debug/lib/modules/{release}/vmlinux"),
        format!("/usr/lib/debug/usr/lib/modules/{release}/vmlinux"),
        format!("/lib/modules/{release}/build/vmlinux"),
        format!("/lib/modules/{release}/vmlinux"),
        format!("/boot/vmlinux-{release}"),
    ];
    let places = installed_debug_file(&id).into_iter().chain(places.map(PathBuf::from));
    let mut fitting = places.filter(|path| has_build_id(path, &id));
    fitting.next().ok_or_else(|| {
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("no vmlinux with build id {id} is installed (package linux-image-{release}-dbg or kernel-debuginfo)")
    })
}

fn has_build_id(path: &Path, id: &[u8]) -> bool {
    let elf = open_blob(path).ok().and_then(|blob| ElfFile::open(blob).ok());
    elf.is_some_and(|elf| elf.build_id().as_deref() == Some(id))
}

fn open_blob(path: &Path) -> Result<Blob, Error> {
    let failed = |error| Error::io(format!("open {}", path.display()), &error);
    let file = open::regular(path).map_err(failed)?;
    Blob::from_file(file.into()).map_err(failed)
}
