//! Stacks.

use quadrant_program::ty::StackType;
use quadrant_program::ty::SymbolPart;

use crate::dtrace::symbol;
use crate::dtrace::text::blanks;
use crate::number;
use crate::resolver::Frame;
use crate::resolver::Resolver;
use crate::value::LOST_STACK;

/// Append a stack: a line end, then one line a frame, innermost first, after `indent` blanks.
pub(super) fn stack(out: &mut Vec<u8>, ty: StackType, place: (u32, u32), indent: usize, resolver: &mut dyn Resolver) {
    let (id, pid) = place;
    let gone = ty.user && resolver.process_gone(pid);
    out.push(b'\n');
    let known = resolver.stack(ty, id, pid, &mut |frame| {
        // DTrace knows no inlined functions, and tools that read its stacks do not either.
        if !frame.inlined {
            blanks(out, indent);
            line(out, &frame, ty.user, gone.then_some(pid));
        }
    });
    if !known {
        blanks(out, indent);
        out.extend_from_slice(LOST_STACK);
        out.push(b'\n');
    }
}

/// An address of which nothing is known, in a process that has ended, is `pid:0xaddress`.
fn line(out: &mut Vec<u8>, frame: &Frame<'_>, user: bool, gone: Option<u32>) {
    match gone {
        Some(pid) if frame.symbol.is_none() && frame.module.is_none() => {
            number::unsigned(out, pid.into());
            out.push(b':');
            number::address(out, frame.address);
        }
        _ => symbol::name(out, frame, user, SymbolPart::Address),
    }
    out.push(b'\n');
}
