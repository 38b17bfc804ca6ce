//! Functions of loaded eBPF programs: `fentry:bpf:NAME`, `fentry:bpf:NUMBER:NAME`.

use std::os::fd::AsFd;

use quadrant_bpf::features::{UNTRUSTED_WORDS, types_are_untrusted};
use quadrant_bpf::object::{self, ObjectKind};
use quadrant_program::probe::{Args, BtfFunction, BtfOwner, Found, Point, ProbeKind, Site};

use crate::error::{Result, advise, error, from_kernel};
use crate::glob::Glob;
use crate::kernel::{Kernel, Prototype};
use crate::number;
use crate::point::{ArgsPool, check_count};

/// What a probe's name asks for.
pub(super) struct Wanted {
    /// The program's number; `None` for any.
    program: Option<u32>,
    function: Glob,
}

/// A function of a program.
struct Function {
    program: u32,
    name: String,
    prototype: Prototype,
}

impl Wanted {
    /// `None` if the parts name no eBPF program.
    pub fn parse(parts: &[String]) -> Result<Option<Self>> {
        let program = |text: &str| match Glob::new(text).literal() {
            None => Ok(None),
            Some(text) => {
                let id = number::parse(text).and_then(|id| u32::try_from(id).ok());
                id.map(Some).ok_or_else(|| error(format!("`{text}` is no number of an eBPF program")))
            }
        };
        match parts {
            [word, function] if word == "bpf" => Ok(Some(Self { program: None, function: Glob::new(function) })),
            [word, id, function] if word == "bpf" => {
                Ok(Some(Self { program: program(id)?, function: Glob::new(function) }))
            }
            _ => Ok(None),
        }
    }
}

pub(super) fn resolve(kernel: &Kernel, kind: ProbeKind, wanted: &Wanted, limit: usize) -> Result<Vec<Found>> {
    let functions = functions(kernel, wanted)?;
    if functions.is_empty() {
        let message = format!("no loaded eBPF program has a function `{}` (and types)", wanted.function.text());
        return Err(advise(message, "`-l 'fentry:bpf:*'` lists those that there are"));
    }
    check_count(&format!("{}:bpf:{}", kind.name(), wanted.function.text()), functions.len(), limit)?;
    let mut pool = ArgsPool::default();
    functions.into_iter().map(|function| found(kind, function, &mut pool)).collect()
}

pub(super) fn list(kernel: &Kernel, kind: ProbeKind, wanted: &Wanted) -> Result<Vec<String>> {
    let mut names: Vec<String> = functions(kernel, wanted)?.iter().map(|function| function.full_name(kind)).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The arguments of the first of them.
pub(super) fn arguments(kernel: &Kernel, wanted: &Wanted, on_return: bool) -> Result<Option<Args>> {
    let first = functions(kernel, wanted)?.into_iter().next();
    Ok(first.map(|function| function.prototype.named(on_return)))
}

/// Programs that are gone by now, or have no types, are passed over if none was named.
fn functions(kernel: &Kernel, wanted: &Wanted) -> Result<Vec<Function>> {
    let programs = match wanted.program {
        Some(program) => vec![program],
        None => object::ids(ObjectKind::Program).map_err(|e| from_kernel(&e))?,
    };
    let mut functions = Vec::new();
    for program in programs {
        let found = match kernel.program_functions(program) {
            Err(_) if wanted.program.is_none() => continue,
            found => found?,
        };
        let matching = found.into_iter().filter(|(name, _)| wanted.function.matches(name));
        functions.extend(matching.map(|(name, prototype)| Function { program, name, prototype }));
    }
    Ok(functions)
}

fn found(kind: ProbeKind, function: Function, pool: &mut ArgsPool) -> Result<Found> {
    let on_return = kind == ProbeKind::Fexit;
    let words = if on_return { words_before_result(&function)? } else { function.prototype.words };
    let (name, args) = (function.full_name(kind), pool.share(function.prototype.named(on_return)));
    let target = BtfFunction {
        owner: BtfOwner::Program(function.program),
        name: function.name.clone(),
        btf_id: function.prototype.btf_id,
        words,
        is_plain: function.prototype.is_plain(),
        code: None,
        kprobe: false,
    };
    let site = if on_return { Site::Fexit(target) } else { Site::Fentry(target) };
    Ok(Found { point: Point { site, name, func: function.name }, args })
}

/// By the types, if the kernel goes by them.
fn words_before_result(function: &Function) -> Result<u8> {
    let words = function.prototype.words;
    if words >= UNTRUSTED_WORDS {
        return Ok(words);
    }
    let gone = || error(format!("the eBPF program {} is gone", function.program));
    let program = object::open(ObjectKind::Program, function.program).map_err(|e| from_kernel(&e))?;
    let untrusted = types_are_untrusted(program.ok_or_else(gone)?.as_fd(), function.prototype.btf_id);
    Ok(if untrusted { UNTRUSTED_WORDS } else { words })
}

impl Function {
    fn full_name(&self, kind: ProbeKind) -> String {
        format!("{}:bpf:{}:{}", kind.name(), self.program, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let parse = |parts: &[&str]| Wanted::parse(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        assert!(parse(&["vfs_read"]).unwrap().is_none());
        assert!(parse(&["xfs", "f"]).unwrap().is_none());
        assert_eq!(parse(&["bpf", "f"]).unwrap().unwrap().program, None);
        assert_eq!(parse(&["bpf", "12", "f"]).unwrap().unwrap().program, Some(12));
        assert_eq!(parse(&["bpf", "*", "f"]).unwrap().unwrap().program, None);
        assert!(parse(&["bpf", "x", "f"]).is_err());
    }
}
