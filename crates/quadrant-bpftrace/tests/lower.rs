//! Scripts with the programs and messages expected of them: `tests/lower/*.bt` beside
//! `.program` and `.diag` files, in a made-up world. `UPDATE_EXPECT=1 cargo test` rewrites those.

mod common;

use std::fs;
use std::path::Path;

use common::dump::dump;
use common::expect::{compare, render, scripts};
use common::{Probes, env, types};
use proptest::prelude::*;
use quadrant_bpftrace::ast::Item;
use quadrant_bpftrace::{Env, Script, compile, parse};
use quadrant_program::Program;
use quadrant_program::diag::Diagnostic;

#[test]
fn lower_data() {
    let failed: Vec<String> = scripts("lower", "bt").iter().flat_map(|script| check(script)).collect();
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
    assert!(text.contains("emit 0 0:i8\n  emit 1\n  emit 2 0:i8"), "{text}");
}

#[test]
fn the_version_of_the_kernel_is_a_constant() {
    let condition = "LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 255) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)";
    let scripts = [
        format!("#if {condition}\n#define IS 7\n#endif\nBEGIN {{ print(IS); }}"),
        format!(
            "#ifdef LINUX_VERSION_CODE\n#define OF(a, b) KERNEL_VERSION(a, b, 300)\n#endif\nBEGIN {{ if ({condition} && LINUX_VERSION_CODE == OF(6, 12)) {{ print(7); }} }}"
        ),
        "BEGIN { print(LINUX_VERSION_MAJOR * LINUX_VERSION_PATCHLEVEL * LINUX_VERSION_SUBLEVEL - 18353); }".to_owned(),
    ];
    for script in scripts {
        let (program, messages) = run(&script, &[], false);
        let text = dump(&program.unwrap_or_else(|| panic!("{script}: {messages:?}")));
        assert!(text.contains("7:"), "{script}: {text}");
    }
    let (program, messages) = run("#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12)\n#endif\nBEGIN { }", &[], false);
    assert!(program.is_none() && messages[0].message == "this cannot stand in an `#if`", "{messages:?}");
}

/// bpftrace #2513
#[test]
fn a_parameter_names_a_whole_probe_or_several_words_of_one() {
    let scripts = [("$1 /pid/ { }", "interval:ms:10"), ("interval:$1 { }", "ms:10"), ("$1:ms:10 { }", "i")];
    for (script, param) in scripts {
        let (program, messages) = run(script, &[param], false);
        let names: Vec<String> = program.iter().flat_map(|program| &program.points).map(|at| at.name.clone()).collect();
        assert_eq!(names, ["interval:ms:10"], "{script}: {messages:?}");
    }
    let (_, messages) = run("$1 { }", &[], false);
    assert!(messages[0].message.contains("`$1`, which was not given"), "{messages:?}");
}

/// bpftrace #790: how the first versions that had them wrote watchpoints.
#[test]
fn watchpoints_without_a_file_before_the_address() {
    let (program, messages) = run("watchpoint::0x10000000:8:rw { }", &[], false);
    let program = program.unwrap_or_else(|| panic!("{messages:?}"));
    assert_eq!(program.points[0].name, "watchpoint:0x10000000:8:rw");
}

/// bpftrace #872
#[test]
fn a_loop_like_that_of_c_is_told_the_form_of_ours() {
    let (_, messages) = run("BEGIN { for ($i = 0; $i < 3; $i++) { print($i); } exit(); }", &[], false);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].help[0].contains("`for ($i : 0..10) { ... }`"), "{messages:?}");
}

#[test]
fn builtins_and_functions_are_near_before_constants() {
    for (word, near) in [("nsec", "nsecs"), ("strlne", "strlen()"), ("EINVL", "EINVAL")] {
        let (_, messages) = run(&format!("BEGIN {{ print({word}); }}"), &[], false);
        assert_eq!(messages[0].help, [format!("did you mean `{near}`?")], "{word}");
    }
}

