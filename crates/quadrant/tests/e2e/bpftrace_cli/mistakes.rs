//! Mistakes with all that bpftrace says of them, and where.

use super::words::assert_places;
use super::{bpftrace, run};
use crate::common::needs_root;

/// A script, and its messages with their places.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)]);

const NO_EXPRESSION: &str = "syntax: expected expression";

const UNEXPECTED: &str = "syntax: unexpected input in block";

#[test]
fn what_is_no_statement() {
    let cases: &[Case] = &[
        ("BEGIN { # }", &[("1:9-10", NO_EXPRESSION), ("1:9-10", "syntax: expected ';'"), ("1:9-10", UNEXPECTED)]),
        ("BEGIN { 'abc' }", &[("1:9-10", NO_EXPRESSION), ("1:9-10", "syntax: expected ';'"), ("1:9-10", UNEXPECTED)]),
        ("BEGIN { $; }", &[("1:9-10", "syntax: expected identifier after '$'"), ("1:9-10", UNEXPECTED)]),
        ("BEGIN { $x = #; }", &[("1:14-15", NO_EXPRESSION), ("1:14-15", "syntax: expected ';'")]),
        ("BEGIN { ; }", &[("1:9-10", NO_EXPRESSION)]),
        ("BEGIN { for ($i : 1..2) { }; }", &[("1:28-29", NO_EXPRESSION)]),
        ("BEGIN { if (1) { }; else { } }", &[("1:26-27", "syntax: expected ';'")]),
        ("BEGIN { }; END { }", &[("1:12-15", "syntax: expected '{'")]),
        ("BEGIN { $x++ ++; }", &[("1:14-15", "syntax: expected ';'")]),
        ("BEGIN { print(1 2); }", &[("1:17-18", "syntax: expected ')'"), ("1:17-18", "syntax: expected ';'")]),
        ("{ }", &[("1:1-2", "syntax: expected attach point"), ("1:1-2", "syntax: unexpected input")]),
        ("BEGIN,,END { }", &[("1:7-8", "syntax: expected attach point"), ("1:7-8", "syntax: expected '{'")]),
    ];
    cases.iter().for_each(|(script, messages)| assert_places(script, messages));
}

#[test]
fn numbers_and_what_stands_behind_them() {
    for (number, place, message) in [
        ("0x", "1:9-11", "syntax: invalid integer: "),
        ("1_", "1:10-11", "syntax: trailing underscore in integer literal"),
        ("1e", "1:9-11", "syntax: invalid trailing bytes: 1e"),
        ("3dd", "1:11-12", "syntax: invalid integer suffix 'd'"),
        ("5ns5", "1:12-13", "syntax: expected ';'"),
        ("1.5", "1:9-12", "Can not access index '5' on expression of type 'int8'"),
        ("079", "1:9-12", "syntax: invalid trailing bytes: 79"),
    ] {
        assert_places(&format!("BEGIN {{ {number}; }}"), &[(place, message)]);
    }
}

#[test]
fn declarations_that_lack_something() {
    let entries = "syntax: expected positive integer for map declaration max entries";
    for (script, place, message) in [
        ("BEGIN { $x = 1; $x->1; }", "1:21-22", "syntax: expected field name after '->'"),
        ("BEGIN { print(sizeof(nosuch)); }", "1:22-28", "Unknown identifier: 'nosuch'"),
        ("BEGIN { print(getopt(1)); }", "1:22-23", "First argument to 'getopt' must be a string literal."),
        ("BEGIN { print(kfunc_exist(1)); }", "1:15-29", "kfunc_exist() accepts a string literal only"),
        ("uprobe:/bin/sh:0xzz { }", "1:1-20", "No matches for uprobe /bin/sh:0xzz."),
        ("BEGIN { $1 = 5; }", "1:12-13", "syntax: expected ';'"),
        ("let @a = hash(); BEGIN { }", "1:15-16", entries),
        ("let @a = hash(-1); BEGIN { }", "1:15-16", entries),
        ("let @a = hash(1,2); BEGIN { }", "1:16-17", "syntax: expected ')'"),
        ("fn f() { } BEGIN { }", "1:8-9", "syntax: expected ':'"),
        ("fn { } BEGIN { }", "1:4-5", "syntax: expected function name"),
        ("macro { } BEGIN { }", "1:7-8", "syntax: expected macro name"),
        ("BEGIN { if (1) { } else print(1); }", "1:25-30", "syntax: expected '{' or 'if' after 'else'"),
    ] {
        assert_places(script, &[(place, message)]);
    }
}

