//! Scripts with their expected trees and messages: `tests/parser/*.d` beside `.tree` and `.diag` files.
//! `UPDATE_EXPECT=1 cargo test` rewrites those.

use std::fs;
use std::path::{Path, PathBuf};

use quadrant_d::{Mode, Parsed, message, parse, parse_part, tree};
use quadrant_program::span::Span;

#[test]
fn parser_data() {
    let failed: Vec<String> = scripts().iter().flat_map(|script| check(script)).collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn probes_may_stand_alone_on_the_command_line() {
    let text = "BEGIN {}\nsyscall:::entry";
    let bare = parse_part(text, Span::new(9, 24), Mode { bare_probes: true });
    assert_eq!(bare.diagnostics, []);
    assert_eq!(tree::print(&bare.script), "clause\n  at syscall:::entry\n");
    assert_eq!(parse("syscall:::entry").diagnostics.len(), 1);
}

/// What differs from what is expected of one script.
fn check(script: &Path) -> Vec<String> {
    let source = fs::read_to_string(script).expect("the script");
    let parsed = parse(&source);
    let tree = compare(script, "tree", &tree::print(&parsed.script));
    let messages = compare(script, "diag", &render(&parsed, &source));
    tree.into_iter().chain(messages).collect()
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parser");
    let entries = fs::read_dir(folder).expect("the folder of scripts");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "d"));
    paths.sort();
    assert!(!paths.is_empty(), "no scripts found");
    paths
}

/// What differs between `got` and the file of that extension beside `script`; no file means nothing.
fn compare(script: &Path, extension: &str, got: &str) -> Option<String> {
    let file = script.with_extension(extension);
    let wanted = fs::read_to_string(&file).unwrap_or_default();
    if wanted == got {
        return None;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        match got.is_empty() {
            true => fs::remove_file(&file).expect("remove an expectation"),
            false => fs::write(&file, got).expect("write an expectation"),
        }
        return None;
    }
    Some(format!("{}:\n--- expected\n{wanted}\n--- got\n{got}", file.display()))
}

/// Messages as they are printed, with the text that they are about and the advice.
fn render(parsed: &Parsed, source: &str) -> String {
    let lines = parsed.diagnostics.iter().map(|diagnostic| {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        let marked = source.get(start..end).expect("a span on character borders");
        let mut text = format!("{} {marked:?}\n", message::text(diagnostic, &parsed.lines, true));
        for help in &diagnostic.help {
            text.push_str(&format!("    help: {help}\n"));
        }
        text
    });
    lines.collect()
}
