//! The functions that a probe's name means.

use std::collections::HashMap;

use quadrant_program::probe::{KernelCode, ProbeKind};

use super::suffix::{self, Change};
use super::symbols::Function;
use super::{IMAGE, Kernel, denied};
use crate::error::{Result, advise};
use crate::glob::Glob;

/// Names that are shown of many.
const SHOWN: usize = 3;
/// What the names of functions that give memory end with since Linux 6.10; those without it are macros, which count them.
const COUNTED: &str = "_noprof";

/// What a probe's name asks for.
pub(crate) struct Wanted {
    /// The module, `vmlinux` for the kernel image; `None` for any.
    pub module: Option<Glob>,
    /// The function.
    pub name: Glob,
}

/// A function that is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selected<'a> {
    pub function: Function<'a>,
    /// The function tracer knows it.
    pub traceable: bool,
    /// Others have the same name.
    pub ambiguous: bool,
}

/// What a pattern means.
pub(crate) struct Sifted<'a> {
    pub selected: Vec<Selected<'a>>,
    /// What of the rest the user could expect, and why it is not there.
    pub left_out: Vec<String>,
    /// What the function tracer does not know. Most patterns match some of these.
    unknown: Vec<Selected<'a>>,
}

impl Selected<'_> {
    /// The place of its entry.
    pub fn code(&self) -> KernelCode {
        KernelCode {
            module: self.function.module.map(str::to_owned),
            symbol: self.function.name.to_owned(),
            offset: 0,
            address: self.function.address,
            ambiguous: self.ambiguous,
            traceable: self.traceable && self.function.address.is_some(),
        }
    }
}

impl Wanted {
    /// The parts after the kind: `["vfs_read"]`, `["xfs", "xfs_*"]`, none for everything.
    pub fn parse(parts: &[String]) -> Option<Self> {
        match parts {
            [] => Some(Self { module: None, name: Glob::new("") }),
            [name] => Some(Self { module: None, name: Glob::new(name) }),
            [module, name] => Some(Self { module: Some(Glob::new(module)), name: Glob::new(name) }),
            _ => None,
        }
    }

    fn matches(&self, function: &Function<'_>) -> bool {
        self.in_module(function) && self.name.matches(function.name)
    }

    fn in_module(&self, function: &Function<'_>) -> bool {
        self.module.as_ref().is_none_or(|module| module.matches(function.module.unwrap_or(IMAGE)))
    }
}

