//! Which functions have types.

use quadrant_program::probe::{Args, ProbeKind};

use super::program;
use crate::error::{Result, error};
use crate::kernel::{IMAGE, Kernel, Wanted};

/// Full names of the functions that match, sorted.
pub(crate) fn list(kernel: &Kernel, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>> {
    if let Some(wanted) = program::Wanted::parse(parts)? {
        return program::list(kernel, kind, &wanted);
    }
    let form = || error("functions are listed by `fentry:function` or `fentry:module:function`");
    let wanted = Wanted::parse(parts).ok_or_else(form)?;
    let selected = kernel.that_return(kind, &wanted, kernel.matching(&wanted)?)?;
    let typed = selected.iter().filter(|one| kernel.has_type(one.function.module, one.function.name));
    let name = |module: Option<&str>, name| format!("{}:{}:{name}", kind.name(), module.unwrap_or(IMAGE));
    let mut names: Vec<String> = typed.map(|one| name(one.function.module, one.function.name)).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The arguments of one function, and its result.
pub(crate) fn arguments(kernel: &Kernel, kind: ProbeKind, parts: &[String]) -> Result<Args> {
    let on_return = kind == ProbeKind::Fexit;
    if let Some(wanted) = program::Wanted::parse(parts)? {
        return Ok(program::arguments(kernel, &wanted, on_return)?.unwrap_or_default());
    }
    let prototype = match parts {
        [name] => kernel.prototype(None, name),
        [module, name] => kernel.prototype(Some(module.as_str()).filter(|module| *module != IMAGE), name),
        _ => None,
    };
    Ok(prototype.map_or_else(Args::default, |prototype| prototype.named(on_return)))
}
