//! Properties that hold for every text.

use proptest::prelude::*;
use quadrant_program::span::Span;

use super::{Parsed, parse};
use crate::tree;

/// Pieces of scripts, so that random texts reach deep into the grammar.
const SOUP: &[&str] = &[
    "BEGIN",
    "\nEND\n",
    "syscall:::entry",
    "pid$target:a:b:c",
    "\n::x:",
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
    ".",
    "...",
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
    "^^",
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
    "$$1",
    "$",
    "0",
    "10",
    "0x1f",
    "1e3",
    "1.5",
    "08",
    "\"s\"",
    "\"",
    "'a'",
    "'",
    "if",
    "else",
    "while",
    "struct",
    "enum",
    "union",
    "typedef",
    "foo",
    "foo_t",
    "int",
    "unsigned",
    "string",
    "char",
    "const",
    "sizeof",
    "offsetof",
    "stringof",
    "xlate",
    "<",
    ">",
    "inline",
    "translator",
    "provider",
    "probe",
    "self",
    "this",
    "self->x",
    "this->y",
    "`sym",
    "m`sym",
    "//",
    "/*",
    "*/",
    "\n#pragma D option",
    "\n#line 3",
    "\n#",
    "#",
    "\n",
    " ",
    "é",
    "\\",
    "#!",
    "pid",
    "args",
    "extern",
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
        assert!(diagnostic.tag.is_some(), "{diagnostic:?}");
        parsed.lines.position(start);
    }
    parsed
}

/// A script nested `levels` deep by `open` and `close`.
fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("BEGIN {{ x = {}y{}; }}", open.repeat(levels), close.repeat(levels))
}

fn messages(parsed: &Parsed) -> Vec<&str> {
    parsed.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect()
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
        exercise(&format!("BEGIN / {text}"));
        exercise(&format!("struct s {{ {text}"));
        exercise(&format!("int {text}"));
        exercise(&format!("provider p {{ probe {text}"));
    }

    #[test]
    fn mutated_scripts_parse(at in 0usize..1500, len in 0usize..30, piece in prop::sample::select(SOUP)) {
        for text in [include_str!("../../tests/parser/declarations.d"), include_str!("../../tests/parser/expressions.d")] {
            let (at, end) = (at.min(text.len()), (at + len).min(text.len()));
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                exercise(&format!("{}{piece}{}", &text[..at], &text[end..]));
            }
        }
    }

    #[test]
    fn cut_scripts_have_errors(at in 1usize..54) {
        let text = "syscall:::entry /pid == 1/ { @[execname, 'a'] = sum(1) }";
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
        ("(int)", ""),
        ("1?", ":1"),
        ("1?1:", ""),
        ("1+", ""),
        ("x[", "]"),
        ("sizeof(", ")"),
        ("sizeof ", ""),
        ("stringof ", ""),
        ("++", ""),
        ("x=", ""),
        ("(1,", ")"),
        ("", ".a"),
        ("", "[0]"),
        ("", "+1"),
        ("", "++"),
        ("(", "+1)"),
        ("xlate<int>(", ")"),
        ("(int(*)[", "])y"),
    ];
    for (open, close) in shapes {
        let fine = exercise(&nested(open, close, 30));
        assert_eq!(messages(&fine), [""; 0], "30 levels of {open} {close}");
        let deep = exercise(&nested(open, close, 50_000));
        assert_eq!(messages(&deep), ["nested more than 256 levels deep"], "{open} {close}");
    }
}

#[test]
fn types_wrap_to_a_limit() {
    let shapes = [
        ("int x", "[1]", ";"),
        ("int *", "*", "x;"),
        ("struct { int x", "[1]", "; } x;"),
        ("int f(int x", "[1]", ");"),
    ];
    for (open, wrap, close) in shapes {
        let deep = exercise(&format!("{open}{}{close}", wrap.repeat(50_000)));
        assert_eq!(messages(&deep), ["nested more than 256 levels deep"], "{open}{wrap}{close}");
    }
}

#[test]
fn declarations_nest_to_a_limit() {
    for (open, close) in
        [("struct {", "int x; } x;"), ("union {", "} x;"), ("int (*", ")(int)"), ("int x[sizeof(int[", "])]")]
    {
        let deep = exercise(&format!("{}{};", open.repeat(50_000), close.repeat(50_000)));
        assert!(!deep.diagnostics.is_empty(), "{open}");
    }
    for open in ["{", "if (1) {", "if (1) ", "if (1) 2; else "] {
        let text = format!("BEGIN {{ {}{} }}", open.repeat(50_000), "}".repeat(50_000));
        assert!(!exercise(&text).diagnostics.is_empty(), "{open}");
    }
}

#[test]
fn long_scripts_are_no_deeper() {
    let body = "self->x = 1; @a[pid, execname] = count(); printf(\"%d\\n\", x * 2 + 1);\n";
    let text = format!("BEGIN {{ {} }}\n", body.repeat(5000)).repeat(4);
    let parsed = exercise(&text);
    assert_eq!(messages(&parsed), [""; 0]);
    assert_eq!(parsed.script.items.len(), 4);
    let alternatives = "pid == 1 && uid || ".repeat(20_000);
    assert_eq!(messages(&exercise(&format!("BEGIN /{alternatives} 0/ {{ }}"))), [""; 0]);
}

#[test]
fn one_missing_brace_spoils_one_clause() {
    let text = "BEGIN { if (1) { trace(1);\nsyscall::read:entry { @ = 1 }\nEND { @ = }";
    let parsed = exercise(text);
    assert_eq!(parsed.script.items.len(), 3);
    assert_eq!(parsed.diagnostics.len(), 2);
}

/// D has none, so nothing calls them; in the script itself they are mistakes as ever.
#[test]
fn functions_of_included_headers_are_passed_over() {
    let header = "static __inline int\nadd(int a)\n{ if (a) { return \"}\"; } return a; }\nextern int twice (int a) { return 2 * a; }\n\
                  extern int known (int);\nint (*called)(int);\nstatic const struct { int a; };\n";
    let parsed = parse(&format!("# 1 \"a.d\"\n# 1 \"x.h\" 1\n{header}# 2 \"a.d\" 2\nBEGIN {{ exit(0); }}\n"));
    assert_eq!(messages(&parsed), ["specified storage class not appropriate in D"]);
    assert_eq!(parsed.script.items.len(), 3);
    for own in [
        "static int add(int a) { return a; }",
        "# 1 \"a.d\"\n# 1 \"x.h\" 1\n# 2 \"a.d\" 2\nstatic int add(int a) { return a; }",
    ] {
        assert!(!messages(&parse(own)).is_empty(), "{own}");
    }
    let empty = "struct s { };\n";
    assert!(!messages(&parse(&format!("# 1 \"a.d\"\n{empty}"))).is_empty());
    assert!(messages(&parse(&format!("# 1 \"x.h\" 1\n{empty}"))).is_empty());
}