#[test]
fn keys_of_what_is_no_map_or_has_none() {
    let no_map = "Mismatched arg. has_key() expects a map for arg @map but got an expression.";
    let cases: &[Case] = &[
        (
            "BEGIN { print(has_key(1, 2)); }",
            &[("1:15-28", "Call to has_key() has arguments that do not match any definition."), ("1:23-24", no_map)],
        ),
        (
            "BEGIN { @x = 1; print(has_key(@x, 1)); }",
            &[("1:23-37", "call to has_key() expects a map with explicit keys (non-scalar map)")],
        ),
        (
            "BEGIN { @y = 1; delete(@y[1]); }",
            &[("1:17-30", "call to delete() with two arguments expects a map with explicit keys (non-scalar map)")],
        ),
    ];
    cases.iter().for_each(|(script, messages)| assert_places(script, messages));
}

#[test]
fn a_tuple_with_a_wrong_part_is_not_said_to_be_a_number() {
    let script = "BEGIN { $v = nosuch; @t = ($v, (1, $v)); print(@t.1); }";
    assert_places(script, &[("1:14-20", "Unknown identifier: 'nosuch'")]);
}

#[test]
fn a_value_that_is_wrong_and_not_used_is_both() {
    let outcome = run(["-e", "BEGIN { strlen(1); kaddr(1, 2); }"]);
    let unused = "stdin:1:9-19: WARNING: Return value discarded.\n";
    assert!(outcome.stderr.contains(unused), "{}", outcome.describe());
    assert_eq!(outcome.stderr.matches("Return value discarded.").count(), 1, "{}", outcome.describe());
}

#[test]
fn a_probe_of_which_nothing_is_there_is_said_to_be_removed() {
    needs_root!();
    let removed =
        "WARNING: Probe has no valid attach points. It is being removed which may cause issues with program behavior.";
    let script = "config = { missing_probes = warn } t:nosuch:a,t:nosuch:b { } BEGIN { exit(); }";
    let outcome = run(["-e", script]);
    assert!(outcome.stderr.contains(&format!("stdin:1:36-57: {removed}\n")), "{}", outcome.describe());
    // Of a pattern nothing else is said.
    let outcome = run(["-e", "config = { missing_probes = warn } t:nosuch:* { } BEGIN { exit(); }"]);
    assert!(outcome.stderr.contains(removed) && !outcome.stderr.contains("No matches"), "{}", outcome.describe());
}

#[test]
fn that_there_is_nothing_to_do_is_an_answer() {
    needs_root!();
    let script = "config = { missing_probes = ignore } t:nosuch:a { }";
    for (options, answer) in
        [(&[][..], "No probes to attach\n"), (&["-q"], ""), (&["-f", "json"], "No probes to attach\n")]
    {
        let outcome = bpftrace().args(options).args(["-e", script]).run().expect("the tracer runs");
        assert_eq!((&*outcome.stdout, outcome.code()), (answer, Some(1)), "{options:?}: {}", outcome.describe());
    }
}

#[test]
fn maps_that_are_nowhere_filled() {
    for (body, place, message) in [
        ("delete(@y);", "1:9-19", "Unknown map: @y"),
        ("print(len(@y));", "1:15-22", "Unknown map: @y"),
        ("clear(@y);", "1:15-17", "Undefined map: @y"),
    ] {
        assert_places(&format!("BEGIN {{ {body} }}"), &[(place, message)]);
    }
    let outcome = run(["-q", "-e", "BEGIN { print(len(@y)); @y[1] = 1; delete(@z); @z = 1; exit(); }"]);
    assert!(outcome.stdout.starts_with("0\n"), "{}", outcome.describe());
}

#[test]
fn options_of_the_script_with_other_values() {
    for (default, given, message) in [
        ("1", "--a=x", "--a invalid integer (value: x)"),
        ("1", "--a", "--a expects an integer (value: true)"),
        ("1", "--a=99999999999999999999", "--a value is out of range (value: 99999999999999999999)"),
        ("true", "--a=2", "--a expects a boolean (e.g. 'true') (value: 2)"),
        ("\"x\"", "--a", "--a expects a string (value: true)"),
    ] {
        let script = format!("BEGIN {{ print(getopt(\"a\", {default})); exit(); }}");
        let outcome = run(["-e", &script, "--", given]);
        let expected = format!("ERROR: program command line option {message}\n");
        assert!(outcome.stderr.contains(&expected), "{expected}{}", outcome.describe());
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    }
}
