//! What stands before the data of a firing: heading, CPU, ID, probe.

use quadrant_program::Program;

use crate::dtrace::flow::Step;
use crate::escape;
use crate::number;
use crate::pad::blanks;
use crate::pad::pad_left;
use crate::pad::pad_right;

/// Columns of a CPU's number.
const CPU: usize = 3;
/// Columns of a probe's number.
const ID: usize = 6;
/// Columns of a probe's function and name.
const PROBE: usize = 32;
/// Columns of a function with its indentation.
const FLOW: usize = 41;

/// Append the heading of rows, or of those that are indented. `bare`: without the columns for CPU and ID.
pub(super) fn heading(out: &mut Vec<u8>, indented: bool, bare: bool) {
    out.extend_from_slice(match (indented, bare) {
        (false, false) => b"CPU     ID                    FUNCTION:NAME\n",
        (false, true) => b"                   FUNCTION:NAME\n",
        (true, false) => b"CPU FUNCTION                                 \n",
        (true, true) => b"FUNCTION                                 \n",
    });
}

/// Append the columns of a row.
pub(super) fn row(out: &mut Vec<u8>, program: &Program, point: u64, cpu: u32, bare: bool) {
    if !bare {
        columns(out, cpu.into(), CPU);
        out.push(b' ');
        columns(out, number_of(program, point).into(), ID);
        out.push(b' ');
    }
    let start = out.len();
    probe(out, program, point);
    pad_left(out, start, PROBE);
    out.push(b' ');
}

/// Append the columns of a row that is indented; without a CPU that of its number.
pub(super) fn flow(out: &mut Vec<u8>, program: &Program, point: u64, cpu: Option<u32>, step: &Step) {
    if let Some(cpu) = cpu {
        columns(out, cpu.into(), CPU);
        out.push(b' ');
    }
    let start = out.len();
    blanks(out, step.indent);
    out.extend_from_slice(step.prefix());
    match step.named() {
        true => escape::text(out, function(program, point).as_bytes()),
        false => probe(out, program, point),
    }
    pad_right(out, start, FLOW);
    out.push(b' ');
}

/// The number of a probe.
pub(super) fn number_of(program: &Program, point: u64) -> u32 {
    usize::try_from(point).ok().and_then(|point| program.point_ids.get(point)).copied().unwrap_or(0)
}

/// The parts of a probe's name.
pub(super) fn name(program: &Program, point: u64) -> &str {
    usize::try_from(point).ok().and_then(|point| program.points.get(point)).map_or("", |point| &point.name)
}

/// `function:name`
fn probe(out: &mut Vec<u8>, program: &Program, point: u64) {
    escape::text(out, function(program, point).as_bytes());
    out.push(b':');
    escape::text(out, name(program, point).rsplit(':').next().unwrap_or_default().as_bytes());
}

fn function(program: &Program, point: u64) -> &str {
    usize::try_from(point).ok().and_then(|point| program.points.get(point)).map_or("", |point| &point.func)
}

fn columns(out: &mut Vec<u8>, value: u64, width: usize) {
    let start = out.len();
    number::unsigned(out, value);
    pad_left(out, start, width);
}
