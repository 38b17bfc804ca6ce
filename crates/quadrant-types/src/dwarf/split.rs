//! Split debug information: `.dwo` files, and packages of them (`.dwp`).

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use gimli::{DwarfPackage, Reader as _, Unit};

use super::sections::{Companions, Loader};
use super::{DebugInfo, Reader};

/// The files with split debug information of a program, read when they are needed.
#[derive(Debug)]
pub(super) struct SplitFiles {
    companions: Box<dyn Companions>,
    package: OnceCell<Option<Package>>,
    /// Bytes that may still be read.
    left: Cell<u64>,
}

struct Package(DwarfPackage<Reader>);

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Package")
    }
}

/// What a skeleton stands for.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) dwarf: gimli::Dwarf<Reader>,
    pub(super) unit: Unit<Reader>,
}

impl SplitFiles {
    pub(super) fn new(companions: Box<dyn Companions>, left: u64) -> Self {
        Self { companions, package: OnceCell::new(), left: Cell::new(left) }
    }

    /// The unit that a skeleton stands for; otherwise the name of the file that was not found or cannot be used. `Ok(None)` for
    /// a unit that is whole.
    pub(super) fn of(&self, info: &DebugInfo, skeleton: &Unit<Reader>) -> Result<Option<Split>, String> {
        let Some(id) = skeleton.dwo_id else { return Ok(None) };
        let Some(name) = dwo_name(info, skeleton) else { return Ok(None) };
        let packed = self.package(info).and_then(|package| package.0.find_cu(id, &info.dwarf).ok()?);
        let found = match packed {
            Some(dwarf) => Some(dwarf),
            None => self.file(info, skeleton, &name),
        };
        let split = found.and_then(|dwarf| unit_of(dwarf, id, skeleton));
        split.map(Some).ok_or(name)
    }

    fn package(&self, info: &DebugInfo) -> Option<&Package> {
        self.package.get_or_init(|| self.read_package(info)).as_ref()
    }

    fn read_package(&self, _info: &DebugInfo) -> Option<Package> {
        let file = self.companions.package()?;
        let mut loader = Loader::new(&*file, self.left.get());
        let empty = loader.reader(Arc::from([]));
        let package = DwarfPackage::load(|id| loader.split(&*file, id).map_err(|_| gimli::Error::Io), empty).ok()?;
        self.left.set(loader.left);
        Some(Package(package))
    }

    fn file(&self, info: &DebugInfo, skeleton: &Unit<Reader>, name: &str) -> Option<gimli::Dwarf<Reader>> {
        let directory = skeleton.comp_dir.as_ref().and_then(|dir| dir.to_slice().ok());
        let directory = directory.map(|dir| String::from_utf8_lossy(&dir).into_owned()).unwrap_or_default();
        let file = self.companions.split(&directory, name)?;
        let mut loader = Loader::new(&*file, self.left.get());
        let mut dwarf = gimli::Dwarf::load(|id| loader.split(&*file, id)).ok()?;
        self.left.set(loader.left);
        dwarf.make_dwo(&info.dwarf);
        Some(dwarf)
    }
}

fn dwo_name(info: &DebugInfo, skeleton: &Unit<Reader>) -> Option<String> {
    let name = info.dwarf.attr_string(skeleton, skeleton.dwo_name().ok()??).ok()?;
    Some(String::from_utf8_lossy(&name.to_slice().ok()?).into_owned())
}

/// The unit with that id: a file that was made by another compilation has another one.
fn unit_of(dwarf: gimli::Dwarf<Reader>, id: gimli::DwoId, skeleton: &Unit<Reader>) -> Option<Split> {
    let mut headers = dwarf.units();
    while let Some(header) = headers.next().ok()? {
        let mut unit = dwarf.unit(header).ok()?;
        if unit.dwo_id == Some(id) {
            unit.copy_relocated_attributes(skeleton);
            return Some(Split { dwarf, unit });
        }
    }
    None
}
