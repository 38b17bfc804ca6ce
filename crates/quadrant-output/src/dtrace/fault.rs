//! Messages about faults of clauses.

use std::collections::HashSet;

use quadrant_program::Program;
use quadrant_program::program::Fault;
use quadrant_program::record::HEADER;

use crate::dtrace::row;
use crate::escape;
use crate::number;

const BAD_INDEX: u64 = Fault::BadIndex as u64;

/// Append the message about a fault: where it happened, and what. `bytes` is the whole record with its header.
///
/// `dtrace: error in dt_clause_N for probe ID I (provider:module:function:name): invalid address (0x10) at BPF pc N`, where clauses
/// count from 0, and N is the instruction of the program that goes there.
pub(super) fn fault(err: &mut Vec<u8>, program: &Program, bytes: &[u8]) {
    let word = |i: usize| {
        let at = HEADER as usize + 8 * i;
        bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes)
    };
    let [point, clause, _statement, kind, address, place] = std::array::from_fn(word);
    where_(err, program, Some(clause), point);
    err.extend_from_slice(text(kind).as_bytes());
    if tells_which(kind) {
        err.extend_from_slice(b" (");
        number::address(err, address);
        err.push(b')');
    }
    if kind == BAD_INDEX {
        err.extend_from_slice(b" (");
        number::signed(err, address.cast_signed());
        err.push(b')');
    }
    err.extend_from_slice(b" at BPF pc ");
    number::unsigned(err, place);
    err.push(b'\n');
}

/// Append the start of a message: `dtrace: error in dt_clause_N for probe ID I (provider:module:function:name): `.
pub(super) fn where_(err: &mut Vec<u8>, program: &Program, clause: Option<u64>, point: u64) {
    err.extend_from_slice(b"dtrace: error");
    if let Some(clause) = clause {
        err.extend_from_slice(b" in dt_clause_");
        number::unsigned(err, source_clause(program, clause));
    }
    err.extend_from_slice(b" for probe ID ");
    number::unsigned(err, row::number_of(program, point).into());
    err.extend_from_slice(b" (");
    escape::text(err, row::name(program, point).as_bytes());
    err.extend_from_slice(b"): ");
}

/// A clause of the script may be several of the program: what counts is how many of the script stand before it.
fn source_clause(program: &Program, clause: u64) -> u64 {
    let clause = usize::try_from(clause).unwrap_or(usize::MAX);
    let Some(span) = program.clauses.get(clause).map(|clause| clause.span) else { return clause as u64 };
    let before: HashSet<_> = program.clauses[..clause].iter().map(|clause| clause.span).collect();
    before.iter().filter(|other| **other != span).count() as u64
}

/// The words for a [`quadrant_program::program::Fault`], by its number.
fn text(kind: u64) -> &'static str {
    match kind {
        1 => "invalid address",
        2 => "invalid alignment",
        3 => "illegal operation",
        4 => "divide-by-zero",
        5 => "out of scratch space",
        6 => "invalid kernel access",
        7 => "invalid user access",
        8 => "tuple stack overflow",
        9 => "bad stack",
        10 => "invalid size",
        11 => "index out of bounds",
        12 => "library-level fault",
        _ => "unknown fault",
    }
}

/// Faults of addresses and sizes tell which, in hexadecimal.
fn tells_which(kind: u64) -> bool {
    matches!(kind, 1 | 2 | 6 | 7 | 9 | 10)
}
