//! DWARF: inlined functions and source lines.
//!
//! Debug information belongs to the traced program and is hostile. gimli checks every read;
//! here nothing recurses, every table has a limit, and no path in the data is opened unless
//! the file there has the right build id.

mod functions;
mod lines;
mod names;
mod ranges;
mod sections;
mod units;

use std::sync::Arc;

use crate::elf::ElfFile;
use crate::frame::SourceLine;
use units::{UnitData, Units};

/// What gimli reads from: shared bytes in either byte order.
type Reader = gimli::EndianArcSlice<gimli::RunTimeEndian>;

/// The debug information of one file.
#[derive(Debug)]
pub(crate) struct DebugInfo {
    dwarf: gimli::Dwarf<Reader>,
    units: Units,
    bytes: usize,
}

/// A function at an address, as the debug information knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// The name as the linker sees it when there is one, else as the source has it.
    pub(crate) name: Option<Arc<str>>,
    /// First address and first address behind it; only known for functions that are not
    /// inlined.
    pub(crate) range: Option<(u64, u64)>,
    /// Where execution is in this function.
    pub(crate) source: Option<SourceLine>,
}

impl DebugInfo {
    /// Reads the sections of `elf`, at most `limit` bytes of them, and the index of its
    /// units. `Ok(None)` when the file has no debug information. `supplement` finds the file
    /// that dwz moved common parts to.
    pub(crate) fn read(
        elf: &ElfFile,
        supplement: impl Fn(&ElfFile) -> Option<ElfFile>,
        limit: u64,
    ) -> Result<Option<Self>, String> {
        let Some((dwarf, bytes)) = sections::load(elf, supplement, limit)? else {
            return Ok(None);
        };
        let units = Units::index(&dwarf).map_err(|e| format!("its units: {e}"))?;
        Ok(Some(Self { dwarf, units, bytes }))
    }

    /// The functions at `vaddr`, innermost first: the last one is the real function, those
    /// before it are inlined. Empty when nothing is known.
    pub(crate) fn functions(&self, vaddr: u64) -> Vec<Function> {
        let units = self.units.holding(&self.dwarf, vaddr);
        let found = units.into_iter().find_map(|unit| {
            let chain = functions::chain(&self.dwarf, &self.units, unit, vaddr);
            (!chain.is_empty()).then(|| self.frames(unit, vaddr, chain))
        });
        found.unwrap_or_default()
    }

    /// The source line at `vaddr`.
    pub(crate) fn line(&self, vaddr: u64) -> Option<SourceLine> {
        let units = self.units.holding(&self.dwarf, vaddr);
        units.into_iter().find_map(|unit| lines::at(&self.dwarf, unit, vaddr))
    }

    /// True when a limit was reached and some addresses will have no inlined functions.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.units.incomplete
    }

    /// Memory in use by the sections, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// True when what describes `vaddr` is in a `.dwo` file, which is not read.
    pub(crate) fn is_split_at(&self, vaddr: u64) -> bool {
        let units = self.units.holding(&self.dwarf, vaddr);
        units.iter().any(|data| data.unit.dwo_id.is_some())
    }

    /// The innermost function is where the line table says; each other one is where it calls
    /// the one inside it.
    fn frames(&self, unit: &UnitData, vaddr: u64, chain: Vec<functions::Found>) -> Vec<Function> {
        let mut source = lines::at(&self.dwarf, unit, vaddr);
        let mut frames = Vec::with_capacity(chain.len());
        for found in chain.into_iter().rev() {
            let here =
                std::mem::replace(&mut source, found.call.and_then(|call| lines::of_call(&self.dwarf, unit, call)));
            frames.push(Function { name: found.name, range: found.range, source: here });
        }
        frames
    }
}
