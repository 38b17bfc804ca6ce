//! Messages about scripts: bpftrace's form, and its words for common mistakes.

use super::{assert_run, run};
use crate::common::needs_root;

/// A script, the marked columns, and what is said.
#[track_caller]
fn assert_error(script: &str, (start, end): (usize, usize), message: &str, hint: &str) {
    let marks = format!("{:width$}{}", "", "~".repeat(end - start), width = start - 1);
    let expected = format!("stdin:1:{start}-{end}: ERROR: {message}\n{script}\n{marks}\n{hint}");
    assert_run(["-e", script], "", &expected, 1);
}

type Marked<'a> = ((usize, usize), &'a str);

/// The same of an operation, whose sides follow with their types.
#[track_caller]
fn assert_sides(script: &str, whole: Marked, sides: [Marked; 2], hint: &str) {
    let one = |((start, end), message): Marked| {
        let marks = format!("{:width$}{}", "", "~".repeat(end - start), width = start - 1);
        format!("stdin:1:{start}-{end}: ERROR: {message}\n{script}\n{marks}\n")
    };
    let expected: String = std::iter::once(whole).chain(sides).map(one).collect();
    assert_run(["-e", script], "", &(expected + hint), 1);
}

#[test]
fn what_begin_cannot_do_is_told_behind_the_header() {
    needs_root!();
    let message = "ERROR: failed to open file '/nonexistent' (No such file or directory)\n";
    let script = "BEGIN { cat(\"/nonexistent\"); exit(); }";
    assert_run(["-e", script], "\n\n", &format!("Attached 1 probe\n{message}"), 0);
}

#[test]
fn unknown_names() {
    assert_error("BEGIN { x }", (9, 10), "Unknown identifier: 'x'", "");
    assert_error("BEGIN { foo(1); }", (9, 15), "Unknown function: 'foo'", "");
    assert_error("foo { }", (1, 4), "Invalid probe type: foo", "");
    assert_error("BEGIN { print(@a); }", (15, 17), "Undefined map: @a", "");
    assert_error("config = { foo = 1 } BEGIN { }", (12, 19), "foo: not a known configuration option", "");
}

#[test]
fn types_that_do_not_fit() {
    let script = "BEGIN { @a = 1; @a = \"s\"; }";
    let message = "Type mismatch for @a: trying to assign value of type 'string[2]' when map already has a type 'int8'";
    assert_error(script, (17, 25), message, "HINT: a map holds values of one type: use another map\n");
    let message =
        "Argument mismatch for @a: trying to access with arguments: 'string[2]' when map expects arguments: 'int8'";
    assert_error("BEGIN { @a[1] = 1; @a[\"x\"] = 1; }", (20, 27), message, "");
}

#[test]
fn sides_of_operators_that_do_not_fit() {
    let hint = "HINT: print the whole map: `print(@s)`\n";
    let message = "Type mismatch for '+': comparing stats_t with int64";
    let sides = [((29, 31), "left (stats_t)"), ((32, 33), "right (int64)")];
    assert_sides("BEGIN { @s = stats(4); $x = @s+1; }", ((29, 33), message), sides, hint);
    let message = "Type mismatch for '==': comparing int8 with hist_t";
    let sides = [((30, 31), "left (int8)"), ((35, 40), "right (hist_t)")];
    assert_sides("BEGIN { @s[1] = hist(4); if (1 == @s[1]) { } }", ((30, 40), message), sides, hint);
    let message = "Type mismatch for '-': comparing (int8,int8) with int64";
    let sides = [((14, 20), "left ((int8,int8))"), ((21, 22), "right (int64)")];
    assert_sides("BEGIN { $x = (1, 2)-3; }", ((14, 22), message), sides, "");
}

#[test]
fn the_whole_call_is_marked_and_the_next_word() {
    assert_error("BEGIN { @x = hist(\"a\"); }", (14, 23), "hist() only supports int arguments (string provided)", "");
    assert_error("BEGIN { print(1, 2, 3); }", (9, 23), "Non-map print() only takes 1 argument, 3 found", "");
    assert_error("BEGIN { @x = 1 @y = 2 }", (16, 18), "syntax: expected ';'", "");
    assert_error("BEGIN { $a = (int8)\"a\"; }", (14, 20), "Cannot cast from \"string[2]\" to \"int8\"", "");
    let message = "Type mismatch for @x: trying to assign value of type 'sum_t' when map already has a type 'count_t'";
    let hint = "HINT: a map holds values of one type: use another map\n";
    assert_error("BEGIN { @x = count(); @x = sum(1); }", (28, 34), message, hint);
}

