//! The debug information of programs and libraries, for those who ask for types rather than names.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};

use quadrant_types::DebugInfo;

use crate::blob::Blob;
use crate::companions::Beside;
use crate::debug_files::{DebugDir, Finder};
use crate::elf::ElfFile;
use crate::error::errno_name;

const DEBUG_INFO: &str = ".debug_info";
/// Sections of one file, together.
const MAX_BYTES: u64 = 4 << 30;
/// Where dpkg lists which files each package has.
const PACKAGES: &str = "/var/lib/dpkg/info";
/// Longer lists of files are not looked through.
const MAX_LIST: u64 = 64 << 20;

/// Finds the debug information of files.
#[derive(Debug, Clone, Default)]
pub struct DebugSource {
    dirs: Vec<DebugDir>,
}

/// Why there is no debug information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoDebugInfo {
    /// What is wrong, in words that follow the file's name and "has no debug information"; empty if there just is none.
    pub why: String,
    /// Where a separate file was looked for.
    pub looked: Vec<PathBuf>,
    /// The file, in its own root.
    name: PathBuf,
}

impl DebugSource {
    /// Looks in these folders first.
    pub fn new(dirs: Vec<DebugDir>) -> Self {
        Self { dirs }
    }

    /// The separate file with the symbols of an open file that has no table of its own functions. `name` and `pid` as for
    /// [`DebugSource::of`].
    pub fn symbols_of(&self, file: File, name: &Path, pid: Option<u32>) -> Option<File> {
        let finder = Finder { path: name.to_owned(), pid, dirs: self.dirs.clone() };
        let separate = finder.debug_file(&elf(file).ok()?)?;
        separate.has_contents(".symtab").then(|| separate.again())?
    }

    /// The debug information of an open file: its own, or that of a separate file. `name` is its path in its own root, which is
    /// that of the process `pid`.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn of(&self, file: File, name: &Path, pid: Option<u32>) -> Result<DebugInfo, NoDebugInfo> {
        let finder = Finder { path: name.to_owned(), pid, dirs: self.dirs.clone() };
        let because = |why| NoDebugInfo { why, looked: Vec::new(), name: name.to_owned() };
        let elf = elf(file).map_err(because)?;
        let nothing = || NoDebugInfo { looked: finder.places(&elf), ..because(String::new()) };
        let separate = match elf.has_contents(DEBUG_INFO) {
            true => None,
            false => Some(finder.debug_file(&elf).ok_or_else(nothing)?),
        };
        let file = separate.as_ref().unwrap_or(&elf);
        let info = DebugInfo::read(file, Beside::new(&finder, file), MAX_BYTES, true).map_err(because)?;
        info.ok_or_else(nothing)
    }
}

impl NoDebugInfo {
    /// The Debian package that installed the file. It takes a look through the lists of all packages.
    pub fn package(&self) -> Option<String> {
        package_of(&self.name)
    }
}

fn elf(file: File) -> Result<ElfFile, String> {
    let blob = Blob::from_file(file.into()).map_err(|error| errno_name(&error))?;
    ElfFile::open(blob).map_err(|why| format!("it is no usable ELF file: {why}"))
}

fn package_of(name: &Path) -> Option<String> {
    let name = name.to_str()?;
    // Where /bin is a link to /usr/bin, packages may say either.
    let other = name.strip_prefix("/usr").map_or_else(|| format!("/usr{name}"), str::to_owned);
    let lists = fs::read_dir(PACKAGES).ok()?.flatten().map(|entry| entry.path());
    let mut lists = lists.filter(|path| path.extension().is_some_and(|extension| extension == "list"));
    let list = lists.find(|path| {
        let small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= MAX_LIST);
        let text = small.then(|| fs::read_to_string(path).ok()).flatten().unwrap_or_default();
        text.lines().any(|line| line == name || line == other)
    })?;
    let package = list.file_stem()?.to_str()?;
    Some(package.split(':').next().unwrap_or(package).to_owned())
}
