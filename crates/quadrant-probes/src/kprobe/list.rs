//! Which functions can be probed.

use quadrant_program::probe::{Args, ProbeKind};

use super::resolve::full_name;
use crate::error::{Result, error};
use crate::kernel::{IMAGE, Kernel, Prototype, Wanted};

/// Full names of the functions that match, sorted.
pub(crate) fn list(kernel: &Kernel, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>> {
    let wanted = wanted(parts)?;
    let selected = match wanted.name.literal() {
        Some(name) => kernel.named(&wanted, name)?,
        None => kernel.that_return(kind, &wanted, kernel.matching(&wanted)?)?,
    };
    let mut names: Vec<String> = selected.iter().map(|one| full_name(kind, &wanted, one)).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The arguments of one function as a kprobe has them, or its result.
pub(crate) fn arguments(kernel: &Kernel, kind: ProbeKind, parts: &[String]) -> Result<Args> {
    let prototype = match parts {
        [name] => kernel.prototype(None, name).or_else(|| in_its_module(kernel, name)),
        [module, name] => kernel.prototype(Some(module.as_str()).filter(|module| *module != IMAGE), name),
        _ => None,
    };
    Ok(prototype.map_or_else(Args::default, |prototype| prototype.numbered(kind == ProbeKind::Kretprobe)))
}

/// A name with a dot is the compiler's, and has no types.
fn in_its_module(kernel: &Kernel, name: &str) -> Option<Prototype> {
    let module = Some(name).filter(|name| !name.contains('.')).and_then(|name| kernel.module_of(name))?;
    kernel.prototype(Some(module), name)
}

fn wanted(parts: &[String]) -> Result<Wanted> {
    Wanted::parse(parts)
        .ok_or_else(|| error("kernel functions are listed by `kprobe:function` or `kprobe:module:function`"))
}