#[test]
fn after_many_errors_the_rest_is_not_looked_at() {
    let statements: String = (0..5_000).map(|i| format!("@a = unknown{i}; ")).collect();
    let (program, messages) = run(&format!("BEGIN {{ {statements} }}"), &[], false);
    assert!(program.is_none());
    assert_eq!(messages.len(), 200);
    assert_eq!(messages[199].message, "unknown name `unknown199`");
}

#[test]
fn long_scripts_take_linear_rounds() {
    // Every map gets its type from the one below it, so each round learns one more.
    let chain: String = (0..40).map(|at| format!("@m{at} = @m{};\n", at + 1)).collect();
    let (program, messages) = run(&format!("BEGIN {{ {chain} @m40 = 1; }}"), &[], false);
    assert_eq!(messages, []);
    assert_eq!(program.expect("a program").maps.len(), 41);
}

#[test]
fn deep_scripts_do_not_exhaust_the_stack() {
    let shapes = [
        ("(", ")"),
        ("-", ""),
        ("1+(", ")"),
        ("@[", "]"),
        ("{", "}"),
        ("if 1 {", "} else { 1 }"),
        ("(uint8)", ""),
        ("1?", ":1"),
        ("(1,", ")"),
        ("", "+pid"),
        ("strlen(", ")"),
        ("(pid ?: ", ")"),
        ("twice(", ")"),
    ];
    for (open, close) in shapes {
        let value = format!("{}1{}", open.repeat(120), close.repeat(120));
        run(&format!("macro twice(e) {{ e + e }} BEGIN {{ $x = {value}; @ = $x; }}"), &[], false);
    }
    for open in ["if 1 {", "while 1 {", "for ($i : 0..1) {", "{"] {
        run(&format!("BEGIN {{ {} {} }}", open.repeat(200), "}".repeat(200)), &[], false);
    }
    let chain: String = (0..100).map(|at| format!("macro m{at}(e) {{ ((((m{}(e + 1))))) }}\n", at + 1)).collect();
    run(&format!("{chain} macro m100(e) {{ e }} BEGIN {{ print(m0(1)); }}"), &[], false);
}

#[test]
fn a_byte_order_mark_means_nothing() {
    for script in ["\u{feff}BEGIN { exit(); }", "\u{feff}#!/usr/bin/env bpftrace\nBEGIN { exit(); }"] {
        let (program, messages) = run(script, &[], false);
        assert!(program.is_some(), "{messages:?}");
    }
}

#[test]
fn long_scripts_do_not_exhaust_the_stack_or_the_day() {
    let arms = |count: usize| format!("BEGIN {{ if (pid) {{ }} {} }}", "else if (pid) { } ".repeat(count));
    assert!(run(&arms(1000), &[], false).0.is_some());
    let alternatives: String = (0..20_000).map(|pid| format!("pid == {pid} || ")).collect();
    let (program, messages) = run(&format!("BEGIN /{alternatives} uid/ {{ }}"), &[], false);
    assert!(program.is_some(), "{messages:?}");
    let constants: String = (0..40).map(|at| format!("#define A{0} A{at} + A{at}\n", at + 1)).collect();
    let refused = [
        (arms(20_000), "more than 2000 conditions in one `if`"),
        (format!("BEGIN {{ {} {} }}", "unroll(100) {".repeat(4), "}".repeat(4)), "makes 1000000 rounds"),
        (format!("{constants}#define A0 1\nBEGIN {{ print(A40); }}"), "put into each other too often"),
    ];
    for (text, message) in refused {
        let (program, messages) = run(&text, &[], false);
        assert!(program.is_none() && messages.iter().any(|said| said.message.contains(message)), "{messages:?}");
    }
}

#[test]
fn conditions_that_grow_without_end_are_refused() {
    let wide: String = (0..40).map(|at| format!("#define A{at} (A{0} + A{0} + A{0})\n", at + 1)).collect();
    for text in [format!("{wide}#if A0\n#endif\n"), "#define A A\n#if A\n#endif\n".to_owned()] {
        let (_, messages) = run(&format!("{text}BEGIN {{ exit(); }}"), &[], false);
        assert!(messages.iter().any(|message| message.message.contains("#if")), "{messages:?}");
    }
}