#[test]
fn a_limit_is_nowhere_in_the_script() {
    let expected = "ERROR: Can't attach to 2 probes because it exceeds the current limit of 1 probes.\n\
                    HINT: raise `max_probes`, or name fewer probes\n";
    assert_run(["-e", "config = { max_probes = 1 } BEGIN { } END { }"], "", expected, 1);
}

#[test]
fn texts_that_are_cut() {
    let at_end = |script: &str, message: &str| {
        let end = script.len() + 1;
        let expected =
            format!("stdin:1:{end}-{end}: ERROR: syntax: {message}\n{script}\n{:width$}\n", "", width = script.len());
        assert_run(["-e", script], "", &expected, 1);
    };
    at_end("BEGIN { print(1)", "expected ';'");
    at_end("BEGIN { exit();", "expected '}'");
    let expected = "stdin:2:1-1: ERROR: syntax: expected '}'\n";
    assert_run(["-e", "BEGIN { if (1) { exit();\n"], "", expected, 1);
}

#[test]
fn macros_settings_members_and_rounds() {
    let macros = "macro m() { return; } BEGIN { m(); }";
    assert_error(macros, (13, 20), "'return' statement is not allowed in a macro", "");
    let script = "macro m(a) { a } macro m(b) { b } BEGIN { }";
    let hint = format!(
        "stdin:1:1-8: ERROR: This is the original definition.\n{script}\n~~~~~~~\n\
         HINT: macros of one name differ in the number or the kinds of their arguments\n"
    );
    assert_error(script, (18, 25), "Redefinition of macro: m", &hint);
    let message = "max_strlen: expecting a number, got x";
    assert_error("config = { max_strlen = x } BEGIN { }", (12, 26), message, "");
    let message = "Can not access field 'nope' on expression of type 'int8'";
    assert_error("BEGIN { $x = 1; print($x.nope); }", (23, 30), message, "");
    assert_error("BEGIN { unroll(0) { } }", (9, 22), "unroll minimum value is 1", "");
    let script = "import \"nope.bt\"; BEGIN { }";
    assert_error(script, (1, 17), "Unable to find suitable path for import", "HINT: checked: nope.bt\n");
}

#[test]
fn macros_have_no_maps_of_others() {
    let message = "Unhygienic access to map: @x. Maps must be passed into the macro as arguments.";
    let script = "macro m() { @x = 1; } BEGIN { m(); }";
    let hint = format!(
        "stdin:1:31-34: ERROR: expanded from\n{script}\n{:30}~~~\n\
         HINT: a macro has only the maps that it takes: name it as a parameter\n",
        ""
    );
    assert_error(script, (13, 15), message, &hint);
}

#[test]
fn what_stands_outside_of_probes_and_where_probes_are() {
    let message = "syntax: root-level let statements need to be map declarations, e.g. let @a = hash(2);";
    assert_error("let $a = 5; BEGIN { }", (1, 4), message, "");
    let script = "rt:sched_switch { print(arg9); }";
    let message = "x86_64 doesn't support arg9";
    assert_error(script, (25, 29), message, "");
}

#[test]
fn numbers_that_are_none() {
    let hint = "HINT: scale it: `15 * x / 10` instead of `1.5 * x`\n";
    assert_error("BEGIN { print(1.5); }", (15, 18), "Can not access index '5' on expression of type 'int8'", hint);
    let message =
        "Type mismatch for $a: trying to assign value of type 'int8' when variable already has a type 'uint64'";
    assert_error("BEGIN { let $a: uint64 = -1; }", (9, 28), message, "");
}

