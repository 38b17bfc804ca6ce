//! Addresses as names.

use quadrant_program::ty::SymbolPart;

use crate::escape;
use crate::number;
use crate::resolver::Frame;

/// The kernel image, as a module's name.
const KERNEL: &[u8] = b"vmlinux";

/// Append what a frame is called: ``module`function+0xoffset``, ``module`0xaddress`` or `0xaddress`.
///
/// `user`: of a process, where the module is a file; of a kernel function without a module it is the kernel image.
pub(super) fn name(out: &mut Vec<u8>, frame: &Frame<'_>, user: bool, part: SymbolPart) {
    let module = module(frame, user);
    if part == SymbolPart::Module {
        return match module {
            Some(module) => escape::text(out, module),
            None => number::address(out, frame.address),
        };
    }
    if let Some(module) = module {
        escape::text(out, module);
        out.push(b'`');
    }
    match frame.symbol {
        Some(symbol) => escape::text(out, symbol),
        None => number::address(out, frame.address),
    }
    if part == SymbolPart::Address && frame.symbol.is_some() && frame.offset > 0 {
        out.push(b'+');
        number::address(out, frame.offset);
    }
}

/// Whether something is known of an address that [`name`] can show.
pub(super) fn is_known(frame: &Frame<'_>, user: bool, part: SymbolPart) -> bool {
    match part {
        SymbolPart::Module => module(frame, user).is_some(),
        _ => frame.symbol.is_some(),
    }
}

fn module<'a>(frame: &Frame<'a>, user: bool) -> Option<&'a [u8]> {
    let kernel = (!user && frame.symbol.is_some()).then_some(KERNEL);
    let path = frame.module.filter(|path| !path.is_empty()).or(kernel)?;
    Some(path.rsplit(|byte| *byte == b'/').next().filter(|_| user).unwrap_or(path))
}
