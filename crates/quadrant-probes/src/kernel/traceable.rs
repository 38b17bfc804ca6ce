//! Which functions the kernel's function tracer knows: only these can be attached to many at a time, and none else by BTF.

use std::cell::OnceCell;
use std::collections::HashMap;

use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::probe::KernelCode;

use super::symbols::Function;

/// Where the call of the tracer can be, in bytes after a function's start.
const CALL_WITHIN: u64 = 16;

/// What is known of the tracer's list.
#[derive(Debug)]
pub(crate) enum Traceable {
    /// Addresses of the calls, ascending (Linux 6.5).
    Addresses(Vec<u64>),
    /// How many functions of a module (empty: the kernel image) have a name.
    Names(HashMap<(String, String), usize>),
    /// The list cannot be read.
    Unknown,
}

impl Traceable {
    /// The running kernel's.
    pub fn of_this_kernel() -> Self {
        TraceFs::open().map_or(Self::Unknown, |tracefs| Self::load(&tracefs))
    }

    pub fn load(tracefs: &TraceFs) -> Self {
        if let Ok(text) = tracefs.read("available_filter_functions_addrs") {
            return Self::addresses(&String::from_utf8_lossy(&text));
        }
        match tracefs.read("available_filter_functions") {
            Ok(text) => Self::names(&String::from_utf8_lossy(&text)),
            Err(_) => Self::Unknown,
        }
    }

    /// Lines `ADDRESS NAME [MODULE]`.
    fn addresses(text: &str) -> Self {
        let address = |line: &str| u64::from_str_radix(line.split_whitespace().next()?, 16).ok();
        let mut addresses: Vec<u64> = text.lines().filter_map(address).filter(|address| *address != 0).collect();
        addresses.sort_unstable();
        if addresses.is_empty() { Self::Unknown } else { Self::Addresses(addresses) }
    }

    /// Lines `NAME [MODULE]`.
    pub fn names(text: &str) -> Self {
        let mut names = HashMap::new();
        for line in text.lines() {
            let (name, module) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let module = module.trim().trim_matches(['[', ']']);
            *names.entry((module.to_owned(), name.to_owned())).or_insert(0) += 1;
        }
        if names.is_empty() { Self::Unknown } else { Self::Names(names) }
    }

    /// Whether the list says so of a function whose name `same_named` functions have. By names alone it is certain only if
    /// all of them are in the list.
    pub fn has(&self, function: &Function<'_>, same_named: usize) -> bool {
        match (self, function.address) {
            (Self::Addresses(calls), Some(address)) => {
                let next = calls.partition_point(|call| *call < address);
                calls.get(next).is_some_and(|call| *call < address + CALL_WITHIN)
            }
            (Self::Names(names), _) => {
                let key = (function.module.unwrap_or_default().to_owned(), function.name.to_owned());
                names.get(&key).is_some_and(|listed| *listed >= same_named)
            }
            _ => false,
        }
    }

    /// Whether the list can be read at all.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// The function tracer's list, read when it is first asked for.
#[derive(Debug, Default)]
pub struct FunctionTracer {
    list: OnceCell<Traceable>,
}

impl FunctionTracer {
    /// Whether it is known to have a function, by its address.
    pub fn knows(&self, code: &KernelCode) -> bool {
        let list = self.list.get_or_init(Traceable::of_this_kernel);
        let function = Function { name: &code.symbol, module: code.module.as_deref(), address: code.address };
        code.address.is_some() && matches!(list, Traceable::Addresses(_)) && list.has(&function, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function<'a>(name: &'a str, module: Option<&'a str>, address: u64) -> Function<'a> {
        Function { name, module, address: Some(address) }
    }

    #[test]
    fn by_address() {
        let known = Traceable::addresses("ffffffff81000014 one\nffffffff81000040 two [mod]\n");
        assert!(known.has(&function("one", None, 0xffff_ffff_8100_0010), 1));
        assert!(known.has(&function("two", Some("mod"), 0xffff_ffff_8100_0040), 1));
        assert!(!known.has(&function("one", None, 0xffff_ffff_8100_0020), 1));
        assert!(!Traceable::addresses("0 one\n").is_known());
    }

    #[test]
    fn by_name() {
        let known = Traceable::names("one\ntwo [mod]\ntwin\n");
        assert!(known.has(&function("one", None, 1), 1));
        assert!(known.has(&function("two", Some("mod"), 1), 1));
        assert!(!known.has(&function("two", None, 1), 1));
        assert!(!known.has(&function("twin", None, 1), 2));
        assert!(!Traceable::Unknown.has(&function("one", None, 1), 1));
    }
}
