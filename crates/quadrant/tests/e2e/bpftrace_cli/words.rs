//! Common mistakes in the words in which users of bpftrace know them: one script each.

use super::{assert_run, bpftrace, run};
use crate::common::needs_root;

/// Asserts that each body of a BEGIN is refused with these words.
#[track_caller]
fn assert_refused(cases: &[(&str, &str)]) {
    for (body, message) in cases {
        let script = format!("BEGIN {{ {body} }}");
        let outcome = run(["-e", script.as_str()]);
        assert!(outcome.stderr.contains(&format!("ERROR: {message}\n")), "{body}: {}", outcome.describe());
        assert_eq!(outcome.code(), Some(1), "{body}: {}", outcome.describe());
    }
}

#[test]
fn arguments_of_another_kind() {
    assert_refused(&[
        ("time(5);", "time() expects a string literal (int provided)"),
        ("printf(comm);", "printf() expects a string literal (string provided)"),
        ("kaddr((1, 2));", "kaddr() expects a string literal (tuple provided)"),
        ("exit((1, 2));", "exit() only supports int arguments (tuple provided)"),
        ("_ = strftime(\"%H\", (int8*)5);", "strftime() only supports int arguments (pointer provided)"),
        ("print(bswap(\"a\"));", "bswap() only supports integer arguments (string provided)"),
        ("print(strncmp((1, 2), \"b\", 2));", "strncmp() only supports string arguments (tuple provided)"),
        ("print(strncmp(\"a\", \"b\", -1));", "Builtin strncmp requires a non-negative literal"),
        ("print(cgroup_path(1, 2));", "cgroup_path() only supports string arguments (int provided)"),
        ("print(pton(5));", "pton() expects an string literal at the first argument"),
        ("print(pton(\"x\"));", "pton() expects an string argument of an IPv4/IPv6 address, got x"),
        ("print(ntop(\"a\"));", "ntop() argument must be 4 or 16 bytes in size"),
        ("print(ksym(\"a\"));", "ksym() expects an integer or pointer argument"),
        ("@a[1] = 1; print(@a, \"x\");", "print() expects a int literal (string provided)"),
        ("@a[1] = 1; clear(@a[1]);", "clear() expects a map argument"),
        ("print(nsecs(5));", "nsecs() only supports timestamp_mode arguments (int provided)"),
        ("print(pid(foo));", "Invalid PID namespace mode: foo (expects: curr_ns or init)"),
        (
            "$a = (uint8[4])1; print($a[\"x\"]);",
            "The array index operator [] only accepts non-negative integer indices. Got: string[2]",
        ),
    ]);
}

#[test]
fn truth_values_are_no_numbers() {
    let assigned = "Type mismatch for $x: trying to assign value of type";
    let known = "when variable already has a type";
    assert_refused(&[
        ("print(~true);", "The ~ operator can not be used on expressions of type 'bool'"),
        ("print(-false);", "The - operator can not be used on expressions of type 'bool'"),
        ("$x = true; $x = 5;", &format!("{assigned} 'int8' {known} 'bool'")),
        ("$x = 5; $x = true;", &format!("{assigned} 'bool' {known} 'int8'")),
        ("$b = true; $x = 5; $x = $b;", &format!("{assigned} 'bool' {known} 'int8'")),
        ("$x = pid == 1; $x = true; $x = 5;", &format!("{assigned} 'int8' {known} 'bool'")),
        ("let $x : bool = pid == 1; $x = 5;", &format!("{assigned} 'int8' {known} 'bool'")),
        ("$x = 5; $x = pid ? true : pid == 1;", &format!("{assigned} 'bool' {known} 'int8'")),
        ("$x = true; $x++;", &format!("{assigned} 'uint64' {known} 'bool'")),
        ("$x = true; $x += 1;", &format!("{assigned} 'uint64' {known} 'bool'")),
        (
            "@x[1, true] = 1; @x[1, 1] = 2;",
            "Argument mismatch for @x: trying to access with arguments: '(int8,int8)' when map expects arguments: '(int8,bool)'",
        ),
        (
            "$y = pid; print($y ? true : $y);",
            "Branches must return the same type or compatible types: have 'bool' and 'uint32'",
        ),
        ("exit(true);", "exit() only supports int arguments (bool provided)"),
        ("for ($i : 0..true) { }", "Loop range requires an integer for the end value"),
    ]);
}

