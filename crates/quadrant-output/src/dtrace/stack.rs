//! Stacks.

use quadrant_program::ty::StackType;
use quadrant_program::ty::SymbolPart;

use crate::dtrace::symbol;
use crate::dtrace::text::blanks;
use crate::number;
use crate::resolver::Resolver;
use crate::value::LOST_STACK;

/// Append a stack: a line end, then one line a frame, innermost first, after `indent` blanks.
///
/// Addresses in a process that has ended, and of which nothing is known, are `pid:0xaddress`.
pub(super) fn stack(out: &mut Vec<u8>, ty: StackType, place: (u32, u32), indent: usize, resolver: &mut dyn Resolver) {
    let (id, pid) = place;
    let (mut known, mut unknown) = (false, Vec::new());
    out.push(b'\n');
    let kept = resolver.stack(ty, id, pid, &mut |frame| {
        // DTrace knows no inlined functions, and tools that read its stacks do not either.
        if frame.inlined {
            return;
        }
        blanks(out, indent);
        match frame.symbol.is_some() || frame.module.is_some() {
            true => known = true,
            false => unknown.push(out.len()),
        }
        symbol::name(out, &frame, ty.user, SymbolPart::Address);
        out.push(b'\n');
    });
    if !kept {
        blanks(out, indent);
        out.extend_from_slice(LOST_STACK);
        out.push(b'\n');
    }
    if ty.user && !known && !unknown.is_empty() && resolver.process_gone(pid) {
        unknown.iter().rev().for_each(|at| insert_process(out, *at, pid));
    }
}

fn insert_process(out: &mut Vec<u8>, at: usize, pid: u32) {
    let start = out.len();
    number::unsigned(out, pid.into());
    out.push(b':');
    let len = out.len() - start;
    out[at..].rotate_right(len);
}
