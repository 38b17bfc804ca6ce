//! Source lines of a unit.

use std::sync::Arc;

use gimli::{AttributeValue, FileEntry, LineProgramHeader, Reader as _};

use super::functions::Call;
use super::units::UnitData;
use super::{DebugInfo, Reader};

/// A position in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file, as the compiler was given it, with its directory.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 when the compiler gave none.
    pub line: u32,
}

/// Further rows of a table are left out.
const MAX_ROWS: usize = 16_000_000;
/// Further files of a unit are not looked at.
const MAX_FILES: usize = 1_000_000;
/// Longer paths are cut.
const MAX_PATH: usize = 4096;

/// A unit's line table: rows sorted by address. A row holds up to the next one.
#[derive(Debug, Default)]
pub(super) struct LineTable(Vec<Row>);

#[derive(Debug, Clone, Copy)]
struct Row {
    addr: u64,
    file: u32,
    /// [`END`] for the end of a run of code.
    line: u32,
}

const END: u32 = u32::MAX;

/// The source line at `vaddr`.
pub(super) fn at(info: &DebugInfo, unit: &UnitData, vaddr: u64) -> Option<SourceLine> {
    let table = unit.lines.get_or_init(|| table(unit).unwrap_or_default());
    let after = table.0.partition_point(|row| row.addr <= vaddr);
    let row = table.0.get(after.checked_sub(1)?)?;
    (row.line != END).then_some(())?;
    of_call(info, unit, Call { file: u64::from(row.file), line: row.line })
}

/// The source line of a call.
pub(super) fn of_call(info: &DebugInfo, unit: &UnitData, call: Call) -> Option<SourceLine> {
    let program = unit.unit.line_program.as_ref()?;
    let header = program.header();
    // Before DWARF 5 files count from 1 and 0 means none.
    let none = call.file == 0 && header.version() < 5;
    let file = if none { None } else { header.file(call.file) };
    Some(SourceLine { file: path(info, unit, header, file?).into(), line: call.line })
}

/// The files of a unit's line table by their numbers there, with their paths.
pub(super) fn files(info: &DebugInfo, unit: &UnitData) -> impl Iterator<Item = (u64, String)> {
    let header = unit.unit.line_program.as_ref().map(|program| program.header());
    let files = header.into_iter().flat_map(move |header| {
        // Before DWARF 5 files count from 1.
        let first = u64::from(header.version() < 5);
        let numbered = (first..).zip(header.file_names());
        numbered.map(move |(number, file)| (number, path(info, unit, header, file)))
    });
    files.take(MAX_FILES)
}

/// Runs the line program once and keeps its rows.
fn table(unit: &UnitData) -> gimli::Result<LineTable> {
    let mut rows = Vec::new();
    let Some(program) = unit.unit.line_program.clone() else {
        return Ok(LineTable(rows));
    };
    let mut program = program.rows();
    while let Some((_, row)) = program.next_row()? {
        if rows.len() >= MAX_ROWS {
            break;
        }
        let line = row.line().map_or(0, |line| line.get());
        rows.push(Row {
            addr: row.address(),
            file: u32::try_from(row.file_index()).unwrap_or(u32::MAX),
            line: match row.end_sequence() {
                true => END,
                false => u32::try_from(line).unwrap_or(0),
            },
        });
    }
    // Runs of code are sorted each, but not among each other. An end comes before a start at
    // the same address, the last of several rows at one address is the one that counts.
    rows.sort_by_key(|row| (row.addr, row.line != END));
    Ok(LineTable(rows))
}

/// Directory of the compilation, directory of the file, name of the file: each is relative to
/// the one before unless it is absolute.
fn path(info: &DebugInfo, unit: &UnitData, header: &LineProgramHeader<Reader>, file: &FileEntry<Reader>) -> String {
    let text = |value: AttributeValue<Reader>| {
        let bytes = info.dwarf.attr_string(&unit.unit, value).ok()?;
        let bytes = bytes.to_slice().ok()?;
        let bytes = bytes.get(..MAX_PATH).unwrap_or(&bytes);
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    let compiled_in = unit.unit.comp_dir.as_ref().and_then(|dir| {
        let bytes = dir.to_slice().ok()?;
        Some(String::from_utf8_lossy(bytes.get(..MAX_PATH).unwrap_or(&bytes)).into_owned())
    });
    let directory = file.directory(header).and_then(text);
    let name = text(file.path_name());
    let mut path = String::new();
    for part in [compiled_in, directory, name].into_iter().flatten() {
        join(&mut path, &part);
    }
    path
}

fn join(path: &mut String, part: &str) {
    if part.starts_with('/') {
        path.clear();
    } else if !path.is_empty() && !path.ends_with('/') {
        path.push('/');
    }
    path.push_str(part);
}