#[test]
fn functions_that_nothing_calls_are_checked() {
    for (function, place, message) in [
        ("fn f($a: int32): int32 { return $b; }", "1:33-35", "Undefined or undeclared variable: $b"),
        (
            "fn f($a: int32): int32 { $c = 5; $c = \"x\"; return 1; }",
            "1:34-42",
            "Type mismatch for $c: trying to assign value of type 'string[2]' when variable already has a type 'int8'",
        ),
        ("fn f($a: int32): int32 { }", "1:24-27", "Function f is of type int32, cannot return void"),
        ("fn f($a: foo_t): int32 { return 1; }", "1:10-15", "Cannot resolve unknown type \"foo_t\""),
        ("fn f($a: int32): int32 { return nosuch($a); }", "1:33-43", "Unknown function: 'nosuch'"),
        (
            "fn f($a: int32): void { @x = $a; }",
            "1:25-32",
            "Type mismatch for @x: trying to assign value of type 'int32' when map already has a type 'string[2]'",
        ),
    ] {
        assert_places(&format!("{function} BEGIN {{ @x = \"a\"; }}"), &[(place, message)]);
    }
    let wrong = run(["-e", "fn f($a: int32): int32 { return \"abc\"; } BEGIN { exit(); }"]);
    assert!(
        wrong.stderr.contains("ERROR: Function f is of type int32, cannot return string[4]\n"),
        "{}",
        wrong.describe()
    );
    let again = run(["-e", "fn f($a: int32): int32 { return f($a); } BEGIN { exit(); }"]);
    assert!(again.stderr.contains("ERROR: the function `f` calls itself"), "{}", again.describe());
}

#[test]
fn functions_that_nothing_calls_leave_no_trace() {
    let functions = "fn f($a: int32): int32 { @a[$a] = 1; @b = count(); printf(\"f\"); return g($a); }
        fn g($a: int32): int32 { return $a; }";
    let outcome = run(["-e", &format!("{functions} BEGIN {{ @z = 1; exit(); }}")]);
    assert_eq!((outcome.code(), outcome.stdout.trim()), (Some(0), "@z: 1"), "{}", outcome.describe());
    assert!(!outcome.stderr.contains("WARNING"), "{}", outcome.describe());
    // What it means is the probe's to say, and there is none.
    let outcome = run(["-e", "fn f(): uint64 { return arg0; } BEGIN { exit(); }"]);
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    let unseen = "1:4-5: WARNING: nothing calls the function `f`: it was not looked at";
    assert!(outcome.stderr.contains(unseen), "{}", outcome.describe());
}

/// Asserts that a script is refused with these messages, each with its place, in this order.
#[track_caller]
pub fn assert_places(script: &str, expected: &[(&str, &str)]) {
    let outcome = run(["-e", script]);
    let said = |line: &str| {
        line.strip_prefix("stdin:")?.split_once(": ERROR: ").map(|(at, said)| (at.to_owned(), said.to_owned()))
    };
    let seen: Vec<(String, String)> = outcome.stderr.lines().filter_map(said).collect();
    let expected: Vec<(String, String)> =
        expected.iter().map(|(at, said)| (at.to_string(), said.to_string())).collect();
    assert_eq!(seen, expected, "{script}: {}", outcome.describe());
}

