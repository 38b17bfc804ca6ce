//! From the verifier's log to a place in the script.
//!
//! The log is for people who write eBPF by hand; whoever writes a script gets the statement that the kernel refused.

use quadrant_codegen::ssa::{Code, RelocKind};
use quadrant_program::span::Span;

use crate::error::Error;

/// Explain why the kernel refused a program. `log` is the verifier's.
pub(crate) fn explain(code: &Code, what: &str, log: &str) -> Error {
    let reason = reason(log);
    let message = format!("the kernel's verifier refused {what}: {reason}");
    let help = match is_limit(reason) {
        true => TOO_MUCH,
        false if calls_c(code) => FUNCTIONS_IN_C,
        false if calls_kernel(code) => KERNEL_FUNCTIONS,
        false => OUR_FAULT,
    };
    Error::Script { span: place(code, log), message, help: vec![help.to_owned()] }
}

const OUR_FAULT: &str =
    "this is a fault of quadrant, not of the script: please report it with the output of `quadrant -d verifier ...`";
const TOO_MUCH: &str = "the clauses of one probe are one program, of which the kernel follows 8192 branches and a million steps: use fewer";

const KERNEL_FUNCTIONS: &str = "the script calls functions of the kernel by name, and the kernel has rules for each: what one gives may have to be \
     tested and given back, and pointers have to come from where it trusts them";

const FUNCTIONS_IN_C: &str = "the script calls functions in C, which the kernel checks with what they are given: test pointers before they \
     are followed, and read memory of the kernel and of processes with bpf_probe_read_kernel() and bpf_probe_read_user()";

/// Whether a program calls functions in C.
fn calls_c(code: &Code) -> bool {
    code.relocs.iter().any(|reloc| matches!(reloc.kind, RelocKind::Import(_)))
}

/// Whether a program calls functions of the kernel.
fn calls_kernel(code: &Code) -> bool {
    code.relocs.iter().any(|reloc| matches!(reloc.kind, RelocKind::Kfunc(_)))
}

/// Whether the verifier gave up because there was too much to look at.
fn is_limit(reason: &str) -> bool {
    reason.ends_with("jumps is too complex.") || reason.starts_with("BPF program is too large.")
}

/// The last line that says something, without the statistics that follow it.
pub(crate) fn reason(log: &str) -> &str {
    said(log).unwrap_or("no reason given")
}

/// Whether the verifier has nothing against the program: it is refused for another reason.
pub(crate) fn is_silent(log: &str) -> bool {
    said(log).is_none()
}

fn said(log: &str) -> Option<&str> {
    let statistics = |line: &&str| {
        let starts = ["processed ", "verification time", "stack depth ", "insns processed "];
        line.is_empty() || starts.iter().any(|start| line.starts_with(start))
    };
    log.lines().rev().map(str::trim).find(|line| !statistics(line))
}

/// The span of the last instruction that the log names ("12: (85) call ...").
fn place(code: &Code, log: &str) -> Span {
    let at = number_of_instruction(log).unwrap_or(0);
    let before = code.spans.iter().take_while(|(insn, _)| *insn <= at).last();
    before.map(|(_, span)| *span).unwrap_or_default()
}

/// The last instruction that the log names.
pub(crate) fn number_of_instruction(log: &str) -> Option<u32> {
    let number = |line: &str| line.split_once(": (").and_then(|(number, _)| number.trim().parse::<u32>().ok());
    log.lines().rev().find_map(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_line_before_the_statistics() {
        let log =
            "0: (b7) r0 = 0\n1: (85) call foo#99\nR1 type=scalar expected=fp\nprocessed 2 insns (limit 1000000)\n";
        assert_eq!(reason(log), "R1 type=scalar expected=fp");
        assert_eq!(reason(""), "no reason given");
        assert!(is_silent("processed 2 insns (limit 1000000)\n") && !is_silent(log));
    }

    #[test]
    fn what_is_too_much_is_told_from_what_is_wrong() {
        let log = "8192: (15) if r0 == 0x0 goto pc+3\nThe sequence of 8193 jumps is too complex.\nprocessed 9 insns\n";
        assert!(is_limit(reason(log)));
        assert!(is_limit("BPF program is too large. Processed 1000001 insn"));
        assert!(!is_limit("R1 type=scalar expected=fp"));
    }
}
