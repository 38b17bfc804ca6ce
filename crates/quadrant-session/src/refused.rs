//! Functions at which the kernel lets no program run, whatever the program does.
//!
//! It says so only when a program for one of them is loaded. Of many functions, as a wildcard means them, those are left out and told;
//! one that is asked for by itself is refused.

use std::collections::BTreeMap;

use quadrant_codegen::ssa::Code;

use crate::error::Error;
use crate::verifier;

/// Names that are told of many.
const SHOWN: usize = 3;

/// A point whose program was not loaded.
#[derive(Debug)]
pub(crate) struct LeftOut {
    pub(crate) name: String,
    pub(crate) why: String,
}

/// Why no program can be at a function, by the verifier's log; `None` if it has looked at the program before it refused it.
pub(crate) fn by_function(log: &str) -> Option<String> {
    const NONE_SEEN: &str = "processed 0 insns";
    if verifier::is_silent(log) || !log.lines().any(|line| line.starts_with(NONE_SEEN)) {
        return None;
    }
    Some(in_our_words(verifier::reason(log)))
}

fn in_our_words(reason: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("__noreturn", "it never returns"),
        (
            "return type STRUCT is unsupported",
            "it returns a whole struct, which this kernel's trampolines do not pass on",
        ),
        ("type STRUCT is unsupported", "a whole struct goes to it, which this kernel's trampolines do not pass on"),
        ("has too many arguments", "it has more arguments than this kernel's trampolines pass on"),
        ("is rejected", "the kernel forbids programs there, because all programs run through it"),
        ("can't be attached to", "the kernel forbids programs there"),
    ];
    let known = WORDS.iter().find(|(mark, _)| reason.contains(mark));
    known.map_or_else(|| format!("the kernel says: {}", reason.trim_end_matches('.')), |(_, words)| (*words).to_owned())
}

/// The error where there is no other function.
pub(crate) fn alone(name: &str, code: &Code, why: &str) -> Error {
    let span = code.spans.first().map(|(_, span)| *span).unwrap_or_default();
    let help = "kernel probes need no trampoline: `kprobe` and `kretprobe`, in D `rawfbt`".to_owned();
    Error::Script { span, message: format!("no program can be at {name}: {why}"), help: vec![help] }
}

/// A line for each reason.
pub(crate) fn told(left_out: &[LeftOut]) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for point in left_out {
        by_reason.entry(&point.why).or_default().push(&point.name);
    }
    by_reason.into_iter().map(|(why, names)| format!("{} left out: {why}", count_and_names(&names))).collect()
}

fn count_and_names(names: &[&str]) -> String {
    match names {
        [one] => format!("`{one}` is"),
        _ => {
            let first: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > SHOWN { ", ..." } else { "" };
            format!("{} probes ({}{more}) are", names.len(), first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_function_is_told_from_what_is_wrong_with_a_program() {
        let statistics = "processed 0 insns (limit 1000000) max_states_per_insn 0\n";
        let why = |text: &str| by_function(&format!("{text}\n{statistics}"));
        let never = why("Attaching fexit/fmod_ret to __noreturn functions is rejected.");
        assert_eq!(never.as_deref(), Some("it never returns"));
        let whole = why("The function ZSTD_x arg1 type STRUCT is unsupported.");
        assert!(whole.is_some_and(|why| why.contains("whole struct")));
        let returned = why("The function tnum_const return type STRUCT is unsupported.");
        assert!(returned.is_some_and(|why| why.contains("it returns")));
        assert_eq!(why("x is odd.").as_deref(), Some("the kernel says: x is odd"));
        assert_eq!(by_function(statistics), None);
        assert_eq!(by_function("R1 type=scalar expected=fp\nprocessed 7 insns (limit 1000000)\n"), None);
    }

    #[test]
    fn functions_with_one_reason_are_one_line() {
        let point = |name: &str, why: &str| LeftOut { name: name.to_owned(), why: why.to_owned() };
        let lines = told(&["a", "b", "c", "d"].map(|name| point(name, "no")));
        assert_eq!(lines, ["4 probes (`a`, `b`, `c`, ...) are left out: no"]);
        assert_eq!(told(&[point("a", "x"), point("b", "y")]), ["`a` is left out: x", "`b` is left out: y"]);
    }
}