#[test]
fn what_is_marked_is_what_bpftrace_marks() {
    let immutable = "syntax: Tuples and records are immutable once created. Consider creating a new value and assigning it instead.";
    for (script, place, message) in [
        ("BEGIN { pid = 5; }", "1:13-14", "syntax: expected ';'"),
        ("BEGIN { $x = (int8*)0; $x[0] = 5; }", "1:24-33", "syntax: invalid assignment target"),
        ("BEGIN { $x = (a=1, b=2); $x.a = 5; }", "1:26-34", immutable),
        ("BEGIN { $x = (1,2); $x.0 = 5; }", "1:21-29", immutable),
        ("BEGIN { print(1++); }", "1:16-18", "syntax: increment/decrement requires a variable or map"),
        ("BEGIN { if (comm) { } }", "1:9-22", "Invalid condition: string"),
        ("BEGIN /comm/ { }", "1:7-13", "Invalid condition: string"),
        ("BEGIN { $x = (1,2); print($x ? 1 : 2); }", "1:27-37", "Invalid condition: tuple"),
        (
            "BEGIN { print(kptr(\"a\")); }",
            "1:15-24",
            "kptr() only supports integer or pointer arguments (string provided)",
        ),
        ("BEGIN { print(buf(pid)); }", "1:15-23", "buf() expects a length argument for non-array type int"),
        ("BEGIN { print(print); }", "1:15-20", "Unknown identifier: 'print'"),
        ("BEGIN { print($0); }", "1:15-17", "syntax: param $0 is out of integer range [1, 9223372036854775807]"),
        ("BEGIN { $x = 5; print($x.1); }", "1:23-27", "Can not access index '1' on expression of type 'int8'"),
        ("BEGIN { print(\"a\" - \"b\"); }", "1:15-24", "illegal literal operation with strings"),
        (
            "BEGIN { $x = \"a\"; print($x & $x); }",
            "1:25-32",
            "The & operator can not be used on expressions of types string[2], string[2]",
        ),
        (
            "BEGIN { $x = \"a\"; $x *= 2; }",
            "1:19-26",
            "Type mismatch for $x: trying to assign value of type 'int64' when variable already has a type 'string[2]'",
        ),
        ("config = { 5 = 5 } BEGIN { }", "1:12-13", "syntax: expected config key"),
        ("config = { perf_rb_pages = \"a\" } BEGIN { }", "1:12-31", "perf_rb_pages: expecting a number, got a"),
        ("asyncwatchpoint:0x100:8:w { }", "1:1-26", "Invalid probe type: asyncwatchpoint"),
        ("usdt:nope:x:y { }", "1:1-14", "usdt target file 'nope' does not exist or is not executable"),
        ("struct a { int b; } BEGIN { print(offsetof(struct a, c)); }", "1:35-56", "'struct a' has no field named 'c'"),
    ] {
        assert_places(script, &[(place, message)]);
    }
    let sides = [
        ("1:20-26", "Type mismatch for '+': comparing int64 with string[2]"),
        ("1:17-19", "left (int64)"),
        ("1:23-26", "right (string[2])"),
    ];
    assert_places("BEGIN { $x = 1; $x += \"a\"; }", &sides);
}

#[test]
fn types_in_a_file_that_has_none_are_told_of() {
    needs_root!();
    let tracer = bpftrace().args(["-q", "-e", "BEGIN { exit(); }"]).env("BPFTRACE_BTF", "/nope");
    let outcome = tracer.run().expect("the tracer runs");
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert!(outcome.stderr.starts_with("WARNING: BTF: failed to parse BTF from /nope\n"), "{}", outcome.describe());
}

#[test]
fn break_ends_no_unrolled_body() {
    assert_refused(&[
        ("unroll(3) { if (pid) { break; } }", "'break' statement is not allowed in a probe"),
        ("unroll(3) { continue; }", "'continue' statement is not allowed in a probe"),
    ]);
}

#[test]
fn the_config_block_is_one_and_first() {
    needs_root!();
    let config = "config = { max_strlen = 64 }";
    for (script, place, message) in [
        (format!("BEGIN {{ }} {config}"), "1:11-17", "config must appear before probes and functions"),
        (
            format!("let @a = hash(5); {config} BEGIN {{ }}"),
            "1:19-25",
            "config must appear before probes and functions",
        ),
        (format!("{config} {config} BEGIN {{ }}"), "1:30-36", "duplicate config block"),
    ] {
        let outcome = run(["-e", script.as_str()]);
        assert!(
            outcome.stderr.contains(&format!("stdin:{place}: ERROR: syntax: {message}\n")),
            "{}",
            outcome.describe()
        );
    }
    let script = format!("struct a {{ int b; }} {config} BEGIN {{ print(1); exit(); }}");
    assert_run(["-q", "-e", &script], "1\n\n\n", "", 0);
}

