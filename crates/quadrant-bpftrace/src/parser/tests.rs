//! Properties that hold for every text.

use proptest::prelude::*;
use quadrant_program::span::Span;

use super::{Parsed, parse};
use crate::tree;

/// Pieces of scripts, so that random texts reach deep into the grammar.
const SOUP: &[&str] = &[
    "BEGIN",
    "kprobe:f",
    "uprobe:/a/b:c",
    "\nEND",
    ",",
    "/",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ":",
    "::",
    ".",
    "..",
    "->",
    "?",
    "=",
    "==",
    "+",
    "-",
    "*",
    "&",
    "&&",
    "||",
    "<<",
    "!",
    "~",
    "++",
    "--",
    "+=",
    "@",
    "@m",
    "$x",
    "$1",
    "$#",
    "0",
    "10",
    "0x1f",
    "1e3",
    "5ms",
    "\"s\"",
    "\"",
    "'",
    "if",
    "else",
    "while",
    "for",
    "unroll",
    "let",
    "return",
    "break",
    "struct",
    "enum",
    "union",
    "typedef",
    "foo",
    "uint8",
    "string",
    "sizeof",
    "offsetof",
    "typeof",
    "config",
    "import",
    "macro",
    "fn",
    "comptime",
    "//",
    "/*",
    "*/",
    "#define",
    "\n",
    " ",
    "é",
    "\\",
    "#!",
    "pid",
    "args",
    "true",
];

fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(SOUP);
    prop::collection::vec((piece, any::<bool>()), 0..80).prop_map(|pieces| {
        pieces.into_iter().map(|(piece, blank)| if blank { format!("{piece} ") } else { piece.to_owned() }).collect()
    })
}

/// Parses, prints, and looks at every message's place.
fn exercise(text: &str) -> Parsed {
    let parsed = parse(text);
    tree::print(&parsed.script);
    for diagnostic in &parsed.diagnostics {
        let Span { start, end } = diagnostic.span;
        assert!(text.get(start as usize..end as usize).is_some(), "{diagnostic:?}");
    }
    parsed
}

/// A script nested `levels` deep by `open` and `close`.
fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("BEGIN {{ $x = {}1{}; }}", open.repeat(levels), close.repeat(levels))
}

proptest! {
    #[test]
    fn any_text_parses(text in "(?s).*") {
        exercise(&text);
    }

    #[test]
    fn token_soup_parses(text in soup()) {
        exercise(&text);
        exercise(&format!("BEGIN {{ {text}"));
        exercise(&format!("kprobe:f / {text}"));
    }

    #[test]
    fn cut_scripts_have_errors(at in 1usize..50) {
        let text = "kprobe:f /pid == 1/ { @[comm, (1, 2)] = count(); }";
        prop_assert!(!exercise(&text[..at]).diagnostics.is_empty());
    }
}

#[test]
fn nesting_has_a_limit() {
    let shapes = [
        ("(", ")"),
        ("-", ""),
        ("1+(", ")"),
        ("f(", ")"),
        ("@[", "]"),
        ("{", "}"),
        ("if 1 {", "}"),
        ("(uint8)", ""),
        ("1?", ":1"),
        ("1?1:", ""),
        ("1+", ""),
        ("$x[", "]"),
        ("sizeof(", ")"),
        ("(x=", ")"),
        ("++", ""),
        ("comptime ", ""),
        ("(1,", ")"),
        ("(typeof(", "))1"),
        ("", ".a"),
        ("", "[0]"),
        ("", "+1"),
        ("(", "+1)"),
    ];
    for (open, close) in shapes {
        let fine = exercise(&nested(open, close, 30));
        assert_eq!(fine.diagnostics, [], "30 levels of {open} {close}");
        let deep = exercise(&nested(open, close, 50_000));
        let messages: Vec<&str> = deep.diagnostics.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(messages, ["nested more than 256 levels deep"], "{open} {close}");
    }
}

#[test]
fn blocks_nest_to_a_limit() {
    for open in ["{", "if 1 {", "while 1 {", "for $i : 0..1 {", "unroll 2 {"] {
        let text = format!("BEGIN {{ {}{} }}", open.repeat(50_000), "}".repeat(50_000));
        assert_eq!(exercise(&text).diagnostics.len(), 1, "{open}");
    }
}

#[test]
fn long_scripts_are_no_deeper() {
    let body = "if $x > 3 { @a[pid, comm] = count(); } else if $x { printf(\"%d\\n\", $x * 2 + 1); }\n";
    let text = format!("BEGIN {{ {} }}\n", body.repeat(5000)).repeat(4);
    let parsed = exercise(&text);
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.script.items.len(), 4);
}

#[test]
fn one_missing_brace_spoils_one_probe() {
    let text = "BEGIN { if 1 { print(1);\nkprobe:f { @ = 1 }\nEND { @ = }";
    let parsed = exercise(text);
    assert_eq!(parsed.script.items.len(), 3);
    assert_eq!(parsed.diagnostics.len(), 2);
}

/// What stands at the end of a text that is cut is what is wrong with it.
#[test]
fn a_text_that_is_cut_is_told_once() {
    let cut = [
        "printf(\"a\"",
        "print(1)",
        "@ = ",
        "$y = { 2; }",
        "print(\"abc); }",
        "if 1 { print(1)",
        "if 1 { print(1); ",
        "",
    ];
    for text in cut {
        let diagnostics = exercise(&format!("BEGIN {{ {text}")).diagnostics;
        assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:?}");
    }
}

#[test]
fn a_name_without_a_probe_is_an_error() {
    for text in ["x= { }", "x=/1/ { }", "x=,BEGIN { }", "BEGIN,x= { }"] {
        let diagnostics = exercise(text).diagnostics;
        assert!(diagnostics[0].message.starts_with("expected a probe, found"), "{text}: {diagnostics:?}");
    }
}