#[test]
fn a_list_of_probes_may_end_with_a_comma() {
    for text in ["tracepoint:a:b,\n{ print(1); }", "tracepoint:a:b,\n/pid == 1/\n{ print(1); }"] {
        let (program, messages) = run(text, &[], false);
        assert!(program.is_some(), "{text}: {messages:?}");
    }
}

#[test]
fn what_a_map_holds_is_known_before_the_type_of_its_key() {
    let scripts = [
        "BEGIN { $d = @n; @held[$d] = (lock = nsecs, at = 1); @n = $d + 1; } END { print(@held[0].lock); }",
        "BEGIN { $d = @n; @held[$d] = (lock = @first[0], at = 1); @n = $d + 1; } END { print(@held[@n].at); }",
        "BEGIN { $d = @n; @held[$d] = (1, comm); @n = $d + 1; } END { print(@held[0].1); }",
    ];
    for text in scripts {
        let (program, messages) = run(text, &[], false);
        assert!(program.is_some(), "{text}: {messages:?}");
    }
}

#[test]
fn macros_of_one_name_may_call_each_other_but_none_itself() {
    let more = "macro m(a, b) { print(a + b); } macro m(a) { m(a, 2); }";
    let (program, messages) = run(&format!("{more} BEGIN {{ m(1); }}"), &[], false);
    assert!(program.is_some(), "{messages:?}");
    let (program, messages) = run("macro m(a, b) { m(a); } macro m(a) { m(a, 2); } BEGIN { m(1); }", &[], false);
    assert!(program.is_none());
    assert_eq!(messages[0].message, "the macro `m` calls itself: m > m > m");
}

#[test]
fn names_of_functions_in_go_have_slashes() {
    let names = [
        ("net/http.(*Server).Serve { }", "net/http.(*Server).Serve"),
        ("github.com/a/b/c.(*T).f /pid == 1/ { }", "github.com/a/b/c.(*T).f"),
        ("net/http.Get, BEGIN { }", "net/http.Get"),
        ("f/pid == 1/ { }", "f"),
        ("f/pid==1/ { }", "f"),
        ("f/@a[tid]/{ }", "f"),
        ("f/@x[tid,1]/ { }", "f"),
        ("f/strncmp(str(arg0),\"a\",1)==0/ { }", "f"),
        ("f/str(arg0)==\"a,b\"/ { }", "f"),
        ("f/pid /{ }", "f"),
        ("f/pid\n/{ }", "f"),
        ("f/args.x / 2/{ }", "f"),
        ("f/(args.x,1).0/{ }", "f"),
    ];
    for (text, name) in names {
        let parsed = parse(&format!("uprobe:/bin/x:{text}"));
        assert_eq!(parsed.diagnostics, [], "{text}");
        let Some(Item::Probe(probe)) = parsed.script.items.first() else { panic!("{text}") };
        assert_eq!(probe.attach[0].parts[2].text, name);
    }
}

/// Of scripts that people publish, these are what most often does not run.
#[test]
fn kernel_probes_without_named_arguments_say_what_there_is_instead() {
    for (kind, help) in [
        ("kprobe", "use `arg0`, `arg1`, ..., or `fentry:vfs_read`, which has names"),
        ("kretprobe", "use `retval`, or `fexit:vfs_read`, which has the arguments, too"),
    ] {
        let (program, messages) = run(&format!("{kind}:vfs_read {{ print(args.count); }}"), &[], false);
        assert!(program.is_none());
        assert_eq!(messages[0].help, [help], "{messages:?}");
    }
}

