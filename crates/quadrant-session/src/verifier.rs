//! From the verifier's log to a place in the script.
//!
//! The log is for people who write eBPF by hand; whoever writes a script gets the statement that the kernel refused.

use quadrant_codegen::ssa::{Code, RelocKind};
use quadrant_program::span::Span;

use crate::error::Error;

/// Explain why the kernel refused a program. `log` is the verifier's.
pub(crate) fn explain(code: &Code, what: &str, log: &str) -> Error {
    let reason = reason(log);
    let (message, help) = match is_limit(reason) {
        true => (format!("the program of {what} is too long for the kernel"), TOO_MUCH),
        false if reason.starts_with("The total number of maps per program") => {
            (format!("the program of {what} uses more maps than the kernel allows"), TOO_MANY_MAPS)
        }
        false if is_locked_down(reason) => {
            (format!("the program of {what} may read no memory of the kernel"), LOCKED_DOWN)
        }
        // Whoever writes C for programs knows the verifier's words.
        false if calls_c(code) => (format!("the kernel's verifier refused {what}: {reason}"), FUNCTIONS_IN_C),
        false if calls_kernel(code) => {
            (format!("the kernel refuses {what}: {}", broken_rule(reason)), KERNEL_FUNCTIONS)
        }
        false => (format!("the kernel refuses the program of {what}"), OUR_FAULT),
    };
    Error::Script { span: place(code, log), message, help: vec![help.to_owned()] }
}

const OUR_FAULT: &str = "this is a fault of quadrant, not of the script: please report it with what it says \
    when QUADRANT_VERIFIER_LOG=1 is set";
const TOO_MUCH: &str = "the clauses of one probe are one program, of which the kernel follows 8192 branches and a million steps: use fewer";
const TOO_MANY_MAPS: &str = "the clauses of one probe are one program, and the kernel lets it use 64 maps; those whose keys and values are of \
     equal sizes count as one: give some one name and another key (`@a[1]`, `@a[2]`)";

const LOCKED_DOWN: &str = "kernel lockdown (confidentiality) forbids it: remove lockdown=confidentiality from the kernel's \
    command line, or use what needs no such reads, as arguments of tracepoints and fentry, and memory of user programs";

const KERNEL_FUNCTIONS: &str = "the kernel has rules for each of its functions that programs call by name; with \
    QUADRANT_VERIFIER_LOG=1 it says which one";

/// Which rule for calls of kernel functions was broken, by what the verifier says.
fn broken_rule(reason: &str) -> &'static str {
    const RULES: &[(&[&str], &str)] = &[
        (&["is not allowed"], "programs of this kind of probe may not call this function"),
        (&["Possibly NULL"], "what is passed to this function may be null: test it first"),
        (&["Unreleased reference", "reference has not been"], "what a function gave has to be given back on every way"),
        (&["trusted", "referenced"], "this function takes only pointers that the kernel gave and still knows"),
        (&["scalar", "expected pointer", "expects pointer"], "an argument is not of the type that this function takes"),
    ];
    let found = RULES.iter().find(|(marks, _)| marks.iter().any(|mark| reason.contains(mark)));
    found.map_or("a call breaks the rules of the function", |(_, rule)| rule)
}

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

/// Whether the helper that reads the kernel's memory is missing: each kernel since 5.5 has it, and hides it when locked down.
fn is_locked_down(reason: &str) -> bool {
    let is_hidden = reason.starts_with("unknown func ") || reason.contains("cannot use helper ");
    is_hidden && reason.contains("probe_read_kernel")
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
    fn rules_of_kernel_functions_are_said_in_our_words() {
        assert_eq!(
            broken_rule("calling kernel function bpf_x is not allowed"),
            "programs of this kind of probe may not call this function"
        );
        assert!(broken_rule("Unreleased reference id=3 alloc_insn=12").contains("given back"));
        assert!(broken_rule("R1 must be referenced or trusted").contains("still knows"));
        assert_eq!(broken_rule("R9 is odd"), "a call breaks the rules of the function");
    }

    #[test]
    fn a_helper_that_is_hidden_is_lockdown() {
        assert!(is_locked_down("program of this type cannot use helper bpf_probe_read_kernel_str#115"));
        assert!(is_locked_down("unknown func bpf_probe_read_kernel#113"));
        assert!(!is_locked_down("unknown func bpf_get_func_arg#183"));
    }

    #[test]
    fn what_is_too_much_is_told_from_what_is_wrong() {
        let log = "8192: (15) if r0 == 0x0 goto pc+3\nThe sequence of 8193 jumps is too complex.\nprocessed 9 insns\n";
        assert!(is_limit(reason(log)));
        assert!(is_limit("BPF program is too large. Processed 1000001 insn"));
        assert!(!is_limit("R1 type=scalar expected=fp"));
    }
}
