//! Places where a probe would do harm, or nothing at all.

use crate::elf::harm::{TEN_BYTE_NOP, goes_astray, is_probed};
use crate::elf::nop::is_long_nop;
use crate::elf::{Class, Elf, Symbol};
use crate::error::{Result, advise};
use crate::files::Files;
use crate::source::Options;
use crate::warning::Warning;
use quadrant_bpf::features::{CalledNop, called_nop};
use quadrant_program::probe::ProbeError;

/// How many places are named.
const SHOWN: usize = 3;

/// What a probe would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// Linux 6.18 makes a call of a five-byte nop. Its return address lands below the stack pointer, where functions that call nothing keep
    /// variables, and children that the program forks have the call without the code that it leads to.
    CalledNop,
    /// The kernel comes back too late from a system call that it executes elsewhere.
    SystemCall,
    /// The kernel takes no probe. It says so only if a process has the file mapped already.
    NotProbed,
}

impl Harm {
    /// That of a probe at an address of the file, on this kernel.
    fn of(elf: &Elf, address: u64) -> Option<Harm> {
        let code = elf.code_at(address).filter(|_| cfg!(target_arch = "x86_64"))?;
        let (class, is_wide) = (elf.class(), elf.class() == Class::Wide);
        if !is_probed(class, &code) {
            let is_called = is_wide && code.starts_with(&TEN_BYTE_NOP) && called_nop() == Some(CalledNop::Ten);
            return (!is_called).then_some(Harm::NotProbed);
        }
        if is_wide && goes_astray(&code) {
            return Some(Harm::SystemCall);
        }
        (is_long_nop(class, &code) && called_nop() == Some(CalledNop::Five)).then_some(Harm::CalledNop)
    }

    fn what(self) -> &'static str {
        match self {
            Harm::CalledNop => "break the program",
            Harm::SystemCall => "crash the program",
            Harm::NotProbed => "never fire",
        }
    }

    fn why(self) -> &'static str {
        match self {
            Harm::CalledNop => {
                "this kernel makes a call of a five-byte nop that is probed, which kills children that the program forks, and overwrites \
                 variables that a function without calls keeps below its stack pointer"
            }
            Harm::SystemCall => {
                "the kernel executes an instruction that is probed elsewhere, and behind a system call the next one, too, which here depends \
                 on its place"
            }
            Harm::NotProbed => {
                "the kernel takes no probe at an instruction with `lock` or the prefix of a segment, such as `notrack` and those of long \
                 nops, nor at privileged ones and those of AVX that it takes for them"
            }
        }
    }
}

/// A place that is not probed, and why.
pub(crate) struct Refusal {
    harm: Harm,
    error: ProbeError,
}

impl From<Refusal> for ProbeError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// Whether a place may be probed.
pub(crate) type Checked = std::result::Result<(), Refusal>;

/// Whether the kernel would make a call of a nop at this address that breaks the program.
pub(crate) fn is_called_nop(elf: &Elf, address: u64) -> bool {
    called_nop() == Some(CalledNop::Five) && elf.has_long_nop(address)
}

/// Refuses a place where a probe would do harm on this kernel; `around` finds the function it is in.
pub(crate) fn check<'a>(
    elf: &'a Elf,
    around: impl FnOnce() -> Option<Symbol<'a>>,
    address: u64,
    place: &str,
) -> Checked {
    let Some(harm) = Harm::of(elf, address) else { return Ok(()) };
    let instead =
        around().map_or_else(|| "probe another instruction".to_owned(), |function| instead(elf, &function, address));
    let error = advise(format!("a probe at `{place}` would {}: {}", harm.what(), harm.why()), instead);
    Err(Refusal { harm, error })
}

/// The nearest place of the function that may be probed.
fn instead(elf: &Elf, function: &Symbol<'_>, address: u64) -> String {
    let named = |place: u64| match function.name {
        "" => format!("{place:#x}"),
        name => format!("`{name}+{}`", place - function.address),
    };
    if let Some(before) = elf.instruction_before(function, address) {
        return format!("probe the instruction before it, {}", named(before));
    }
    match elf.instructions_behind(function, address).into_iter().find(|behind| Harm::of(elf, *behind).is_none()) {
        Some(behind) => format!("probe an instruction behind it, {}", named(behind)),
        None => "probe a function that calls it, or one that it calls".to_owned(),
    }
}

/// With --unsafe a refusal is a warning.
pub(crate) fn unless_unsafe(checked: Checked, files: &Files, options: &Options) -> Checked {
    checked.or_else(|refusal| match options.allow_unsafe {
        true => {
            files.warn(refusal.error.message);
            Ok(())
        }
        false => Err(refusal),
    })
}

/// Of several places those that were refused.
#[derive(Default)]
pub(crate) struct LeftOut {
    places: Vec<(Harm, String)>,
    first: Option<ProbeError>,
}

impl LeftOut {
    /// Whether the place was not refused.
    pub fn keeps(&mut self, place: &str, checked: Checked) -> bool {
        let Err(refusal) = checked else { return true };
        self.places.push((refusal.harm, place.to_owned()));
        self.first.get_or_insert(refusal.error);
        false
    }

    /// Says which they are; the first refusal is the error if nothing else was found.
    pub fn tell(self, files: &Files, nothing_found: bool) -> Result<()> {
        if let Some(error) = self.first.filter(|_| nothing_found) {
            return Err(error);
        }
        for harm in [Harm::CalledNop, Harm::SystemCall, Harm::NotProbed] {
            let places: Vec<&str> =
                self.places.iter().filter(|(of, _)| *of == harm).map(|(_, place)| place.as_str()).collect();
            if !places.is_empty() {
                files.warn(Warning::from(format!("{} left out: {}", named(&places), harm.why())));
            }
        }
        Ok(())
    }
}

/// The places, and the verb.
fn named(places: &[&str]) -> String {
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
    ".globl loop\n.type loop, @function\nloop: " NOP "1: dec %edi\njg 1b\nret\n.size loop, . - loop\n"
    ".globl odd\n.type odd, @function\nodd: nop\nlock incl -8(%rsp)\nmov $39, %eax\nsyscall\nret\n.size odd, . - odd\n"
    ".globl locked\n.type locked, @function\nlocked: lock incl -8(%rsp)\nret\n.size locked, . - locked\n");
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
    fn instructions_that_are_not_probed_and_system_calls_on_their_place_are_left_out() {
        let folder = Folder::new("odd");
        let Some(finder) = finder(&folder) else { return };
        for (place, message) in [
            ("odd+1", "a probe at `odd+1` would never fire: the kernel takes no probe at an instruction with `lock`"),
            ("locked", "a probe at `locked` would never fire: "),
            ("odd+11", "a probe at `odd+11` would crash the program: "),
        ] {
            let error = finder.find(ProbeKind::Uprobe, place, false).unwrap_err();
            assert!(error.message.starts_with(message), "{error:?}");
            assert!(place != "locked" || error.help_in(|_| None)[0].contains("behind it, `locked+5`"), "{error:?}");
            assert_eq!(finder.find(ProbeKind::Uprobe, place, true).unwrap().len(), 1);
            assert!(finder.files.take_warnings()[0].message.starts_with(message));
        }
        assert_eq!(finder.find(ProbeKind::Uprobe, "odd+*", false).unwrap().len(), 3);
        let warnings = finder.files.take_warnings();
        assert!(warnings[0].message.starts_with("`odd+11` is left out: "), "{warnings:?}");
        assert!(warnings[1].message.starts_with("`odd+1` is left out: "), "{warnings:?}");
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
