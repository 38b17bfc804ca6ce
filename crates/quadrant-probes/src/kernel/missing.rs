//! Why there is no such function, and why the kernel refuses a probe.

use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::probe::{KernelCode, ProbeError};

use super::denied::Blacklist;
use super::select::Sifted;
use super::symbols::Function;
use super::traceable::Traceable;
use super::{IMAGE, Kernel, Selected, Wanted, text};
use crate::error::{Result, advise, error, no_match};

/// Reasons.
impl Kernel {
    /// The functions that are meant, at least one.
    pub fn select(&self, wanted: &Wanted) -> Result<Vec<Selected<'_>>> {
        let Some(name) = wanted.name.literal() else {
            let sifted = self.sift(wanted)?;
            if sifted.selected.is_empty() {
                return Err(self.no_match(wanted, sifted));
            }
            sifted.left_out.into_iter().for_each(|note| self.note(note));
            return Ok(sifted.selected);
        };
        let selected = self.named(wanted, name)?;
        if selected.is_empty() { Err(self.missing(wanted, name)?) } else { Ok(selected) }
    }

    fn no_match(&self, wanted: &Wanted, sifted: Sifted<'_>) -> ProbeError {
        if let Some(absent) = self.absent_module(wanted) {
            return absent;
        }
        let error = error(format!("no function that can be probed matches `{}`", wanted.name.text()));
        error.help(self.why_nothing(sifted))
    }

    fn missing(&self, wanted: &Wanted, name: &str) -> Result<ProbeError> {
        if let Some(absent) = self.absent_module(wanted) {
            return Ok(absent);
        }
        if self.has_type(None, name) {
            let message = format!(
                "`{name}` is in the kernel's types and not in its code: the compiler put it into its callers (inlined it)"
            );
            return Ok(advise(message, "probe a function that calls it, or one that it calls"));
        }
        if let Some(entry) = self.entry_of_call(name) {
            let message = format!("the kernel has no function `{name}`: the system call's is called `{entry}`");
            return Ok(advise(message, format!("use `{entry}`, or the tracepoints of the system call")));
        }
        let names = self.symbols()?.iter().map(|function| function.name);
        let error = no_match(format!("the kernel has no function `{name}`"), name, names);
        let why = "macros, and functions that the compiler put into all their callers, cannot be probed";
        Ok(error.help([why]))
    }

    /// The function of a system call, where older kernels had one of the call's own name (`sys_read`).
    fn entry_of_call(&self, name: &str) -> Option<&str> {
        let call = name.strip_prefix("sys_").or_else(|| name.strip_prefix("SyS_"))?;
        let entries = ["__x64_sys_", "__arm64_sys_"].map(|prefix| format!("{prefix}{call}"));
        let mut names = self.symbols().ok()?.iter().map(|function| function.name);
        names.find(|name| entries.iter().any(|entry| entry == name))
    }

    /// A module that is named and not there.
    fn absent_module(&self, wanted: &Wanted) -> Option<ProbeError> {
        let module = wanted.module.as_ref()?.literal().filter(|module| *module != IMAGE)?;
        let loaded = self.symbols().ok()?.iter().any(|function| function.module == Some(module));
        let message = format!("the module `{module}` is not loaded");
        (!loaded).then(|| {
            advise(message, format!("load it: `modprobe {module}`; or leave the module out if it is built in"))
        })
    }

    /// The function that an address is in.
    pub fn function_at(&self, address: u64) -> Result<Function<'_>> {
        let outside = || error(format!("{address:#x} is in no function of the kernel"));
        let (function, end) = self.symbols()?.at(address).ok_or_else(outside)?;
        if address < end { Ok(function) } else { Err(outside()) }
    }

    /// Refuses a place within a function that is not the start of an instruction, or cannot be shown to be one.
    pub fn check_boundary(&self, one: &Selected<'_>, offset: u64) -> Result<()> {
        let name = one.function.name;
        let unsafe_help = "run again with --unsafe if you know that an instruction starts there";
        let Some(start) = one.function.address else {
            return Err(advise(
                format!("the address of `{name}` is hidden, so its instructions cannot be seen"),
                unsafe_help,
            ));
        };
        let length = self.symbols()?.end_of(start).saturating_sub(start);
        if offset >= length {
            return Err(error(format!("`{name}` has {length} bytes: {offset} is outside")));
        }
        match text::is_boundary(start, offset) {
            Some(true) => Ok(()),
            Some(false) => {
                Err(error(format!("no instruction starts at `{name}+{offset}`: a probe there would break the kernel")))
            }
            None => Err(advise(
                "the kernel's code cannot be read (/proc/kcore), so whether an instruction starts there is not known",
                unsafe_help,
            )),
        }
    }

    /// Refuses functions in which the kernel allows no kprobes.
    pub fn check_allowed(&self, selected: &[Selected<'_>]) -> Result<()> {
        match selected.iter().find(|one| self.blacklist().has(&one.function)) {
            Some(one) => Err(error(blocked(one.function.name))),
            None => Ok(()),
        }
    }
}

fn blocked(name: &str) -> String {
    format!("the kernel allows no kprobes in `{name}` (/sys/kernel/debug/kprobes/blacklist)")
}

/// Why the kernel refused a probe in a function, by its own lists; `None` if they do not tell.
pub(crate) fn why_refused(code: &KernelCode) -> Option<String> {
    let start = code.address.map(|address| address.wrapping_sub(code.offset));
    let function = Function { name: &code.symbol, module: code.module.as_deref(), address: start };
    if Blacklist::load().has(&function) {
        return Some(blocked(&code.symbol));
    }
    let traceable = Traceable::load(&TraceFs::open().ok()?);
    let unmarked = traceable.is_known() && !traceable.has(&function, 1);
    unmarked.then(|| format!("`{}` is marked notrace in the kernel's source", code.symbol))
}
