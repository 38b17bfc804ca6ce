//! `-f json`: bpftrace's objects, line by line.

use super::{assert_run, run};
use crate::common::needs_root;

/// What a script of one probe prints behind the number of probes.
#[track_caller]
fn assert_objects(body: &str, objects: &[&str]) {
    let header = "{\"type\": \"attached_probes\", \"count\": 1, \"data\": {\"probes\": 1}}\n";
    let expected: String = objects.iter().map(|object| format!("{object}\n")).collect();
    assert_run(["-f", "json", "-e", &format!("BEGIN {{ {body} exit(); }}")], &format!("{header}{expected}"), "", 0);
}

#[test]
fn texts_and_values() {
    needs_root!();
    assert_objects("printf(\"hi %d\\n\", 3);", &[r#"{"type": "printf", "data": "hi 3\n"}"#]);
    assert_objects(
        "print((1,\"a\")); print(1 == 1);",
        &[r#"{"type": "value", "data": [1,"a"]}"#, r#"{"type": "value", "data": true}"#],
    );
    assert_objects("print(18446744073709551615);", &[r#"{"type": "value", "data": "18446744073709551615"}"#]);
    assert_objects(
        "time(\"x\"); cat(\"/proc/sys/kernel/ostype\");",
        &[r#"{"type": "time", "data": "x"}"#, r#"{"type": "cat", "data": "Linux\n"}"#],
    );
}

#[test]
fn maps() {
    needs_root!();
    assert_objects(
        "@a = 1; @b[\"x\",2] = 3; @p = (1,\"x\",(2,3));",
        &[
            r#"{"type": "map", "data": {"@a": 1}}"#,
            r#"{"type": "map", "data": {"@b": {"x,2": 3}}}"#,
            r#"{"type": "map", "data": {"@p": [1,"x",[2,3]]}}"#,
        ],
    );
    assert_objects(
        "@av = avg(4); @c = count(); @st[\"a\"] = stats(7);",
        &[
            r#"{"type": "stats", "data": {"@av": 4}}"#,
            r#"{"type": "map", "data": {"@c": 1}}"#,
            r#"{"type": "stats", "data": {"@st": {"a": {"count": 1, "average": 7, "total": 7}}}}"#,
        ],
    );
    assert_objects(
        "if (pid == 0) { @av = avg(1); @st = stats(1); @c = count(); }",
        &[r#"{"type": "stats", "data": {"@av": {}}}"#, r#"{"type": "stats", "data": {"@st": {}}}"#],
    );
    assert_objects(
        "@h = hist(5); @l = lhist(100,0,4,2);",
        &[
            r#"{"type": "hist", "data": {"@h": [{"min": 4, "max": 7, "count": 1}]}}"#,
            r#"{"type": "hist", "data": {"@l": [{"min": 4, "count": 1}]}}"#,
        ],
    );
}

#[test]
fn messages_and_losses() {
    needs_root!();
    assert_objects(
        "errorf(\"bad %d\", 1); warnf(\"w\");",
        &[
            r#"{"type": "errorf", "msg": "bad 1", "filename": "stdin", "line": 1, "col": 9}"#,
            r#"{"type": "warnf", "msg": "w", "filename": "stdin", "line": 1, "col": 30}"#,
        ],
    );
    let script = "config = { max_map_keys = 1 } BEGIN { @a[1] = 1; @a[2] = 1; exit(); }";
    let outcome = run(["-f", "json", "-q", "-e", script]);
    let error = concat!(
        r#"{"type": "helper_error", "msg": "Argument list too long", "helper": "map_update_elem", "retcode": -7, "#,
        r#""filename": "stdin", "line": 1, "col": 50, "count": 1}"#
    );
    assert_eq!(outcome.lines(), [r#"{"type": "map", "data": {"@a": {"1": 1}}}"#, error], "{}", outcome.describe());
}

#[test]
fn commands() {
    needs_root!();
    let script = "BEGIN { system(\"echo hi; echo ho\"); exit(); }";
    assert_run(
        ["-q", "-f", "json", "--unsafe", "-e", script],
        "{\"type\": \"syscall\", \"data\": \"hi\\nho\\n\"}\n",
        "",
        0,
    );
}
