//! Functions of an object: the programs themselves, and what they call.

use quadrant_bpf::insn::Insn;

use crate::elf::{Elf, SymbolKind};
use crate::error::{Error, Result};

/// Bytes of an instruction.
pub(crate) const INSN: u64 = 8;

/// The code of one symbol.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub name: String,
    /// Index of its section.
    pub section: usize,
    /// In instructions from the start of the section.
    pub start: usize,
    pub insns: Vec<Insn>,
    pub is_local: bool,
    /// Global, but checked together with its callers, as if it were static.
    pub is_hidden: bool,
}

impl Function {
    pub fn end(&self) -> usize {
        self.start + self.insns.len()
    }
}

impl Function {
    /// Whether it calls `bpf_trace_printk` or `bpf_trace_vprintk`.
    pub fn prints(&self) -> bool {
        let printers = [Insn::call_helper(6), Insn::call_helper(177)];
        self.insns.iter().any(|insn| printers.contains(insn))
    }
}

/// All functions, ordered by section and place.
pub(crate) fn functions(elf: &Elf<'_>) -> Result<Vec<Function>> {
    let mut found = Vec::new();
    for symbol in elf.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function) {
        let Some(index) = symbol.section else { continue };
        let Some(section) = elf.sections.get(index).filter(|section| section.is_code) else { continue };
        let outside = || Error::malformed(format!("the function `{}` is outside its section", symbol.name));
        let end = symbol.value.checked_add(symbol.size).ok_or_else(outside)?;
        let range = usize::try_from(symbol.value).ok().zip(usize::try_from(end).ok()).ok_or_else(outside)?;
        let code = section.data.get(range.0..range.1).ok_or_else(outside)?;
        if !symbol.value.is_multiple_of(INSN) || !symbol.size.is_multiple_of(INSN) || code.is_empty() {
            return Err(Error::malformed(format!("the function `{}` is no whole number of instructions", symbol.name)));
        }
        found.push(Function {
            name: symbol.name.to_owned(),
            section: index,
            start: (symbol.value / INSN) as usize,
            insns: code.as_chunks::<8>().0.iter().map(|bytes| Insn::from_bytes(*bytes)).collect(),
            is_local: symbol.is_local,
            is_hidden: symbol.is_hidden,
        });
    }
    found.sort_by_key(|function| (function.section, function.start));
    Ok(found)
}