#[test]
fn what_has_another_name_elsewhere_is_told_its_name_here() {
    for (text, help) in [
        ("quantize(1)", "did you mean `hist()`?"),
        ("lquantize(1, 2, 3)", "did you mean `lhist()`?"),
        ("ehist(1)", "did you mean `hist(number, bits)`?"),
        ("ntohs(80)", "did you mean `bswap((uint16)number)`?"),
        ("strcmp(comm, \"a\")", "did you mean `text == text`?"),
        ("substr(comm, 1, 2)", "did you mean `str(address + from, length)`?"),
        ("copyinstr(0)", "did you mean `str(address)`?"),
        ("bpf_ktime_get_ns()", "did you mean `nsecs`?"),
        ("execname", "did you mean `comm`?"),
        ("timestamp", "did you mean `nsecs`?"),
    ] {
        let (program, messages) = run(&format!("BEGIN {{ @a = {text}; }}"), &[], false);
        assert!(program.is_none(), "{text}");
        assert_eq!(messages[0].help, [help], "{messages:?}");
    }
}

#[test]
fn who_comments_as_in_a_shell_is_told_how() {
    for text in ["BEGIN { print(1); # one\n}", "# what it does\nBEGIN { }"] {
        let (program, messages) = run(text, &[], false);
        assert!(program.is_none());
        assert_eq!(messages[0].help, ["a comment begins with `//`"], "{messages:?}");
    }
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
    let probes = Probes(&types);
    let env = Env { allow_unsafe, ..env(&probes, &params) };
    compile(&Script::alone("test.bt", source), &env)
}

/// Pieces that together make many half-sensible scripts.
const SOUP: &[&str] = &[
    "$x",
    "$y",
    "@",
    "@m",
    "@m[$x]",
    "@m[1, comm]",
    "$t.0",
    "$t.1",
    "args.pid",
    "args.task",
    "args.task->parent",
    "args.comm",
    "args.name",
    "arg0",
    "retval",
    "1",
    "-1",
    "300",
    "0xffffffffffffffff",
    "\"s\"",
    "comm",
    "pid",
    "nsecs",
    "kstack",
    "(1, 2)",
    "(struct task *)",
    "(uint8)",
    "*",
    "&",
    "-",
    "!",
    "~",
    "+",
    "-",
    "/",
    "%",
    "<<",
    "==",
    "<",
    "&&",
    "||",
    "?",
    ":",
    ";",
    ";",
    "=",
    "+=",
    "++",
    "--",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "if",
    "else",
    "while",
    "for ($i : 0..5)",
    "for ($k : @m)",
    "unroll(2)",
    "let",
    "break;",
    "continue;",
    "return;",
    "print(",
    "printf(\"%d %s\", ",
    "count()",
    "sum(",
    "hist(",
    "lhist(1, 0, 10, 1)",
    "str(",
    "buf(",
    "delete(@m, 1);",
    "clear(@m);",
    "has_key(@m, ",
    "len(@m)",
    "strlen(",
    "ntop(",
    "exit();",
    "sizeof(",
    "m(",
    "$1",
    "$2",
    "DEAD",
    ",",
    ".pid",
    "[0]",
    "_",
];

fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(SOUP), 0..40);
    pieces.prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn no_script_panics(body in soup(), predicate in soup()) {
        let text = format!("macro m(e) {{ e + 1 }} BEGIN {{ $x = 1; $t = (1, comm); }} tracepoint:a:b /{predicate}/ {{ $x = 1; {body} }}");
        run(&text, &["1", "word"], true);
        let text = format!("uprobe:a:b {{ @m[1] = 2; $y = arg0; $t = (1, 2); {body} ; }} END {{ print(@m); }}");
        run(&text, &[], true);
    }

    #[test]
    fn half_good_statements_do_not_panic(left in soup(), right in prop::sample::select(SOUP)) {
        for text in [format!("$x = {left};"), format!("@m[{left}] = {right};"), format!("{right} += {left};"), format!("print({left});")] {
            run(&format!("tracepoint:a:b {{ $y = 1; $t = (1, 2); {text} }}"), &["1"], true);
        }
    }
}
