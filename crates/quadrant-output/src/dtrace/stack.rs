//! Stacks.

use quadrant_program::ty::StackType;
use quadrant_program::ty::SymbolPart;

use crate::dtrace::symbol;
use crate::number;
use crate::pad::blanks;
use crate::pad::pad_left;
use crate::pad::pad_right;
use crate::resolver::Resolver;
use crate::value::LOST_STACK;

/// How frames are placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Blanks before each.
    pub indent: usize,
    /// Columns of each.
    pub width: usize,
    /// Blanks that make up the width stand behind it.
    pub left: bool,
}

/// Append a stack: a line end, then one line a frame, innermost first.
///
/// Addresses in a process that has ended, and of which nothing is known, are `pid:0xaddress`.
pub(super) fn stack(out: &mut Vec<u8>, ty: StackType, place: (u32, u32), lines: Lines, resolver: &mut dyn Resolver) {
    let (id, pid) = place;
    let (mut known, mut unknown) = (false, Vec::new());
    out.push(b'\n');
    let kept = resolver.stack(ty, id, pid, &mut |frame| {
        // DTrace knows no inlined functions, and tools that read its stacks do not either.
        if frame.inlined {
            return;
        }
        blanks(out, lines.indent);
        let start = out.len();
        match frame.symbol.is_some() || frame.module.is_some() {
            true => known = true,
            false => unknown.push(start),
        }
        symbol::name(out, &frame, ty.user, SymbolPart::Address);
        if lines.left {
            pad_right(out, start, lines.width)
        } else {
            pad_left(out, start, lines.width)
        }
        out.push(b'\n');
    });
    if !kept {
        blanks(out, lines.indent);
        out.extend_from_slice(LOST_STACK);
        out.push(b'\n');
    }
    if ty.user && !known && !unknown.is_empty() && resolver.process_gone(pid) {
        unknown.iter().rev().for_each(|at| insert_process(out, *at, pid));
    }
}

/// Before the address of the line that starts here.
fn insert_process(out: &mut Vec<u8>, line: usize, pid: u32) {
    let address = line + out[line..].iter().take_while(|byte| **byte == b' ').count();
    let start = out.len();
    number::unsigned(out, pid.into());
    out.push(b':');
    let len = out.len() - start;
    out[address..].rotate_right(len);
}
