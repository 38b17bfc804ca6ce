//! What to say of functions that the compiler put into others: a probe on a function does not see those copies.

use quadrant_program::advice::{Advice, Named};
use quadrant_program::probe::{ProbeError, ProbeKind};

use super::place::INLINED;
use crate::debug::DebugFiles;
use crate::elf::{Elf, Symbol};
use crate::files::Files;
use crate::target::Target;
use crate::warning::Warning;

const DEBUG_INFO: &str = ".debug_info";
/// More debug information is not read for a warning alone.
const MAX_READ: u64 = 32 << 20;

/// Warns of copies of a function beside it in the same unit.
pub(super) fn note(elf: &Elf, target: &Target, files: &Files, debug: &DebugFiles, symbol: &Symbol<'_>) {
    let small = elf.section(DEBUG_INFO).is_some_and(|section| section.size() <= MAX_READ);
    let info = small.then(|| debug.known(files, &target.path)).flatten();
    let copies = info.map_or(0, |info| info.copies_beside(symbol.address));
    if copies > 0 {
        let behind = " (or the setting `probe_inline`) means them, too";
        files.warn(Warning {
            message: format!("{copies} inlined copies of `{}` are not probed", symbol.name),
            help: vec![Advice::one_of("", vec![all_copies(target, symbol.name)], behind)],
        });
    }
}

/// Adds to an error about a missing function that it has inlined copies, if it has.
pub(super) fn advise_copies(
    error: ProbeError,
    name: &str,
    target: &Target,
    files: &Files,
    debug: &DebugFiles,
) -> ProbeError {
    let copies = debug.known(files, &target.path).map_or(0, |info| info.inlined_copies(name).len());
    if copies == 0 {
        return error;
    }
    let file = target.name.display();
    let times = if copies == 1 { "once".to_owned() } else { format!("{copies} times") };
    let message = format!("`{name}` has no code of its own in {file}: it is inlined {times}");
    let copies = Advice::one_of("probe the copies: ", vec![all_copies(target, name)], "");
    crate::error::error(message).help([copies, "probe a function that calls it".into()])
}

fn all_copies(target: &Target, name: &str) -> Named {
    Named::probe(ProbeKind::Uprobe, [&target.name.display().to_string(), INLINED, name])
}