#[test]
fn lengths_options_and_blocks() {
    assert_error("BEGIN { print(buf(\"abc\", -1)); }", (15, 29), "bufcannot use negative length (-1)", "");
    let message = "Command line option 'a' needs to have the same default value in all places it is used. Previous default value: 1";
    let hint = "HINT: an option has one default, and so one type\n";
    assert_error("BEGIN { print(getopt(\"a\", 1)); print(getopt(\"a\", 2)); }", (38, 52), message, hint);
    let hint = "HINT: assign to it first; a variable lives to the end of its block (`let $x;` before the block makes it live longer)\n";
    let message = "Undefined or undeclared variable: $x";
    assert_error("BEGIN { { let $x = 1; print($x) } print($x); }", (41, 43), message, hint);
    let message = "unsupported format specifier for type 'string[2]': gr";
    assert_error("BEGIN { printf(\"%gr\", \"a\"); }", (9, 27), message, "HINT: `%s` prints any value\n");
}

#[test]
fn samples_that_come_too_often() {
    needs_root!();
    // The kernel lowers its limit at any time: the one that counts is in the message.
    let limit = std::fs::read_to_string("/proc/sys/kernel/perf_event_max_sample_rate").unwrap();
    let rate = limit.trim().parse::<u64>().unwrap() + 1;
    let outcome = run(["-e", &format!("profile:hz:{rate} {{ exit(); }}")]);
    let before = format!("cannot open software event cpu-clock: EINVAL: {rate} samples a second are more than the ");
    let said = outcome.stderr.split_once(&before).and_then(|(_, rest)| rest.split_once(" that this kernel takes"));
    let limit = said.and_then(|(limit, _)| limit.parse::<u64>().ok());
    assert!(limit.is_some_and(|limit| limit < rate), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("HINT: use a lower rate"), "{}", outcome.stderr);
}

