//! From source lines to addresses.

use super::units::UnitData;
use super::{DebugInfo, lines};

/// Further rows of a unit's table are not looked at.
const MAX_ROWS: usize = 16_000_000;
/// Further addresses of one line are left out.
const MAX_ADDRESSES: usize = 100_000;
/// Names of files that are kept for messages.
const MAX_FILES: usize = 100_000;

/// The code of a source line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineCode {
    /// Where its code starts, in ascending order: several where the compiler copied it.
    pub addresses: Vec<u64>,
    /// Without addresses: the nearest line of that file that has some.
    pub nearest: Option<u32>,
    /// Without addresses and nearest line: the files that there are.
    pub files: Vec<String>,
}

impl DebugInfo {
    /// The code of a line, and column if one is given, of the files whose paths end with `file`.
    pub fn line_code(&self, file: &str, line: u32, column: Option<u32>) -> LineCode {
        let mut search = Search { wanted: Wanted { line, column }, code: LineCode::default() };
        for unit in (0..self.units.count()).filter_map(|number| self.units.data(self, number)) {
            let files = files_called(self, unit, file);
            if !files.is_empty() {
                // A damaged table ends where it is damaged.
                let _ = search.run(unit, &files);
            }
        }
        let mut code = search.code;
        code.addresses.sort_unstable();
        code.addresses.dedup();
        if code.addresses.is_empty() && code.nearest.is_none() {
            code.files = self.source_files();
        }
        code
    }

    /// The source files with lines, each once. For error messages: it looks at all units.
    fn source_files(&self) -> Vec<String> {
        let units = (0..self.units.count()).filter_map(|number| self.units.data(self, number));
        let mut files: Vec<String> =
            units.flat_map(|unit| lines::files(self, unit)).map(|(_, path)| path).take(MAX_FILES).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

/// Numbers of the files of a unit whose paths end with whole components of `wanted`.
fn files_called(info: &DebugInfo, unit: &UnitData, wanted: &str) -> Vec<u64> {
    let is_called = |path: &str| {
        let rest = path.strip_suffix(wanted);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || wanted.starts_with('/'))
    };
    lines::files(info, unit).filter(|(_, path)| is_called(path)).map(|(number, _)| number).collect()
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    line: u32,
    column: Option<u32>,
}

struct Search {
    wanted: Wanted,
    code: LineCode,
}

impl Search {
    fn run(&mut self, unit: &UnitData, files: &[u64]) -> gimli::Result<()> {
        let Some(program) = unit.unit.line_program.clone() else { return Ok(()) };
        let mut rows = program.rows();
        // Rows that follow each other for the same line are one place.
        let mut inside = false;
        let mut is_code = true;
        let mut starts = true;
        for _ in 0..MAX_ROWS {
            let Some((_, row)) = rows.next_row()? else { break };
            // Linkers put what they threw away at address 0.
            is_code = if starts { row.address() != 0 } else { is_code };
            starts = row.end_sequence();
            let line = row.line().and_then(|line| u32::try_from(line.get()).ok()).unwrap_or(0);
            if !files.contains(&row.file_index()) || starts || line == 0 || !is_code {
                inside = false;
                continue;
            }
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 0,
                gimli::ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(0),
            };
            let wanted = line == self.wanted.line && self.wanted.column.is_none_or(|wanted| wanted == column);
            if wanted && row.is_stmt() && !inside && self.code.addresses.len() < MAX_ADDRESSES {
                self.code.addresses.push(row.address());
            }
            inside = wanted && (inside || row.is_stmt());
            if row.is_stmt() {
                self.near(line);
            }
        }
        Ok(())
    }

    fn near(&mut self, line: u32) {
        let distance = |line: u32| line.abs_diff(self.wanted.line);
        // Of two as near, the later one is what a debugger would stop at.
        if self.code.nearest.is_none_or(|known| (distance(line), known) < (distance(known), line)) {
            self.code.nearest = Some(line);
        }
    }
}