#[test]
fn loops_and_declarations_have_variables() {
    assert_refused(&[
        ("let x = 5;", "syntax: expected variable after 'let'"),
        ("for (x : 0..3) { }", "syntax: expected variable in for loop"),
    ]);
}

#[test]
fn escapes_that_stand_for_no_byte() {
    assert_refused(&[
        ("print(\"\\xzz\");", "syntax: invalid hex escape sequence"),
        ("print(\"\\777\");", "syntax: octal escape sequence out of range '\\777'"),
        ("print(\"\\9\");", "syntax: invalid escape character '\\9'"),
    ]);
}

#[test]
fn numbers_that_a_declared_variable_has_no_room_for() {
    let mismatch = |number: &str, ty: &str, needed: &str| {
        let message = format!(
            "Type mismatch for $x: trying to assign value of type '{needed}' when variable already has a type '{ty}'"
        );
        assert_refused(&[
            (&format!("let $x : {ty} = {number};"), &message),
            (&format!("let $x : {ty}; $x = {number};"), &message),
        ]);
    };
    for (number, ty, needed) in [
        ("300", "uint8", "int16"),
        ("200", "int8", "int16"),
        ("-1", "uint64", "int8"),
        ("40000", "int16", "int32"),
        ("3000000000", "int32", "int64"),
        ("18446744073709551615", "int8", "uint64"),
    ] {
        mismatch(number, ty, needed);
    }
}

#[test]
fn a_pattern_without_a_match() {
    needs_root!();
    let outcome = run(["-e", "tracepoint:sched:nope* { }"]);
    let message = "ERROR: Probe has no valid attach points. If this is expected, set the 'missing_probes' config variable to 'warn'.\n";
    assert!(outcome.stderr.contains(message), "{}", outcome.describe());
}

#[test]
fn why_a_probe_has_nowhere_to_be() {
    needs_root!();
    let outcome = run(["-e", "rawtracepoint:sched_swich { }"]);
    assert!(outcome.stderr.contains("ERROR: Probe has no valid attach points."), "{}", outcome.describe());
    assert!(outcome.stderr.contains("\nHINT: ") && outcome.stderr.contains("did you mean `sched_switch`?"));
}

#[test]
fn what_has_to_be_in_the_script() {
    assert_refused(&[
        ("$n = 3; @ = lhist(1, 0, $n, 1);", "lhist: invalid max value (must be non-negative literal)"),
        ("@ = lhist(1, 0, 10, -1);", "lhist: invalid step value"),
        ("$n = 3; @ = tseries(1, 1s, $n);", "tseries: invalid num_intervals value (must be non-negative literal)"),
        ("@ = tseries(1, 1s, 1366);", "tseries() num_intervals must be <= 1365 (1366 provided)"),
        ("signal(\"FOO\");", "Invalid string for signal: FOO"),
        ("override(1);", "override() can only be used inside kprobes"),
        ("print(kstack(-1));", "kstack: invalid limit value"),
        ("print(ustack(\"a\"));", "ustack: invalid limit value"),
        ("print(pton(\"1.2.3\"));", "pton() expects a valid IPv4/IPv6 address, got 1.2.3"),
        ("$r = (a=1, a=2);", "syntax: Named argument list already contains name: a"),
        ("print((enum nope)1);", "Unknown enum: nope"),
        ("$p = &5;", "syntax: address-of operator (&) can only be used on a map or variable"),
        ("let $x; print($x);", "Could not resolve the type of this variable"),
        ("$s = \"a\"; print(!$s);", "The ! operator can not be used on expressions of type 'string[2]'"),
        (
            "@a[1] = 1; delete(@a);",
            "call to delete() with a single argument expects a map without explicit keys (scalar map)",
        ),
    ]);
}