/// Selecting.
impl Kernel {
    /// What can be probed of what a pattern matches, by name; what is left out is noted.
    pub fn matching(&self, wanted: &Wanted) -> Result<Vec<Selected<'_>>> {
        let sifted = self.sift(wanted)?;
        sifted.left_out.into_iter().for_each(|note| self.note(note));
        Ok(sifted.selected)
    }

    /// What can be probed of what a pattern matches, by name, and what not, and why.
    pub fn sift(&self, wanted: &Wanted) -> Result<Sifted<'_>> {
        let matched: Vec<Function<'_>> = self.symbols()?.iter().filter(|function| wanted.matches(function)).collect();
        let mut selected = self.judge(matched, true)?;
        let half_known = |one: &Selected<'_>| one.ambiguous && !one.traceable && self.is_half_known(one);
        let twins = selected.extract_if(.., |one| half_known(one)).collect();
        let unknown = selected.extract_if(.., |one| !self.is_known(one)).collect();
        let mut left_out =
            Vec::from_iter(left_out(twins, "the kernel does not tell which of those with the name can be traced"));
        left_out.extend(self.forbidden(&mut selected));
        selected.sort_by_key(|one| (one.function.name, one.function.module, one.function.address));
        Ok(Sifted { selected, left_out, unknown })
    }

    /// Takes away what must not be probed, and says why.
    fn forbidden(&self, selected: &mut Vec<Selected<'_>>) -> Vec<String> {
        let is_internal = |one: &Selected<'_>| !self.allow_unsafe && denied::is_internal(one.function.name);
        let internals = selected.extract_if(.., |one| is_internal(one)).collect();
        let blocked = selected.extract_if(.., |one| self.blacklist().has(&one.function)).collect();
        let internals = left_out(internals, "locks and RCU run within every probe; --unsafe takes them");
        internals.into_iter().chain(left_out(blocked, "the kernel allows no probes there")).collect()
    }

    /// Of what is to be probed at its return, what has one: of a pattern, the rest is left out; a function that was named is refused
    /// where the kernel could not take the probe away, or else the user is told that it never fires.
    pub fn that_return<'a>(
        &self,
        kind: ProbeKind,
        wanted: &Wanted,
        mut selected: Vec<Selected<'a>>,
    ) -> Result<Vec<Selected<'a>>> {
        let is_endless = |one: &Selected<'_>| denied::never_returns(one.function.name);
        match wanted.name.literal() {
            _ if !matches!(kind, ProbeKind::Fexit | ProbeKind::Kretprobe) => return Ok(selected),
            Some(name) if kind == ProbeKind::Kretprobe && selected.iter().any(is_endless) => {
                self.note(format!("`{name}` never returns: a probe on its return never fires"));
                return Ok(selected);
            }
            _ => {}
        }
        let endless: Vec<_> = selected.extract_if(.., |one| is_endless(one)).collect();
        match endless.first() {
            Some(first) if selected.is_empty() => {
                let message = format!("`{}` never returns: a probe on its return never fires", first.function.name);
                Err(advise(message, "probe its entry"))
            }
            _ => {
                left_out(endless, "a function that never returns has no return to probe")
                    .into_iter()
                    .for_each(|note| self.note(note));
                Ok(selected)
            }
        }
    }

    /// Why nothing of a pattern is left.
    pub fn why_nothing(&self, sifted: Sifted<'_>) -> Vec<String> {
        let (mut reasons, mut unknown) = (sifted.left_out, sifted.unknown);
        reasons.extend(self.forbidden(&mut unknown));
        reasons.extend(left_out(
            unknown,
            "not known to the function tracer (marked notrace, or a part of another function)",
        ));
        reasons
    }

    /// The functions of a name: those that have it, else what the compiler made of it, else what it is called in other kernels. Empty if
    /// there is none.
    pub fn named(&self, wanted: &Wanted, name: &str) -> Result<Vec<Selected<'_>>> {
        let exact: Vec<Function<'_>> = self.symbols()?.iter().filter(|function| wanted.matches(function)).collect();
        let functions = if exact.is_empty() { self.changed(wanted, name)? } else { exact };
        let functions = if functions.is_empty() { self.renamed(wanted, name)? } else { functions };
        if let Some(function) =
            functions.iter().find(|function| !self.allow_unsafe && denied::is_internal(function.name))
        {
            let message = format!(
                "`{}` is run by every probe (locks, RCU), so a probe there can stop the machine",
                function.name
            );
            return Err(advise(message, "run again with --unsafe to probe it all the same"));
        }
        // One function is attached to by itself: whether the tracer knows it does not matter.
        let several = functions.len() > 1;
        self.judge(functions, several)
    }

    /// The module that has a function of that name, if the kernel image has none.
    pub fn module_of(&self, name: &str) -> Option<&str> {
        let function = self.symbols().ok()?.iter().find(|function| function.name == name);
        function.and_then(|function| function.module)
    }

    /// Copies and parts that the compiler made of a function of the source; parts only if there is nothing better.
    fn changed(&self, wanted: &Wanted, name: &str) -> Result<Vec<Function<'_>>> {
        let of_it = |function: &Function<'_>| {
            let (base, change) = suffix::split(function.name)?;
            let ends_cold = function.name.ends_with(".cold");
            (base == name && !ends_cold && wanted.in_module(function)).then_some(change)
        };
        let all = || self.symbols().map(|symbols| symbols.iter());
        let copies: Vec<_> = all()?.filter(|one| of_it(one).is_some_and(|change| change != Change::Part)).collect();
        if !copies.is_empty() {
            return Ok(copies);
        }
        Ok(all()?.filter(|one| of_it(one).is_some()).collect())
    }

    /// What other kernels call the function.
    fn renamed(&self, wanted: &Wanted, name: &str) -> Result<Vec<Function<'_>>> {
        let other = name.strip_suffix(COUNTED).map_or_else(|| format!("{name}{COUNTED}"), str::to_owned);
        let is_it = |function: &Function<'_>| function.name == other && wanted.in_module(function);
        let found: Vec<_> = self.symbols()?.iter().filter(is_it).collect();
        if !found.is_empty() {
            self.note(format!("`{name}` is called `{other}` in this kernel"));
        }
        Ok(found)
    }

    fn judge<'a>(&'a self, functions: Vec<Function<'a>>, ask_tracer: bool) -> Result<Vec<Selected<'a>>> {
        let mut counts: HashMap<&str, usize> = functions.iter().map(|function| (function.name, 0)).collect();
        for function in self.symbols()?.iter() {
            if let Some(count) = counts.get_mut(function.name) {
                *count += 1;
            }
        }
        let judged = functions.into_iter().map(|function| {
            let same_named = counts.get(function.name).copied().unwrap_or(1);
            let traceable = ask_tracer && self.traceable().has(&function, same_named);
            Selected { function, traceable, ambiguous: same_named > 1 }
        });
        Ok(judged.collect())
    }

    /// Patterns take what the function tracer knows, or, if its list cannot be read, what is a function by its types.
    fn is_known(&self, one: &Selected<'_>) -> bool {
        if self.traceable().is_known() {
            return one.traceable;
        }
        let name = suffix::split(one.function.name).map_or(one.function.name, |(base, _)| base);
        !one.function.name.ends_with(".cold") && (self.has_type(one.function.module, name) || !self.has_types())
    }

    fn is_half_known(&self, one: &Selected<'_>) -> bool {
        self.traceable().has(&one.function, 1)
    }

    /// Says which names are those of several functions, of which a trampoline leads to one.
    pub fn note_twins<'a>(&self, selected: impl Iterator<Item = &'a Selected<'a>>) {
        let names = selected.filter(|one| one.ambiguous).map(|one| one.function.name).collect();
        twins(names).into_iter().for_each(|note| self.note(note));
    }

    /// Says that the arguments of functions that the compiler changed may not be those of the source.
    pub fn note_changes(&self, selected: &[Selected<'_>]) {
        let changed = selected.iter().map(|one| one.function.name).filter(|name| suffix::split(name).is_some());
        let names: Vec<&str> = changed.collect();
        if !names.is_empty() {
            let which = count_and_names(&names);
            self.note(format!(
                "{which} changed by the compiler: arguments and results may differ from those in the source"
            ));
        }
    }
}

