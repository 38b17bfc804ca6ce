//! Any text as a script in bpftrace's language: formatted, and compiled to eBPF in the made-up world of the language's tests.

#![no_main]

#[allow(dead_code)]
#[path = "../../crates/quadrant-bpftrace/tests/common/mod.rs"]
mod common;

use common::{Probes, env, types};
use libfuzzer_sys::fuzz_target;
use quadrant_bpftrace::{Env, Script, compile, format::format};

fuzz_target!(|text: &str| {
    check_form(text);
    let types = types();
    let params = ["7".to_owned(), "text".to_owned()];
    let probes = Probes(&types);
    let env = Env { warns_of_style: true, ..env(&probes, &params) };
    let (program, messages) = compile(&Script::alone("fuzzed.bt", text), &env);
    match program {
        Some(program) => quadrant_fuzz::generate(&program),
        None => assert!(!messages.is_empty(), "a script is refused without a word"),
    }
});

/// What was formatted once stays as it is.
fn check_form(text: &str) {
    let Ok(once) = format(text) else { return };
    assert_eq!(format(&once).as_ref(), Ok(&once));
}