/// What is wrong with what is assigned is said, and nothing of what was not assigned for that.
#[test]
fn a_map_to_which_something_wrong_is_assigned_is_not_undefined() {
    for script in
        ["delete(@x, \"a\"); @x[1] = 1;", "clear(@x); @x = kaddr(\"no such\");", "clear(@x); @x[nope] = count();"]
    {
        let outcome = run(["-e", &format!("BEGIN {{ {script} }}")]);
        assert!(!outcome.stderr.contains("Undefined map"), "{script}: {}", outcome.describe());
        assert_eq!(outcome.code(), Some(1), "{script}");
    }
}

#[test]
fn what_cannot_be_counted() {
    let of_hist = "Type mismatch for @: trying to assign value of type 'uint64' when map already has a type 'hist_t'";
    let of_sum = "Type mismatch for @: trying to assign value of type 'int64' when map already has a type 'sum_t'";
    let nothing = "syntax: increment/decrement requires a variable or map";
    assert_refused(&[("@ = hist(1); @++;", of_hist), ("@ = sum(1); @++;", of_sum), ("1++;", nothing)]);
}

#[test]
fn bounds_of_histograms() {
    let message = "lhist() step is too large for the given range (provided step 20 for range 10)";
    assert_refused(&[("@ = lhist(1, 0, 10, 20);", message)]);
}

#[test]
fn operators_and_casts() {
    assert_refused(&[
        ("$p = (int8*)5; print($p * 2);", "The * operator can not be used on expressions of types int8 *, int8"),
        ("print(*\"a\");", "The * operator can not be used on expressions of type 'string[2]'"),
        ("print((string[3])\"abcdef\");", "Cannot cast from \"string[7]\" to \"string[3]\""),
        ("print((uint8[3])0x01020304);", "Cannot cast from \"int32\" to \"uint8[3]\""),
        ("print((uint8[9])1);", "Cannot cast from \"int8\" to \"uint8[9]\""),
        (
            "$t = (1, 2); $t.0 = 5;",
            "syntax: Tuples and records are immutable once created. Consider creating a new value and assigning it instead.",
        ),
        (
            "$a = (1, 2); $a = 3;",
            "Type mismatch for $a: trying to assign value of type 'int8' when variable already has a type '(int8,int8)'",
        ),
        (
            "@x = kstack; @x = 5;",
            "Type mismatch for @x: trying to assign value of type 'int8' when map already has a type 'kstack_bpftrace_127'",
        ),
        ("print(1e20);", "syntax: overflow error, maximum value is 18446744073709551615: 1e20"),
        ("print(08);", "syntax: invalid trailing bytes: 08"),
        ("print(0b101);", "syntax: invalid integer suffix 'b101'"),
        ("$x = 1 exit();", "syntax: expected ';'"),
    ]);
}

#[test]
fn loops_over_what_has_no_entries() {
    assert_refused(&[
        ("@m = 2; for ($kv : @m) { }", "@m has no explicit keys (scalar map), and cannot be used for iteration"),
        ("for ($kv : 5) { }", "syntax: expected map or range in for loop"),
        ("@m[1] = hist(1); for ($kv : @m) { }", "Loop expression does not support type: hist_t"),
        ("for ($i : \"a\"..2) { }", "Loop range requires an integer for the start value"),
        ("$i = 7; for ($i : 0..3) { }", "Loop declaration shadows existing variable: $i"),
    ]);
}

#[test]
fn distributions_are_no_values() {
    assert_refused(&[
        (
            "@a = hist(1); @b = @a;",
            "Map value 'hist_t' cannot be assigned from one map to another. \
             The function that returns this type must be called directly e.g. `@b = hist(retval);`.",
        ),
        ("@a = stats(1); $b = @a;", "Value 'stats_t' cannot be assigned to a scratch variable."),
    ]);
}

#[test]
fn a_declared_map_needs_no_semicolon() {
    needs_root!();
    assert_run(["-q", "-e", "let @m = hash(10) BEGIN { @m[1] = 2; exit(); }"], "\n\n@m[1]: 2\n", "", 0);
}

