//! Macros that are called or written in a way that does not fit.

use super::words::assert_places;
use super::{assert_run, run};
use crate::common::needs_root;

#[test]
fn calls_of_macros_are_shown_with_the_definition() {
    let no_match = "Call to f() has arguments that do not match any definition.";
    let here = "This is the argument in the closest definition.";
    assert_places(
        "macro f() { } BEGIN { f(1); }",
        &[
            ("1:23-27", no_match),
            ("1:1-8", "The closest definition of f() has a different number of arguments. Expected: 0 but got 1"),
        ],
    );
    assert_places(
        "macro f($v, @m) { $v = 1; @m[1] = 2 } BEGIN { f(5, @a[1]); }",
        &[
            ("1:47-58", no_match),
            ("1:49-50", "Mismatched arg. f() expects a variable for arg $v but got an expression."),
            ("1:9-11", here),
            ("1:52-57", "Mismatched arg. f() expects a map for arg @m but got an expression."),
            ("1:13-15", here),
        ],
    );
    assert_places(
        "macro f(x) { x } macro f(y) { y } BEGIN { }",
        &[("1:18-25", "Redefinition of macro: f"), ("1:1-8", "This is the original definition.")],
    );
}

#[test]
fn mistakes_in_macros_are_shown_with_the_calls() {
    let message = "strncmp() only supports string arguments (int provided)";
    assert_places(
        "macro g(x) { strncmp(x, \"a\", 1) } macro f(x) { g(x) } BEGIN { print(f(5)); }",
        &[("1:14-32", message), ("1:48-52", "expanded from"), ("1:69-73", "expanded from")],
    );
    assert_places(
        "macro f(x) { printf(\"%d\", x) } BEGIN { f(\"a\"); f(1); f(\"b\"); }",
        &[
            ("1:14-29", "unsupported format specifier for type 'string[2]': d"),
            ("1:40-46", "expanded from"),
            ("1:54-60", "expanded from"),
        ],
    );
    assert_places(
        "macro f(x) { x } BEGIN { print(f(nope + 1)); }",
        &[("1:34-38", "Unknown identifier: 'nope'"), ("1:14-15", "expanded from"), ("1:32-43", "expanded from")],
    );
    assert_places("macro f() { break; } BEGIN { }", &[("1:13-19", "'break' statement is not allowed in a macro")]);
    assert_places(
        "BEGIN { @a[1] = 1; print(has_key(@a, \"x\")); }",
        &[(
            "1:26-42",
            "Argument mismatch for @a: trying to access with arguments: 'string[2]' when map expects arguments: 'int8'",
        )],
    );
}

#[test]
fn macros_that_do_not_fit() {
    let cases = [
        ("macro f($a) { $a += 1; } BEGIN { f(5); }", "Call to f() has arguments that do not match any definition."),
        (
            "macro f(a) { g(a) } macro g(a) { f(a) } BEGIN { print(f(1)); }",
            "Recursive macro call detected. Call chain: f > g > f",
        ),
        ("macro f(a, a) { a } BEGIN { print(f(1, 2)); }", "Ident for macro argument has already been used: a"),
        ("let @m = foo(5); BEGIN { @m[1] = 1; }", "Invalid bpf map type: foo"),
    ];
    for (script, message) in cases {
        let outcome = run(["-e", script]);
        assert!(outcome.stderr.contains(&format!("ERROR: {message}\n")), "{script}: {}", outcome.describe());
        assert_eq!(outcome.code(), Some(1), "{script}");
    }
}

#[test]
fn the_nearest_macro_is_meant() {
    needs_root!();
    let script = "macro f(a) { a } macro f($b) { $b + 100 } BEGIN { $x = 1; print(f(1)); print(f($x)); exit(); }";
    assert_run(["-q", "-e", script], "1\n101\n\n\n", "", 0);
}
