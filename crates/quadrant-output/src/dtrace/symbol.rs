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
        Some(symbol) if user => escape::text(out, without_version(symbol)),
        Some(symbol) => escape::text(out, symbol),
        None => number::address(out, frame.address),
    }
    if part == SymbolPart::Address && frame.symbol.is_some() && frame.offset > 0 {
        out.push(b'+');
        number::address(out, frame.offset);
    }
}

/// Functions of a library may have the version of their interface in their name: `memcpy@@GLIBC_2.14`.
fn without_version(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == b'@').next().filter(|name| !name.is_empty()).unwrap_or(name)
}

/// Whether something is known of an address that [`name`] can show.
pub(super) fn is_known(frame: &Frame<'_>, user: bool, part: SymbolPart) -> bool {
    match part {
        SymbolPart::Module => module(frame, user).is_some(),
        _ => frame.symbol.is_some(),
    }
}

fn module<'a>(frame: &Frame<'a>, user: bool) -> Option<&'a [u8]> {
    let path = frame.module.filter(|path| !path.is_empty());
    match (user, path) {
        (true, path) => path.and_then(|path| path.rsplit(|byte| *byte == b'/').next()),
        (false, Some(module)) => Some(kernel_module(module)),
        (false, None) => frame.symbol.map(|_| KERNEL),
    }
}

/// The kernel image has a name of its own in D; names of modules may stand in brackets.
fn kernel_module(name: &[u8]) -> &[u8] {
    match name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name) {
        b"kernel" | b"kernel.kallsyms" => KERNEL,
        module => module,
    }
}