#[test]
fn settings_of_the_environment_are_checked_though_they_change_nothing() {
    let program = super::bpftrace().args(["-e", "BEGIN { exit(); }"]).env("BPFTRACE_LAZY_SYMBOLICATION", "maybe");
    let outcome = program.run().expect("the tracer runs");
    let message = "lazy_symbolication: Invalid bool value: valid values are true, false, 1 or 0.\n";
    assert_eq!((outcome.stderr.as_str(), outcome.code()), (message, Some(2)), "{}", outcome.describe());
}

#[test]
fn settings_can_be_read_though_they_change_nothing() {
    let set = "config = { on_stack_limit = 64; unstable_dw_ustack = true }";
    let read = "printf(\"%d %d %d %s %s %d\\n\", config.log_size, config.on_stack_limit, config.use_blazesym,
                       config.unstable_dw_ustack, config.unstable_typeinfo, config.max_bpf_progs); ";
    let script = format!("{set} BEGIN {{ {read} exit(); }}");
    let program = super::bpftrace().args(["-q", "-e", &script]).env("BPFTRACE_MAX_BPF_PROGS", "7");
    let outcome = program.run().expect("the tracer runs");
    assert_eq!(outcome.stdout.trim(), "1000000 64 0 enable error 7", "{}", outcome.describe());
}

#[test]
fn what_is_no_number_is_not_counted() {
    let outcome = run(["-e", "BEGIN { @a[1] = \"x\"; @a[1]++; $b = \"y\"; --$b; }"]);
    for (name, number, holder) in [("@a", "uint64", "map"), ("$b", "int64", "variable")] {
        let message = format!(
            "ERROR: Type mismatch for {name}: trying to assign value of type '{number}' when {holder} already has a type 'string[2]'\n"
        );
        assert!(outcome.stderr.contains(&message), "{}", outcome.describe());
    }
}

#[test]
fn begin_and_end_interrupt_the_tracer_itself() {
    let outcome =
        run(["-q", "-e", "BEGIN { printf(\"%d \", usermode); exit(); } END { printf(\"%d\\n\", usermode); }"]);
    assert_eq!(outcome.stdout.trim(), "1 1", "{}", outcome.describe());
}

#[test]
fn a_probe_without_a_process_to_signal() {
    for (probe, kind) in [("BEGIN", "special"), ("interval:s:1", "interval")] {
        for function in ["signal", "signal_thread"] {
            let outcome = run(["--unsafe", "-e", &format!("{probe} {{ {function}(9); }}")]);
            let message = format!("ERROR: {function}() can not be used for this probetype {kind}\n");
            assert!(outcome.stderr.contains(&message), "{}", outcome.describe());
            assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        }
    }
}

#[test]
fn histograms_are_no_values() {
    assert_refused(&[
        ("@h = hist(1); print((1, @h));", "Map type hist_t cannot exist inside a tuple."),
        ("@h = lhist(1, 0, 9, 1); print((a = 1, b = @h));", "Map type lhist_t cannot exist inside a record."),
        ("@h = hist(1); @x[@h] = 1;", "Value 'hist_t' cannot be used as a map key."),
        ("@h = hist(1); if (@h) { }", "Invalid condition: hist_t"),
        ("@h = hist(1); print((int64)@h);", "Cannot cast from \"hist_t\" to \"int64\""),
        ("@h = hist(1); printf(\"%d\", @h);", "unsupported format specifier for type 'hist_t': d"),
        ("@h = stats(1); printf(\"%d\", @h);", "unsupported format specifier for type 'stats_t': d"),
        ("printf(\"%n\", 1);", "unsupported format specifier: n"),
        ("debugf(\"%d%d%d%d\", 1, 2, 3, 4);", "cannot use more than 3 conversion specifiers"),
    ]);
}