/// The names of several functions each; `None` if there are none.
fn twins(mut names: Vec<&str>) -> Option<String> {
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("several functions are called `{one}`: the kernel enters the first of them only")),
        _ => {
            let which = count_and_names(&names);
            Some(format!("{which} one of several with the same name: the kernel enters the first of each name only"))
        }
    }
}

/// How many functions are left out, the first names, and why; `None` if there are none.
fn left_out(functions: Vec<Selected<'_>>, why: &str) -> Option<String> {
    let mut names: Vec<&str> = functions.iter().map(|one| one.function.name).collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| format!("{} left out: {why}", count_and_names(&names)))
}

/// `function a`, or `3 functions (a, b, ...)`, and the verb.
fn count_and_names(names: &[&str]) -> String {
    match names {
        [one] => format!("`{one}` is"),
        _ => {
            let more = if names.len() > SHOWN { ", ..." } else { "" };
            let first: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            format!("{} functions ({}{more}) are", names.len(), first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_names() {
        let parse = |parts: &[&str]| Wanted::parse(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        let function = |module| Function { name: "vfs_read", module, address: None };
        assert!(parse(&["vfs_*"]).unwrap().matches(&function(Some("any"))));
        assert!(parse(&["vmlinux", "vfs_*"]).unwrap().matches(&function(None)));
        assert!(!parse(&["xfs", "vfs_*"]).unwrap().matches(&function(None)));
        assert!(parse(&[]).unwrap().matches(&function(None)));
        assert!(parse(&["a", "b", "c"]).is_none());
    }

    #[test]
    fn names_of_several_functions_are_one_line() {
        let one = twins(vec!["a", "a"]).unwrap();
        assert_eq!(one, "several functions are called `a`: the kernel enters the first of them only");
        let many = twins(vec!["d", "a", "c", "b", "a"]).unwrap();
        assert!(many.starts_with("4 functions (`a`, `b`, `c`, ...) are one of several"), "{many}");
        assert_eq!(twins(Vec::new()), None);
    }

    #[test]
    fn many_names_are_shortened() {
        assert_eq!(count_and_names(&["a"]), "`a` is");
        assert_eq!(count_and_names(&["a", "b"]), "2 functions (`a`, `b`) are");
        assert_eq!(count_and_names(&["a", "b", "c", "d"]), "4 functions (`a`, `b`, `c`, ...) are");
    }
}
