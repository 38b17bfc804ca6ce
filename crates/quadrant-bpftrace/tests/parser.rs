//! Scripts with their expected trees and messages: `tests/parser/*.bt` beside
//! `.tree` and `.diag` files. `UPDATE_EXPECT=1 cargo test` rewrites those.

#[path = "common/expect.rs"]
mod expect;

use std::fs;
use std::path::Path;

use expect::{compare, render, scripts};
use quadrant_bpftrace::{parse, tree};

#[test]
fn parser_data() {
    let failed: Vec<String> = scripts("parser", "bt").iter().flat_map(|script| check(script)).collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// What differs from what is expected of one script.
fn check(script: &Path) -> Vec<String> {
    let source = fs::read_to_string(script).expect("the script");
    let parsed = parse(&source);
    let tree = compare(script, "tree", &tree::print(&parsed.script));
    let messages = compare(script, "diag", &render(&parsed.diagnostics, &source));
    tree.into_iter().chain(messages).collect()
}
