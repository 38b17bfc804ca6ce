//! Stacks in maps of others: rows of addresses, those of the kernel with their functions.

use std::cell::RefCell;

use quadrant_output::escape;
use quadrant_symbols::Symbolizer;

use crate::commands::explain::kernel_symbol;

/// Names functions of the kernel; what that takes is read when the first is asked for.
#[derive(Default)]
pub struct Frames(RefCell<Option<Symbolizer>>);

impl Frames {
    /// Append a stack as lines, one for each frame.
    pub fn text(&self, out: &mut Vec<u8>, stack: &[u8]) {
        for address in addresses(stack) {
            let line = match self.symbol(address) {
                Some(symbol) => format!("\n        {symbol}"),
                None => format!("\n        {address:#x}"),
            };
            out.extend_from_slice(line.as_bytes());
        }
    }

    /// Append a stack as JSON: `[{"address": "0x...", "symbol": "vfs_read+0x10"}, ...]`; processes' functions have no names here.
    pub fn json(&self, out: &mut Vec<u8>, stack: &[u8]) {
        out.push(b'[');
        for (index, address) in addresses(stack).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            out.extend_from_slice(format!("{comma}{{\"address\": \"{address:#x}\"").as_bytes());
            if let Some(symbol) = self.symbol(address) {
                out.extend_from_slice(b", \"symbol\": ");
                escape::json(out, symbol.as_bytes());
            }
            out.push(b'}');
        }
        out.push(b']');
    }

    fn symbol(&self, address: u64) -> Option<String> {
        let is_kernel = address >> 63 != 0;
        let mut symbols = self.0.borrow_mut();
        let symbols = symbols.get_or_insert_with(|| Symbolizer::new(quadrant_symbols::Options::default()));
        is_kernel.then(|| kernel_symbol(symbols, address)).flatten()
    }
}

/// The frames of a stack; behind the last one is nothing but zeros.
fn addresses(stack: &[u8]) -> impl Iterator<Item = u64> {
    stack.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)).take_while(|address| *address != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_processes_are_addresses() {
        let stack: Vec<u8> = [0x1000_u64, 0x2000, 0, 0].iter().flat_map(|frame| frame.to_ne_bytes()).collect();
        let (mut text, mut json) = (Vec::new(), Vec::new());
        Frames::default().text(&mut text, &stack);
        Frames::default().json(&mut json, &stack);
        assert_eq!(text, b"\n        0x1000\n        0x2000");
        assert_eq!(json, br#"[{"address": "0x1000"}, {"address": "0x2000"}]"#);
    }
}
