//! Scripts with their expected trees and messages: `tests/parser/*.bt` beside
//! `.tree` and `.diag` files. `UPDATE_EXPECT=1 cargo test` rewrites those.

use std::fs;
use std::path::Path;

use quadrant_bpftrace::{parse, tree};
use quadrant_program::diag::{Diagnostic, Severity};

#[test]
fn parser_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parser");
    let mut failed = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the folder of scripts") {
        let path = entry.expect("a folder entry").path();
        if path.extension().is_some_and(|ext| ext == "bt") {
            count += 1;
            failed.extend(check(&path));
        }
    }
    assert!(count > 0, "no scripts found");
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// What differs from what is expected of one script.
fn check(script: &Path) -> Vec<String> {
    let source = fs::read_to_string(script).expect("the script");
    let parsed = parse(&source);
    let messages: String = parsed.diagnostics.iter().map(|diagnostic| render(diagnostic, &source)).collect();
    let tree = tree::print(&parsed.script);
    [("tree", tree), ("diag", messages)]
        .into_iter()
        .filter_map(|(kind, got)| compare(&script.with_extension(kind), &got))
        .collect()
}

fn compare(expected: &Path, got: &str) -> Option<String> {
    let wanted = fs::read_to_string(expected).unwrap_or_default();
    if wanted == got {
        return None;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        match got.is_empty() {
            true => fs::remove_file(expected).expect("remove an expectation"),
            false => fs::write(expected, got).expect("write an expectation"),
        }
        return None;
    }
    Some(format!("{}:\n--- expected\n{wanted}\n--- got\n{got}", expected.display()))
}

fn render(diagnostic: &Diagnostic, source: &str) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
    let marked = source.get(start..end).expect("a span on character borders");
    let line = source[..start].matches('\n').count() + 1;
    let column = start - source[..start].rfind('\n').map_or(0, |at| at + 1) + 1;
    let mut text = format!("{line}:{column} {severity}: {} {marked:?}\n", diagnostic.message);
    for (word, lines) in [("help", &diagnostic.help), ("note", &diagnostic.notes)] {
        for line in lines {
            text.push_str(&format!("    {word}: {line}\n"));
        }
    }
    text
}
