//! The functions that the kernel has in memory, by `/proc/kallsyms`.
//!
//! A line is `ADDRESS TYPE NAME`, followed by a tab and `[MODULE]` for what is not part of the kernel image. The type letters
//! are those of nm(1). Without the right to see addresses all of them are 0.

use std::ops::Range;

use crate::error::Result;
use crate::target::cannot_read;

const PATH: &str = "/proc/kallsyms";

/// What the kernel lists as modules and is none: eBPF programs, and pages of trampolines.
const NO_MODULES: [&str; 3] = ["bpf", "__builtin__ftrace", "__builtin__kprobes"];

/// Marks of addresses where no function of the source starts: padding before functions, and hash values of their types.
const NO_FUNCTIONS: [&str; 2] = ["__pfx_", "__cfi_"];

/// A function in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Function<'a> {
    pub name: &'a str,
    /// `None` is the kernel image.
    pub module: Option<&'a str>,
    /// `None` if the kernel hides it.
    pub address: Option<u64>,
}

/// All functions.
pub(crate) struct Symbols {
    text: String,
    functions: Vec<Entry>,
}

struct Entry {
    address: u64,
    name: Range<u32>,
    module: Option<Range<u32>>,
}

impl Symbols {
    /// The running kernel's.
    pub fn load() -> Result<Self> {
        let bytes = std::fs::read(PATH).map_err(|inner| cannot_read(PATH.as_ref(), &inner))?;
        Ok(Self::parse(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn parse(text: String) -> Self {
        let functions = text.lines().filter_map(|line| Entry::parse(&text, line)).collect();
        Self { functions, text }
    }

    /// In the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = Function<'_>> {
        self.functions.iter().map(|entry| Function {
            name: self.slice(&entry.name),
            module: entry.module.as_ref().map(|module| self.slice(module)),
            address: Some(entry.address).filter(|address| *address != 0),
        })
    }

    /// The function that an address is in, and where it ends.
    pub fn at(&self, address: u64) -> Option<(Function<'_>, u64)> {
        let before = self.iter().filter(|function| function.address.is_some_and(|start| start <= address));
        let function = before.max_by_key(|function| function.address)?;
        Some((function, self.end_of(function.address?)))
    }

    /// Where the function that starts there ends at the latest: at the next one.
    pub fn end_of(&self, start: u64) -> u64 {
        self.functions.iter().map(|entry| entry.address).filter(|next| *next > start).min().unwrap_or(start)
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

impl Entry {
    /// `line` is a part of `text`.
    fn parse(text: &str, line: &str) -> Option<Self> {
        let (address, rest) = line.split_once(' ')?;
        let (kind, rest) = rest.split_once(' ')?;
        let (name, module) = rest.split_once('\t').unwrap_or((rest, ""));
        let module = module.trim().strip_prefix('[').and_then(|module| module.strip_suffix(']'));
        let is_function =
            matches!(kind, "t" | "T" | "w" | "W") && !NO_FUNCTIONS.iter().any(|mark| name.starts_with(mark));
        if !is_function || name.is_empty() || module.is_some_and(|module| NO_MODULES.contains(&module)) {
            return None;
        }
        let range = |part: &str| {
            let start = u32::try_from(part.as_ptr() as usize - text.as_ptr() as usize).ok()?;
            Some(start..start + part.len() as u32)
        };
        let module = match module {
            Some(module) => Some(range(module)?),
            None => None,
        };
        Some(Self { address: u64::from_str_radix(address, 16).ok()?, name: range(name)?, module })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ffffffff81000000 T _text\nffffffff81000010 t __pfx_one\nffffffff81000020 t one\n\
        ffffffff81000040 D data\nffffffff81000050 t one\nffffffffa0000000 t two\t[mod]\nffffffffa0001000 t bpf_prog_1\t[bpf]\n\
        0 T\nnonsense\n\n";

    #[test]
    fn functions_of_the_image_and_of_modules() {
        let symbols = Symbols::parse(TEXT.to_owned());
        let names: Vec<_> = symbols.iter().map(|function| (function.name, function.module)).collect();
        assert_eq!(names, [("_text", None), ("one", None), ("one", None), ("two", Some("mod"))]);
    }

    #[test]
    fn what_is_at_an_address() {
        let symbols = Symbols::parse(TEXT.to_owned());
        let (function, end) = symbols.at(0xffff_ffff_8100_0022).unwrap();
        assert_eq!((function.name, end), ("one", 0xffff_ffff_8100_0050));
        assert!(symbols.at(4).is_none());
    }

    #[test]
    fn hidden_addresses_are_none() {
        let symbols = Symbols::parse("0000000000000000 T one\n".to_owned());
        assert_eq!(symbols.iter().next().unwrap().address, None);
        assert!(symbols.at(8).is_none());
    }
}
