//! DWARF: functions with their parameters, inlined functions, types and source lines.
//!
//! Debug information belongs to the traced program and is hostile. gimli checks every read; here nothing recurses, every table
//! has a limit, and nothing is opened: whoever reads a file gives its sections ([`Sections`]) and finds the files it refers to
//! ([`Companions`]).

mod classes;
mod die;
mod functions;
mod inlined;
mod lines;
mod location;
mod parameters;
mod places;
mod ranges;
mod scopes;
mod search;
mod sections;
mod split;
mod units;

pub use classes::Passing;
pub(crate) use classes::passing;
pub(crate) use die::Die;
pub use die::DieRef;
pub use lines::SourceLine;
pub use location::{Base, Location};
pub use parameters::{Parameter, Subprogram};
pub use places::LineCode;
pub use sections::{Companions, Sections};

use std::cell::OnceCell;
use std::sync::Arc;

use units::{UnitData, Units};

/// What gimli reads from: shared bytes in either byte order.
type Reader = gimli::EndianArcSlice<gimli::RunTimeEndian>;

/// The debug information of one file.
#[derive(Debug)]
pub struct DebugInfo {
    dwarf: gimli::Dwarf<Reader>,
    units: Units,
    split: split::SplitFiles,
    names: OnceCell<search::NameIndex>,
    passing: classes::Known,
    bytes: usize,
}

/// A function at an address, as the debug information knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The name as the linker sees it when there is one, else as the source has it.
    pub name: Option<Arc<str>>,
    /// First address and first address behind it; only known for functions that are not inlined.
    pub range: Option<(u64, u64)>,
    /// Where execution is in this function.
    pub source: Option<SourceLine>,
}

impl DebugInfo {
    /// Reads the sections of a file, at most `limit` bytes of them, and the index of its units; `places` are wanted by those who ask where
    /// parameters are. `Ok(None)` when the file has no debug information.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow "debug information not used:".
    pub fn read(
        file: &dyn Sections,
        companions: impl Companions + 'static,
        limit: u64,
        places: bool,
    ) -> Result<Option<Self>, String> {
        let Some((dwarf, bytes)) = sections::load(file, &companions, limit, places)? else {
            return Ok(None);
        };
        let units = Units::index(&dwarf).map_err(|e| format!("its units: {e}"))?;
        let left = limit.saturating_sub(bytes as u64);
        let split = split::SplitFiles::new(Box::new(companions), left);
        Ok(Some(Self { dwarf, units, split, names: OnceCell::new(), passing: classes::Known::default(), bytes }))
    }

    /// The functions at `vaddr`, innermost first: the last one is the real function, those before it are inlined. Empty when
    /// nothing is known.
    pub fn functions(&self, vaddr: u64) -> Vec<Function> {
        let units = self.units.holding(self, vaddr);
        let found = units.into_iter().find_map(|unit| {
            let chain = functions::chain(self, unit, vaddr);
            (!chain.is_empty()).then(|| self.frames(unit, vaddr, chain))
        });
        found.unwrap_or_default()
    }

    /// The source line at `vaddr`.
    pub fn line(&self, vaddr: u64) -> Option<SourceLine> {
        let units = self.units.holding(self, vaddr);
        units.into_iter().find_map(|unit| lines::at(self, unit, vaddr))
    }

    /// True when a limit was reached and some addresses will have no inlined functions.
    pub fn is_incomplete(&self) -> bool {
        self.units.incomplete
    }

    /// Memory in use by the sections, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The name of the `.dwo` file with what describes `vaddr`, if that was not found.
    pub fn missing_split_file(&self, vaddr: u64) -> Option<String> {
        let units = self.units.holding(self, vaddr);
        units.iter().find_map(|data| data.missing_split.clone())
    }

    /// The innermost function is where the line table says; each other one is where it calls the one inside it.
    fn frames(&self, unit: &UnitData, vaddr: u64, chain: Vec<functions::Found>) -> Vec<Function> {
        let mut source = lines::at(self, unit, vaddr);
        let mut frames = Vec::with_capacity(chain.len());
        for found in chain.into_iter().rev() {
            let here = std::mem::replace(&mut source, found.call.and_then(|call| lines::of_call(self, unit, call)));
            frames.push(Function { name: found.name, range: found.range, source: here });
        }
        frames
    }
}
