//! The files that debug information refers to, found beside the program and where distributions put them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quadrant_types::{Companions, Sections};

use crate::debug_files::Finder;
use crate::elf::ElfFile;

impl Sections for ElfFile {
    fn section(&self, name: &str, limit: u64) -> Result<Option<Arc<[u8]>>, String> {
        self.contents(name, limit).map_err(str::to_owned)
    }

    fn is_big_endian(&self) -> bool {
        ElfFile::is_big_endian(self)
    }
}

/// What belongs to one file with debug information.
#[derive(Debug)]
pub(crate) struct Beside {
    finder: Finder,
    /// Path and build id of the file with common parts.
    alternate: Option<(String, Vec<u8>)>,
}

impl Beside {
    pub(crate) fn new(finder: &Finder, elf: &ElfFile) -> Self {
        Self { finder: finder.clone(), alternate: elf.alternate_link() }
    }

    fn boxed(elf: ElfFile) -> Box<dyn Sections> {
        Box::new(elf)
    }
}

impl Companions for Beside {
    fn alternate(&self) -> Option<Box<dyn Sections>> {
        let (link, id) = self.alternate.as_ref()?;
        self.finder.supplement(link, id).map(Self::boxed)
    }

    fn package(&self) -> Option<Box<dyn Sections>> {
        let mut name = self.finder.path.clone().into_os_string();
        name.push(".dwp");
        let name = PathBuf::from(name);
        let file = name.file_name()?.to_owned();
        self.finder.unproven(&file, [name]).map(Self::boxed)
    }

    fn split(&self, directory: &str, name: &str) -> Option<Box<dyn Sections>> {
        let name = Path::new(name);
        let file = name.file_name()?;
        let places = [Path::new(directory).join(name), self.finder.directory().join(file)];
        self.finder.unproven(file, places).map(Self::boxed)
    }
}