#[test]
fn mistakes_in_how_a_script_is_written() {
    assert_refused(&[
        ("print(curtask->);", "syntax: expected field name after '->'"),
        ("let $x: = 3;", "syntax: expected type name"),
        ("unroll(-1) { }", "invalid unroll value"),
        ("$t = (1, 2); print($t[pid]);", "Array-style access for tuples only valid for integer literals"),
        ("print(!(1, 2));", "The ! operator can not be used on expressions of type '(int8,int8)'"),
    ]);
    for (script, message) in [
        ("macro m { 1 } BEGIN { }", "syntax: expected '('"),
        ("BEGIN { @a-b = 3; }", "syntax: expected ';'"),
        (
            "BEGIN { import \"a\"; }",
            "Import statements that are not at the top level are primarily for the standard library. If this is functionality \
             you need, please file an issue to explain why.",
        ),
        ("test: { }", "test probes must have a name"),
        ("bench: { }", "bench probes must have a name"),
        ("import nope; BEGIN { }", "syntax: expected string after 'import'"),
        ("import \"a\" BEGIN { }", "syntax: expected ';' after import"),
        ("BEGIN { } import \"a\";", "syntax: root imports must appear before probes and functions"),
        ("config { } BEGIN { }", "syntax: expected '='"),
        ("config = { btf = 1 } BEGIN { }", "btf: can only be set as an environment variable"),
        ("BEGN { }", "Invalid probe type: begn"),
        ("software: { }", "software probe must have a software event name"),
        ("interval:1x { }", "Invalid rate of interval probe: invalid trailing bytes: 1x"),
        ("uprobe:/bin/sh:zzz:main { }", "unsupported language type: zzz"),
        ("uprobe:/etc/passwd:main { }", "uprobe target file '/etc/passwd' does not exist or is not executable"),
    ] {
        let outcome = run(["-e", script]);
        assert!(outcome.stderr.contains(&format!("ERROR: {message}\n")), "{script}: {}", outcome.describe());
    }
}

#[test]
fn what_has_no_value_is_not_assigned() {
    for (script, place, message) in [
        ("BEGIN { $x = printf(\"a\"); }", "1:9-25", "Value 'void' cannot be assigned to a scratch variable."),
        ("BEGIN { @x = join(0); @x = 1; }", "1:9-21", "Value 'void' cannot be assigned to a map."),
        ("BEGIN { $x = exit(); }", "1:9-20", "Invalid expression for assignment"),
    ] {
        assert_places(script, &[(place, message)]);
    }
}

#[test]
fn arguments_that_the_event_has_and_the_raw_tracepoint_has_not() {
    needs_root!();
    let outcome = run(["-e", "rawtracepoint:sched_switch { print(args.prev_pid); }"]);
    let message = "stdin:1:36-49: ERROR: Can't find function parameter prev_pid\n";
    assert!(outcome.stderr.contains(message), "{}", outcome.describe());
    assert!(outcome.stderr.contains("`tracepoint:sched:sched_switch` has it"), "{}", outcome.describe());
}

#[test]
fn settings_that_were_on_or_off_before_they_were_words() {
    needs_root!();
    for value in ["1", "0", "per_pid"] {
        let program = super::bpftrace().args(["-e", "BEGIN { exit(); }"]).env("BPFTRACE_CACHE_USER_SYMBOLS", value);
        let outcome = program.run().expect("the tracer runs");
        assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    }
    let outcome = run(["-e", "config = { perf_rb_pages = 0 } BEGIN { exit(); }"]);
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
}

#[test]
fn results_of_functions_are_of_their_types() {
    for (function, place, message) in [
        ("fn f(): bool { return 1; }", "1:16-25", "Function f is of type bool, cannot return int8"),
        ("fn f(): int64 { return true; }", "1:17-29", "Function f is of type int64, cannot return bool"),
        ("fn f(): uint8 { return 300; }", "1:17-28", "Function f is of type uint8, cannot return int16"),
        ("fn f(): string[4] { return comm; }", "1:21-33", "Function f is of type string[4], cannot return string[16]"),
        (
            "fn f(): string[4] { return \"abcd\"; }",
            "1:21-35",
            "Function f is of type string[4], cannot return string[5]",
        ),
    ] {
        assert_places(&format!("{function} BEGIN {{ }}"), &[(place, message)]);
    }
}
