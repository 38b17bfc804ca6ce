//! Adding to a frame what debug information knows.

use quadrant_types::Function;

use crate::files::readable;
use crate::frame::{Frame, Symbol};

/// What of the debug information is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Want {
    pub(crate) inlines: bool,
    pub(crate) source: bool,
}

impl Want {
    /// Whether debug information has to be read at all.
    pub(crate) fn any(self) -> bool {
        self.inlines || self.source
    }
}

/// The frames of the inlined functions at `addr`, then `outer`, the function they are in.
/// `functions` come innermost first; `addr` is in the same address space as their ranges.
pub(crate) fn with_inlined(mut outer: Frame, mut functions: Vec<Function>, addr: u64, want: Want) -> Vec<Frame> {
    let Some(last) = functions.pop() else {
        return vec![outer];
    };
    if outer.symbol.is_none() {
        outer.symbol = symbol_of(&last, addr);
        outer.missing = outer.missing.filter(|_| outer.symbol.is_none());
    }
    if !want.inlines {
        // Without their functions the innermost line still says where execution is.
        let innermost = functions.into_iter().next().unwrap_or(last);
        outer.source = innermost.source;
        return vec![outer];
    }
    let source = |source| if want.source { source } else { None };
    outer.source = source(last.source);
    let mut frames = Vec::with_capacity(functions.len() + 1);
    for function in functions {
        let Some(raw) = function.name else { continue };
        let symbol = Symbol {
            name: readable(&raw),
            raw,
            offset: outer.symbol.as_ref().map_or(0, |symbol| symbol.offset),
            size: outer.symbol.as_ref().map_or(0, |symbol| symbol.size),
        };
        let source = source(function.source);
        frames.push(Frame { symbol: Some(symbol), source, inlined: true, missing: None, ..outer.clone() });
    }
    frames.push(outer);
    frames
}

/// A symbol from debug information alone, for files without a symbol table.
fn symbol_of(function: &Function, addr: u64) -> Option<Symbol> {
    let (begin, end) = function.range?;
    let raw = function.name.clone()?;
    Some(Symbol { name: readable(&raw), raw, offset: addr.checked_sub(begin)?, size: end - begin })
}
