//! Five-byte nops. Linux 6.18 makes a call of one that is probed, whose return address lands below the stack pointer: there functions
//! that call nothing keep variables.

use crate::elf::{Elf, Symbol};
use crate::error::{Result, advise};
use crate::files::Files;
use crate::source::Options;
use crate::warning::Warning;
use quadrant_bpf::features::calls_for_uprobes;
use quadrant_program::probe::ProbeError;

const WHY: &str = "this kernel makes a call of a five-byte nop that is probed, whose return address overwrites variables that a function \
                   without calls keeps below its stack pointer";
/// How many places are named.
const SHOWN: usize = 3;

/// Refuses a place where a probe would change what the program computes on this kernel.
pub(crate) fn check(elf: &Elf, function: Option<&Symbol<'_>>, address: u64, place: &str) -> Result<()> {
    let is_safe = || function.is_some_and(|function| elf.spares_variables(function, address));
    if !elf.has_long_nop(address) || !calls_for_uprobes() || is_safe() {
        return Ok(());
    }
    let before = function.and_then(|function| Some((function, elf.instruction_before(function, address)?)));
    let instead = match before {
        Some((function, before)) if !function.name.is_empty() => {
            format!("probe the instruction before it, `{}+{}`", function.name, before - function.address)
        }
        Some((_, before)) => format!("probe the instruction before it, {before:#x}"),
        None => "probe another instruction".to_owned(),
    };
    Err(advise(format!("a probe at `{place}` would make the program compute wrongly: {WHY}"), instead))
}

/// As [`check`], where the function is not known yet: looking for it takes time.
pub(crate) fn check_unknown(elf: &Elf, address: u64, place: &str) -> Result<()> {
    if !elf.has_long_nop(address) || !calls_for_uprobes() {
        return Ok(());
    }
    let symbol = elf.symbols()?.function_around(address).or_else(|| elf.unwind_range(address));
    check(elf, symbol.as_ref(), address, place)
}

/// With --unsafe a refusal is a warning.
pub(crate) fn unless_unsafe(checked: Result<()>, files: &Files, options: &Options) -> Result<()> {
    checked.or_else(|error| match options.allow_unsafe {
        true => {
            files.warn(error.message);
            Ok(())
        }
        false => Err(error),
    })
}

/// Of several places those that were refused.
#[derive(Default)]
pub(crate) struct LeftOut {
    places: Vec<String>,
    first: Option<ProbeError>,
}

impl LeftOut {
    /// Whether the place was not refused.
    pub fn keeps(&mut self, place: &str, checked: Result<()>) -> bool {
        let Err(error) = checked else { return true };
        self.places.push(place.to_owned());
        self.first.get_or_insert(error);
        false
    }

    /// Says which they are; the first refusal is the error if nothing else was found.
    pub fn tell(self, files: &Files, nothing_found: bool) -> Result<()> {
        match self.first {
            Some(error) if nothing_found => Err(error),
            Some(_) => {
                files.warn(Warning::from(format!("{} left out: {WHY}", named(&self.places))));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The places, and the verb.
fn named(places: &[String]) -> String {
    if let [one] = places {
        return format!("`{one}` is");
    }
    let more = if places.len() > SHOWN { ", ..." } else { "" };
    let first: Vec<String> = places.iter().take(SHOWN).map(|place| format!("`{place}`")).collect();
    format!("{} places ({}{more}) are", places.len(), first.join(", "))
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;
    use crate::debug::DebugFiles;
    use crate::testing::{kernel_types, spec};
    use crate::uprobe::resolve;
    use quadrant_program::probe::{Found, ProbeKind};
    use quadrant_testing::Folder;
    use std::path::Path;
    use std::rc::Rc;

    /// `leaf` and `caller` have a five-byte nop at their entry and another one behind it.
    const SOURCE: &str = r#"
#define NOP ".byte 0x0f, 0x1f, 0x44, 0, 0\n"
__asm__(".globl leaf\n.type leaf, @function\nleaf: " NOP NOP "ret\n.size leaf, . - leaf\n"
    ".globl caller\n.type caller, @function\ncaller: " NOP "push %rax\n" NOP "call leaf\npop %rax\nret\n"
    ".size caller, . - caller\n");
int main(void) { return 0; }
"#;

    fn find(files: &Files, debug: &DebugFiles, program: &Path, place: &str) -> Result<Vec<Found>> {
        let spec = spec(ProbeKind::Uprobe, &[program.to_str().unwrap(), place]);
        resolve(files, debug, &spec, &Options::default())
    }

    #[test]
    fn nops_inside_functions_that_call_nothing_are_not_made_calls() {
        let folder = Folder::new("long-nop");
        let Some(program) = folder.compile("program", SOURCE, &["-O1", "-w"]) else { return };
        let Some(types) = kernel_types() else { return };
        let (files, debug) = (Files::default(), DebugFiles::new(Rc::new(types), Vec::new()));
        let find = |place: &str| find(&files, &debug, &program, place);
        for safe in ["leaf", "caller", "caller+6", "leaf+10"] {
            assert_eq!(find(safe).unwrap().len(), 1, "{safe}");
        }
        let (inside, all) = (find("leaf+5"), find("leaf+*").unwrap());
        let warnings = files.take_warnings();
        if !calls_for_uprobes() {
            assert!(inside.is_ok() && all.len() == 3 && warnings.is_empty());
            return quadrant_testing::skip("this kernel makes no calls of nops");
        }
        let error = inside.unwrap_err();
        assert!(error.message.contains("`leaf+5` would make the program compute wrongly"), "{error:?}");
        assert!(error.help_in(|_| None)[0].contains("`leaf+0`"), "{error:?}");
        assert_eq!(all.len(), 2);
        assert!(warnings[0].message.starts_with("`leaf+5` is left out: "), "{warnings:?}");
    }
}
