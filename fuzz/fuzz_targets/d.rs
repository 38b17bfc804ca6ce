//! Any text as a script in D, compiled to eBPF in the made-up world of the language's tests.

#![no_main]

#[allow(dead_code)]
#[path = "../../crates/quadrant-d/tests/common/mod.rs"]
mod common;

use common::{Probes, env, types};
use libfuzzer_sys::fuzz_target;
use quadrant_d::lower::{Env, Source, SourceKind, compile};
use quadrant_d::macros::Macros;

fuzz_target!(|text: &str| {
    let types = types();
    let options = [("destructive".to_owned(), None)];
    let macros = Macros::new(vec!["fuzzed.d".to_owned(), "7".to_owned(), "text".to_owned()], vec![("target", 77)]);
    let probes = Probes(&types);
    let env = Env { options: &options, ..env(&probes, &macros) };
    let source = Source { name: "fuzzed.d".to_owned(), text: text.to_owned(), kind: SourceKind::Script };
    let compiled = compile(&[source], &env);
    match compiled.program {
        Some(program) => quadrant_fuzz::generate(&program),
        None => assert!(!compiled.diagnostics.is_empty(), "a script is refused without a word"),
    }
});
