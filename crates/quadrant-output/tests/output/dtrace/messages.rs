//! Messages about faults.

use quadrant_program::program::Clause;
use quadrant_program::program::Fault;
use quadrant_program::span::Span;

use super::*;
use crate::common::uint;

/// The message about a fault in a clause.
fn fault(clause: u64, statement: u64, kind: u64, address: u64) -> String {
    let mut program = program(&[("dtrace:::BEGIN", 1), ("syscall:vmlinux:read:entry", 3626)]);
    program.clauses = [0, 10, 10, 20]
        .map(|start| Clause { points: vec![], predicate: None, body: vec![], span: Span { start, end: start + 5 } })
        .to_vec();
    let args = [1, clause, statement, kind, address, 41].map(|word| uint(word).into());
    let (_, bytes) = common::record(RecordKind::Fault, args.into());
    let mut err = Vec::new();
    Printer::new(&program, Options::default()).fault(&mut err, &bytes);
    String::from_utf8(err).unwrap()
}

#[test]
fn faults_say_where_and_what() {
    let start = "dtrace: error in dt_clause_";
    let probe = "for probe ID 3626 (syscall:vmlinux:read:entry):";
    assert_eq!(
        fault(0, 1, Fault::BadAddress as u64, 0x10),
        format!("{start}0 {probe} invalid address (0x10) at BPF pc 41\n")
    );
    assert_eq!(
        fault(0, 0, Fault::BadIndex as u64, 7),
        format!("{start}0 {probe} index out of bounds (7) at BPF pc 41\n")
    );
    assert_eq!(fault(3, 2, Fault::DivideByZero as u64, 0), format!("{start}2 {probe} divide-by-zero at BPF pc 41\n"));
    assert_eq!(
        fault(2, 3, Fault::NoScratch as u64, 0),
        format!("{start}1 {probe} out of scratch space at BPF pc 41\n")
    );
}

#[test]
fn every_fault_has_its_words() {
    let words: Vec<String> = (1..=13)
        .map(|kind| fault(0, 1, kind, 0))
        .map(|text| text.split("): ").nth(1).unwrap().trim_end_matches(" at BPF pc 41\n").to_owned())
        .collect();
    assert_eq!(
        words,
        [
            "invalid address (0x0)",
            "invalid alignment (0x0)",
            "illegal operation",
            "divide-by-zero",
            "out of scratch space",
            "invalid kernel access (0x0)",
            "invalid user access (0x0)",
            "tuple stack overflow",
            "bad stack (0x0)",
            "invalid size (0x0)",
            "index out of bounds (0)",
            "library-level fault",
            "unknown fault",
        ]
    );
}
