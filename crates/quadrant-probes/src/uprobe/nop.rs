//! Five-byte nops. Linux 6.18 makes a call of one that is probed. Its return address lands below the stack pointer, where functions that
//! call nothing keep variables, and children that the program forks have the call without the code that it leads to.

use crate::elf::{Elf, Symbol};
use crate::error::{Result, advise};
use crate::files::Files;
use crate::source::Options;
use crate::warning::Warning;
use quadrant_bpf::features::{CalledNop, called_nop};
use quadrant_program::probe::ProbeError;

const WHY: &str = "this kernel makes a call of a five-byte nop that is probed, which kills children that the program forks, and overwrites \
                   variables that a function without calls keeps below its stack pointer";
/// How many places are named.
const SHOWN: usize = 3;

/// Whether a probe at this address would break the program on this kernel.
pub(crate) fn breaks(elf: &Elf, address: u64) -> bool {
    called_nop() == Some(CalledNop::Five) && elf.has_long_nop(address)
}

/// Refuses a place where a probe would break the program on this kernel.
pub(crate) fn check(elf: &Elf, function: Option<&Symbol<'_>>, address: u64, place: &str) -> Result<()> {
    if !breaks(elf, address) {
        return Ok(());
    }
    let before = function.and_then(|function| Some((function, elf.instruction_before(function, address)?)));
    let instead = match before {
        Some((function, before)) if !function.name.is_empty() => {
            format!("probe the instruction before it, `{}+{}`", function.name, before - function.address)
        }
        Some((_, before)) => format!("probe the instruction before it, {before:#x}"),
        None => "probe the instruction behind it".to_owned(),
    };
    Err(advise(format!("a probe at `{place}` would break the program: {WHY}"), instead))
}

/// As [`check`], where the function is not known yet: looking for it takes time.
pub(crate) fn check_unknown(elf: &Elf, address: u64, place: &str) -> Result<()> {
    if !breaks(elf, address) {
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
    use crate::target::TargetFile;
    use crate::testing::{kernel_types, spec};
    use crate::uprobe::resolve;
    use quadrant_program::probe::{Found, ProbeKind, Site};
    use quadrant_testing::Folder;
    use std::path::PathBuf;
    use std::rc::Rc;

    /// `leaf` and `loop` have a five-byte nop at their entry, and `leaf` another one inside; a jump leads behind that of `loop`.
    const SOURCE: &str = r#"
#define NOP ".byte 0x0f, 0x1f, 0x44, 0, 0\n"
__asm__(".globl leaf\n.type leaf, @function\nleaf: " NOP "push %rax\npop %rax\n" NOP "ret\n.size leaf, . - leaf\n"
    ".globl loop\n.type loop, @function\nloop: " NOP "1: dec %edi\njg 1b\nret\n.size loop, . - loop\n");
int main(void) { return 0; }
"#;

    struct Finder {
        files: Files,
        debug: DebugFiles,
        program: PathBuf,
    }

    impl Finder {
        fn find(&self, kind: ProbeKind, place: &str, allow_unsafe: bool) -> Result<Vec<Found>> {
            let spec = spec(kind, &[self.program.to_str().unwrap(), place]);
            resolve(&self.files, &self.debug, &spec, &Options { allow_unsafe, ..Options::default() })
        }

        /// How far behind the start of the function a probe on it is.
        fn distance(&self, kind: ProbeKind, function: &str, allow_unsafe: bool) -> Result<u64> {
            let elf = Elf::parse(TargetFile::open(&self.program).unwrap()).unwrap();
            let start = elf.symbols().unwrap().named(function).next().unwrap().address;
            let found = self.find(kind, function, allow_unsafe)?;
            let (Site::Uprobe { offset, .. } | Site::Uretprobe { offset, .. }) = found[0].point.site else {
                panic!("{found:?}")
            };
            Ok(elf.code_address_of(offset).unwrap() - start)
        }
    }

    fn finder(folder: &Folder) -> Option<Finder> {
        let program = folder.compile("program", SOURCE, &["-O1", "-w"])?;
        let debug = DebugFiles::new(Rc::new(kernel_types()?), Vec::new());
        Some(Finder { files: Files::default(), debug, program })
    }

    #[test]
    fn nops_inside_functions_are_not_made_calls() {
        let folder = Folder::new("long-nop");
        let Some(finder) = finder(&folder) else { return };
        let (inside, all) =
            (finder.find(ProbeKind::Uprobe, "leaf+7", false), finder.find(ProbeKind::Uprobe, "leaf+*", false).unwrap());
        let warnings = finder.files.take_warnings();
        if called_nop() != Some(CalledNop::Five) {
            assert!(inside.is_ok() && all.len() == 5 && warnings.is_empty());
            return quadrant_testing::skip("this kernel makes no calls of five-byte nops");
        }
        let error = inside.unwrap_err();
        assert!(error.message.contains("`leaf+7` would break the program"), "{error:?}");
        assert!(error.help_in(|_| None)[0].contains("`leaf+6`"), "{error:?}");
        assert_eq!(all.len(), 3);
        assert!(warnings[0].message.starts_with("2 places (`leaf+0`, `leaf+7`) are left out: "), "{warnings:?}");
    }

    #[test]
    fn functions_that_start_with_a_long_nop_are_probed_behind_it() {
        let folder = Folder::new("nop-entry");
        let Some(finder) = finder(&folder) else { return };
        let moved = if called_nop() == Some(CalledNop::Five) { 5 } else { 0 };
        for kind in [ProbeKind::Uprobe, ProbeKind::Uretprobe] {
            assert_eq!(finder.distance(kind, "leaf", false).unwrap(), moved);
            assert_eq!(finder.distance(kind, "leaf", true).unwrap(), 0);
            assert_eq!(finder.distance(kind, "loop", true).unwrap(), 0);
            match finder.distance(kind, "loop", false) {
                Ok(distance) => assert_eq!((distance, moved), (0, 0)),
                Err(error) => assert!(error.message.contains("`loop` would break the program"), "{error:?}"),
            }
        }
    }
}
