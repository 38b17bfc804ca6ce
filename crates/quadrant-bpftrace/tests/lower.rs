//! Scripts with the programs and messages expected of them: `tests/lower/*.bt` beside
//! `.program` and `.diag` files, in a made-up world. `UPDATE_EXPECT=1 cargo test` rewrites those.

mod common;

use std::fs;
use std::path::Path;

use common::dump::dump;
use common::expect::{compare, render, scripts};
use common::{Names, Probes, types};
use quadrant_bpftrace::{Env, compile};
use quadrant_program::Program;
use quadrant_program::diag::Diagnostic;

#[test]
fn lower_data() {
    let failed: Vec<String> = scripts("lower").iter().flat_map(|script| check(script)).collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn unsafe_functions_need_a_word_from_the_user() {
    for text in ["BEGIN { system(\"ls\"); }", "tracepoint:a:b { signal(9); }"] {
        assert!(run(text, &["1"], false).0.is_none(), "{text}");
        assert!(run(text, &["1"], true).0.is_some(), "{text}");
    }
}

#[test]
fn parameters_that_are_missing_count_as_nothing() {
    let (program, _) = run("BEGIN { print($1); print(str($1)); print($#); }", &[], false);
    let text = dump(&program.expect("a program"));
    assert!(text.contains("emit 0 0:i8\n  emit 1 \"\"\n  emit 2 0:i8"), "{text}");
}

#[test]
fn long_scripts_take_linear_rounds() {
    // Every map gets its type from the one below it, so each round learns one more.
    let chain: String = (0..40).map(|at| format!("@m{at} = @m{};\n", at + 1)).collect();
    let (program, messages) = run(&format!("BEGIN {{ {chain} @m40 = 1; }}"), &[], false);
    assert_eq!(messages, []);
    assert_eq!(program.expect("a program").maps.len(), 41);
}

/// What differs from what is expected of one script.
fn check(script: &Path) -> Vec<String> {
    let source = fs::read_to_string(script).expect("the script");
    let (program, messages) = run(&source, &["12", "word", "-5"], true);
    let program = program.map(|program| dump(&program)).unwrap_or_default();
    let program = compare(script, "program", &program);
    let messages = compare(script, "diag", &render(&messages, &source));
    program.into_iter().chain(messages).collect()
}

fn run(source: &str, params: &[&str], allow_unsafe: bool) -> (Option<Program>, Vec<Diagnostic>) {
    let types = types();
    let params: Vec<String> = params.iter().map(|&param| param.to_owned()).collect();
    let env = Env {
        probes: &Probes(&types),
        types: &types,
        symbols: &Names,
        params: &params,
        settings: &[],
        child: Some(77),
        allow_unsafe,
    };
    compile(source, &env)
}