#[test]
fn commands_that_cannot_run() {
    let commands = [
        ("/nosuch", "No such file or directory"),
        ("nosuch", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
        ("/etc", "Is a directory"),
        (".", "Is a directory"),
        ("/etc/passwd/x", "Not a directory"),
    ];
    for (command, why) in commands {
        let expected =
            format!("ERROR: Failed to fork child: Path '{command}' does not exist or is not executable ({why})\n");
        assert_run(["-e", "BEGIN { }", "-c", command], "", &expected, 1);
    }
}

#[test]
fn old_names_of_settings_count_in_the_environment() {
    needs_root!();
    let script = "config = { max_strlen = 100 } BEGIN { print(config.max_strlen); exit(); }";
    for name in ["BPFTRACE_STRLEN", "BPFTRACE_MAX_STRLEN"] {
        let outcome = super::bpftrace().args(["-e", script]).env(name, "70").run().expect("the tracer runs");
        assert_eq!((outcome.stdout.as_str(), outcome.code()), ("70\n\n\n", Some(0)), "{name}: {}", outcome.describe());
    }
}

#[test]
fn numbers_that_do_not_fit() {
    let message = "negative value will underflow";
    assert_error("BEGIN { print(-9223372036854775809); }", (15, 35), message, "");
    let message = "unable to fold literals due to overflow or underflow";
    assert_error("BEGIN { print(18446744073709551615 + 1); }", (15, 39), message, "");
    assert_error("BEGIN { print(1 << 64); }", (15, 22), message, "");
    assert_error("BEGIN { print(7 / 0); }", (15, 20), message, "");
    let message =
        "Type mismatch for $x: trying to assign value of type 'uint64' when variable already has a type 'uint32'";
    assert_error("BEGIN { let $x: uint32 = 18446744073709551615; }", (9, 46), message, "");
    assert_error("BEGIN { print(str(\"abc\", -1)); }", (15, 29), "strcannot use negative length (-1)", "");
    assert_error("BEGIN { print(buf(1, -2)); }", (15, 25), "bufcannot use negative length (-2)", "");
}

#[test]
fn texts_that_are_longer_than_a_variable_is_declared_for() {
    let message = "Type mismatch for $a: trying to assign value of type 'string[16]' when variable already has a type 'string[4]'";
    let hint = "HINT: declare it as string[16]\n";
    assert_error("BEGIN { let $a : string[4] = comm; }", (9, 34), message, hint);
    assert_error("BEGIN { let $a : string[4]; $a = comm; }", (29, 38), message, hint);
    let message = message.replace("16", "9");
    assert_error("BEGIN { let $a : string[4] = \"abcdefgh\"; }", (9, 40), &message, "HINT: declare it as string[9]\n");
    needs_root!();
    assert_run(
        ["-e", "BEGIN { let $a : string[4]; $a = \"abc\"; print($a); exit(); }"],
        "abc\n\n\n",
        "Attached 1 probe\n",
        0,
    );
}

#[test]
fn what_a_probe_does_not_have() {
    let message = "begin probe type requires 0 arguments, found 1";
    assert_error("BEGIN:x { }", (1, 8), message, "HINT: write `begin { ... }`\n");
    let message = "The ctx builtin can not be used with 'end' probes";
    assert_error("END { print(ctx); }", (13, 16), message, "");
    let message = "Probe return values can only be integers. Found string[2]";
    assert_error("BEGIN { return \"a\"; }", (9, 20), message, "");
}

#[test]
fn values_of_settings_that_change_nothing() {
    let message = "show_debug_info: Invalid bool value: valid values are true, false, 1 or 0.";
    let script = "config = { show_debug_info = maybe } BEGIN { }";
    let outcome = super::run(["-e", script]);
    assert!(outcome.stderr.contains(message), "{}", outcome.describe());
    assert_eq!(outcome.code(), Some(1));
    let outcome = super::run(["-e", "config = { license = \"mine\" } BEGIN { }"]);
    assert!(
        outcome.stderr.contains("Invalid value for license. Found: mine. Valid values: Dual MIT/GPL, "),
        "{}",
        outcome.describe()
    );
    assert_eq!(outcome.code(), Some(1));
}

#[test]
fn probes_are_limited_if_asked_for() {
    let outcome = super::run(["-e", "config = { max_probes = 1 } BEGIN { } END { }"]);
    assert!(
        outcome.stderr.contains("Can't attach to 2 probes because it exceeds the current limit of 1"),
        "{}",
        outcome.describe()
    );
    assert_eq!(outcome.code(), Some(1));
}

#[test]
fn the_end_has_the_last_word() {
    needs_root!();
    for (script, status) in [("BEGIN { exit(1); } END { exit(2); }", 2), ("BEGIN { exit(1); } END { }", 1)] {
        assert_eq!(super::run(["-e", script]).code(), Some(status), "{script}");
    }
}

#[test]
fn commands_that_fail_are_told_of() {
    needs_root!();
    let outcome = super::run(["--unsafe", "-e", "BEGIN { system(\"exit 3\"); exit(); }"]);
    assert!(outcome.stderr.contains("a command of system() failed (exit status: 3)"), "{}", outcome.describe());
}

#[test]
fn calls_of_the_library_with_other_arguments() {
    let message = |name: &str| format!("Call to {name}() has arguments that do not match any definition.");
    let hint = "HINT: usage: strlen(text)\n";
    assert_error("BEGIN { print(strlen()); }", (15, 23), &message("strlen"), hint);
    let hint = "HINT: usage: strcontains(text, part)\n";
    assert_error("BEGIN { print(strcontains(\"a\")); }", (15, 31), &message("strcontains"), hint);
    let hint = "HINT: write a delete() for each\n";
    assert_error("BEGIN { @a[1] = 1; delete(@a[1], @a[2]); }", (20, 40), &message("delete"), hint);
}

#[test]
fn arguments_of_functions() {
    let hint = "HINT: usage: lhist(number, min, max, step)\n";
    assert_error("BEGIN { @ = lhist(1,2); }", (13, 23), "lhist() requires 4 arguments (2 provided)", hint);
    assert_error(
        "BEGIN { exit(1,2); }",
        (9, 18),
        "exit() takes up to one argument (2 provided)",
        "HINT: usage: exit([status])\n",
    );
    let message = "not enough arguments for format string (0 supplied, 1 expected)";
    assert_error("BEGIN { printf(\"%d\"); }", (9, 21), message, "");
}

#[test]
fn probes_that_there_are_not() {
    needs_root!();
    assert_error("tracepoint:nosuch:foo { }", (1, 22), "No matches for tracepoint nosuch:foo.", "");
    let message = "uprobe target file '/nosuch' does not exist or is not executable";
    assert_error("uprobe:/nosuch:main { }", (1, 20), message, "");
}

#[test]
fn old_names_of_settings_are_taken_with_a_warning() {
    needs_root!();
    let script = "config = { strlen = 5 } BEGIN { exit(); }";
    let warning = "stdin:1:12-22: WARNING: strlen has been renamed, please use max_strlen\n";
    let expected = format!("{warning}{script}\n{:11}~~~~~~~~~~\nAttached 1 probe\n", "");
    assert_run(["-e", script], "\n\n", &expected, 0);
    assert_run(["--no-warnings", "-e", script], "\n\n", "Attached 1 probe\n", 0);
}

#[test]
fn functions_of_the_script() {
    let message = "Function f is of type int64, cannot return string[4]";
    let hint = "HINT: in the function `f`, called on line 1\n";
    assert_error("fn f(): int64 { return \"abc\"; } BEGIN { print(f()); }", (17, 30), message, hint);
    let message = "Function f is of type int64, cannot return void";
    let hint = "HINT: in the function `f`, called on line 1\nHINT: end it with `return`\n";
    assert_error("fn f(): int64 { $y = 1; } BEGIN { print(f()); }", (15, 26), message, hint);
    let hint =
        "HINT: in the function `f`, called on line 1\nHINT: programs in the kernel have no recursion: use a loop\n";
    let script = "fn f(): int64 { return f(); } BEGIN { print(f()); }";
    assert_error(script, (24, 27), "the function `f` calls itself", hint);
    let message = "f() requires one argument (0 provided)";
    assert_error("fn f($a : int64): int64 { return $a; } BEGIN { print(f()); }", (54, 57), message, "");
    let script = "fn f($a : int64): int64 { return $a; } BEGIN { print(f(\"x\")); }";
    assert_error(script, (56, 59), "`$a` of f() is int64, and this is string[2]", "");
    let script = "fn f(): int64 { return $y; } BEGIN { $y = 1; print(f()); }";
    let hint = "HINT: in the function `f`, called on line 1\nHINT: assign to it first; a variable lives to the end of \
                its block (`let $x;` before the block makes it live longer)\n";
    assert_error(script, (24, 26), "Undefined or undeclared variable: $y", hint);
}

#[test]
fn what_has_no_address() {
    let message = "nothing can point to (int8,string[2]), which C does not have";
    assert_error("BEGIN { $t = (1, \"b\"); $p = &$t; }", (29, 32), message, "HINT: pass the value itself\n");
    let hint = "HINT: read its value: `@m`, `@m[key]`\n";
    let message = "not supported: this map has no one address, it is kept where it costs least";
    assert_error("BEGIN { @m = count(); $p = &@m; }", (28, 31), message, hint);
    assert_error("BEGIN { @m[1] = 1; $p = &@m[1]; }", (25, 31), message, hint);
}

#[test]
fn types_are_told_when_the_script_may_ask() {
    let message = "typeinfo feature is not enabled by default. To enable this unstable feature, set the config flag to \
                   enable. unstable_typeinfo=enable";
    assert_error("BEGIN { print(typeinfo(1)); }", (15, 26), message, "");
}

#[test]
fn parts_of_probes() {
    needs_root!();
    assert_error("t:a { }", (1, 4), "tracepoint probe type requires 2 arguments, found 1", "");
    assert_error("w:0x1000:3:w { }", (1, 13), "watchpoint length must be one of (1,2,4,8)", WATCHPOINT);
    assert_error("w:0x1000:8:b { }", (1, 13), "invalid watchpoint mode: b", "");
    let hint = "HINT: `*` means all: `tracepoint:sched:*`\n";
    assert_error("t:sched: { }", (1, 9), "tracepoint probe must have a target", hint);
}

const WATCHPOINT: &str = "HINT: write `watchpoint:0xADDRESS:LENGTH:MODE`, as `watchpoint:0x600000:8:rw`\n";

#[test]
fn files_that_cannot_be_shown() {
    needs_root!();
    let message = "ERROR: failed to open file '/proc/1/nope' (No such file or directory)\n";
    assert_run(["-q", "-e", "BEGIN { cat(\"/proc/%d/nope\", 1); exit(); }"], "\n\n", message, 0);
}

#[test]
fn one_probe_named_twice_runs_twice() {
    needs_root!();
    let script = "BEGIN,BEGIN { printf(\"x\"); } BEGIN { printf(\"y\"); exit(); }";
    assert_run(["-q", "-e", script], "xxy\n\n", "", 0);
}
