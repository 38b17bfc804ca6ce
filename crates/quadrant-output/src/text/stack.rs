//! Stacks and symbols as text.

use quadrant_program::ty::StackMode;
use quadrant_program::ty::StackType;

use crate::number;
use crate::resolver::Frame;
use crate::resolver::Resolver;
use crate::resolver::Symbol;
use crate::text::value::Style;
use crate::value::LOST_STACK;
use crate::value::hex_pairs;

/// What stands before a frame in the modes that indent.
const INDENT: &[u8] = b"        ";

/// Append a stack: a line end, then one line a frame.
pub(crate) fn stack(out: &mut Vec<u8>, ty: StackType, id: u32, pid: u32, style: Style, resolver: &mut dyn Resolver) {
    out.push(b'\n');
    let by_address = matches!(ty.mode, StackMode::Raw | StackMode::BuildId);
    let known = resolver.stack(ty, id, pid, &mut |f| {
        if !(by_address && f.inlined) {
            frame(out, ty, &f, style);
        }
    });
    if !known {
        indent(out, INDENT, style);
        out.extend_from_slice(LOST_STACK);
        out.push(b'\n');
    }
}

/// Append the symbol of an address; its number when there is none.
pub(crate) fn symbol(out: &mut Vec<u8>, address: u64, symbol: Option<Symbol<'_>>, style: Style) {
    match symbol {
        Some(symbol) => style.foreign(out, symbol.name),
        None => unnamed(out, address),
    }
}

fn frame(out: &mut Vec<u8>, ty: StackType, frame: &Frame<'_>, style: Style) {
    match ty.mode {
        StackMode::Bpftrace => bpftrace(out, frame, style),
        StackMode::Perf => perf(out, ty.user, frame, style),
        StackMode::Raw => number::power_of_two(out, frame.address, 4),
        StackMode::BuildId => build_id(out, frame),
        StackMode::Dtrace => bpftrace(out, frame, style),
    }
    out.push(b'\n');
}

fn bpftrace(out: &mut Vec<u8>, frame: &Frame<'_>, style: Style) {
    indent(out, INDENT, style);
    name(out, frame, style);
    source(out, frame, style);
}

fn name(out: &mut Vec<u8>, frame: &Frame<'_>, style: Style) {
    let Some(name) = frame.symbol else {
        return unnamed(out, frame.address);
    };
    style.foreign(out, name);
    if frame.inlined {
        return out.extend_from_slice(b" (inlined)");
    }
    out.push(b'+');
    number::unsigned(out, frame.offset);
}

fn source(out: &mut Vec<u8>, frame: &Frame<'_>, style: Style) {
    let Some((file, line, column)) = frame.source else {
        return;
    };
    out.push(b' ');
    style.foreign(out, file);
    for number in [line, column].iter().take_while(|n| **n != 0) {
        out.push(b':');
        number::unsigned(out, (*number).into());
    }
}

/// An address without a name; zero has no `0x`.
fn unnamed(out: &mut Vec<u8>, address: u64) {
    match address {
        0 => out.push(b'0'),
        _ => number::address(out, address),
    }
}

fn perf(out: &mut Vec<u8>, user: bool, frame: &Frame<'_>, style: Style) {
    indent(out, b"\t", style);
    number::power_of_two(out, frame.address, 4);
    out.push(b' ');
    name(out, frame, style);
    if user {
        out.extend_from_slice(b" (");
        style.foreign(out, frame.module.unwrap_or(b"[unknown]"));
        out.push(b')');
    }
}

fn build_id(out: &mut Vec<u8>, frame: &Frame<'_>) {
    match frame.build_id {
        Some((id, offset)) => {
            hex_digits(out, id);
            out.push(b' ');
            number::address(out, offset);
        }
        None => number::power_of_two(out, frame.address, 4),
    }
}

fn hex_digits(out: &mut Vec<u8>, bytes: &[u8]) {
    bytes.iter().for_each(|b| hex_pairs(out, &[*b], b' '));
}

fn indent(out: &mut Vec<u8>, by: &[u8], style: Style) {
    if !style.compact {
        out.extend_from_slice(by);
    }
}
