//! Every line of `--format json` is what docs/json.schema.json says, and true.

use serde_json::Value;

use quadrant_testing::{Outcome, Program};

use crate::common::{folder, good, needs_root, quadrant, script, target};

/// The part of JSON Schema that the file uses.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let Some(rules) = schema.as_object() else { return false };
    rules.iter().all(|(rule, wanted)| match rule.as_str() {
        "$ref" => fits(root, referred(root, wanted), value),
        "anyOf" => wanted.as_array().is_some_and(|schemas| schemas.iter().any(|schema| fits(root, schema, value))),
        "const" => value == wanted,
        "enum" => wanted.as_array().is_some_and(|values| values.contains(value)),
        "type" => has_type(wanted, value),
        "pattern" => value.as_str().is_none_or(|text| matches_pattern(wanted.as_str().expect("a pattern"), text)),
        "allOf" => wanted.as_array().is_some_and(|schemas| schemas.iter().all(|schema| fits(root, schema, value))),
        "required" => wanted.as_array().is_some_and(|names| names.iter().all(|name| has(value, name))),
        "properties" => {
            members(value).all(|(name, member)| wanted.get(name).is_none_or(|rule| fits(root, rule, member)))
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(root, wanted, item))),
        "$schema" | "$defs" | "title" | "description" => true,
        other => panic!("the test does not know the rule {other}"),
    })
}

fn referred<'a>(root: &'a Value, reference: &Value) -> &'a Value {
    let path = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference into the file");
    root.pointer(path).unwrap_or_else(|| panic!("nothing at {path}"))
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the test does not know the type {other}"),
    };
    match wanted {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        name => is(name.as_str().expect("a name")),
    }
}

/// The patterns of the file.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let all = |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| is(&byte));
    match pattern {
        "^-?[0-9]+$" => all(text.strip_prefix('-').unwrap_or(text), u8::is_ascii_digit),
        "^0x[0-9a-f]+$" => text.strip_prefix("0x").is_some_and(|digits| all(digits, u8::is_ascii_hexdigit)),
        time if time.ends_with("[0-9]{9}Z$") => {
            text.len() == 30 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()
        }
        other => panic!("the test does not know the pattern {other}"),
    }
}

fn has(value: &Value, name: &Value) -> bool {
    name.as_str().is_some_and(|name| value.get(name).is_some())
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

pub fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../docs/json.schema.json")).expect("it is JSON")
}

/// What a line of this type may have.
fn known_members(schema: &Value, kind: &str) -> Vec<String> {
    let of =
        |name: &str| members(&schema["$defs"][name]["properties"]).map(|(name, _)| name.clone()).collect::<Vec<_>>();
    [of("line"), of(&format!("line_{kind}"))].concat()
}

/// The lines of an answer, each of which fits the schema and has no other members.
#[track_caller]
pub fn lines(outcome: &Outcome) -> Vec<Value> {
    let schema = schema();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(fits(&schema, &schema, &value), "{line}");
        let known = known_members(&schema, value["type"].as_str().expect("a type"));
        members(&value).for_each(|(name, _)| assert!(known.contains(name), "{name} in {line}"));
        value
    };
    outcome.stdout.lines().map(line).collect()
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().expect("each has a type")).collect()
}

#[track_caller]
fn only<'l>(lines: &'l [Value], kind: &str) -> &'l Value {
    let found: Vec<&Value> = lines.iter().filter(|line| line["type"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind} in {lines:?}");
    found[0]
}

fn json(text: &str) -> Program {
    script(text).args(["--format", "json", "--unsafe"])
}

/// Scripts whose output has every type of object.
const SCRIPTS: [&str; 7] = [
    "BEGIN { print(\"a text\"); exit(); }",
    "BEGIN { printf(\"hi\"); time(\"%Y\"); cat(\"/proc/sys/kernel/ostype\"); system(\"echo x\"); errorf(\"e %d\", 3); warnf(\"w\"); cat(\"/\"); exit(3); }",
    "BEGIN { print(18446744073709551615); print((1, \"a\", -3)); print(buf(\"ab\", 2)); @a = 1; @b[1, \"x\"] = (1, 2); print(@b[1, \"x\"]); exit(); }",
    "BEGIN { @h = hist(-1); @h = hist(5); @k[1] = lhist(9, 0, 4, 2); @s = stats(3); @t[\"count\"] = stats(3); @v = avg(4); @n = count(); @ts = tseries(5, 1s, 3); @x[kstack, ksym(0)] = max(3); exit(); }",
    "config = { max_map_keys = 1 } tracepoint:raw_syscalls:sys_enter { @a[1] = 1; @a[2] = 1 / (pid * 0); exit(); }",
    "BEGIN { @t[\"a\"] = count(); print(cpid); exit(); }",
    "profile:ms:1 { @[kstack, ustack, ustack(perf, 3), comm, cpu] = count(); @n++; if (@n > 5) { print(kstack(2)); exit(); } }",
];

#[test]
fn every_line_fits_the_schema() {
    needs_root!();
    let mut seen = std::collections::BTreeSet::new();
    for script in SCRIPTS {
        let outcome = json(script).run().expect("the tracer runs");
        let lines = lines(&outcome);
        assert_eq!(lines.last().expect("a line")["type"], "end");
        seen.extend(types(&lines).into_iter().map(str::to_owned));
    }
    let joined = json("tracepoint:syscalls:sys_enter_execve { join(args.argv); }").args(["-c", "/bin/true x"]);
    seen.extend(types(&lines(&joined.run().expect("the tracer runs"))).into_iter().map(str::to_owned));
    let wanted = ["attached", "cat", "end", "error", "errorf", "exit", "join", "losses", "map", "printf"];
    let wanted: Vec<&str> = wanted.into_iter().chain(["system", "time", "value", "warnf", "warning"]).collect();
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

/// bpftrace 2902, 4308: several shapes for one thing, texts without quotes.
#[test]
fn values_keep_their_types() {
    needs_root!();
    let text = r#"struct p { u32 x; u64 y; }
        BEGIN { printf("%d %s\n", -5, probe); print(18446744073709551615); @m[1, "x", (2, "y")] = count(); @h = hist(5);
            @flag = true; @k = kstack; exit(); }"#;
    let lines = lines(&json(text).run().expect("the tracer runs"));
    let printf = only(&lines, "printf");
    assert_eq!((&printf["text"], &printf["args"]), (&"-5 begin\n".into(), &serde_json::json!([-5, "begin"])));
    assert_eq!(only(&lines, "value")["value"], "18446744073709551615");
    let map = |name: &str| lines.iter().find(|line| line["type"] == "map" && line["name"] == name).expect("the map");
    assert_eq!(map("@m")["entries"], serde_json::json!([{"key": [1, "x", [2, "y"]], "value": 1}]));
    assert_eq!(map("@h")["entries"][0]["value"], serde_json::json!([{"min": 4, "max": 7, "count": 1}]));
    assert_eq!(map("@flag")["entries"][0], serde_json::json!({"key": [], "value": true}));
    let frame = &map("@k")["entries"][0]["value"][0];
    assert!(frame["address"].as_str().is_some_and(|text| text.starts_with("0xffff")), "{frame}");
    assert!(frame["symbol"].is_string() && frame["inlined"].is_boolean(), "{frame}");
}

/// bpftrace 445, 512: no times, and times of printing instead of times of happening.
#[test]
fn records_say_when_and_where_they_were_made() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = "tracepoint:syscalls:sys_enter_getppid, tracepoint:syscalls:sys_exit_getppid /pid == cpid/ \
        { printf(\"%d %d %llu\", pid, cpu, nsecs); }";
    let before = jiff::Timestamp::now();
    let outcome = json(text).args(["-c", &format!("{syscalls} getppid 11")]).run().expect("the tracer runs");
    let after = jiff::Timestamp::now();
    let lines = lines(&outcome);
    let records: Vec<&Value> = lines.iter().filter(|line| line["type"] == "printf").collect();
    assert_eq!(records.len(), 22, "{}", outcome.describe());
    for (index, record) in records.iter().enumerate() {
        let end = if index % 2 == 0 { "enter" } else { "exit" };
        assert_eq!(record["probe"], format!("tracepoint:syscalls:sys_{end}_getppid"));
        assert_eq!((&record["pid"], &record["cpu"]), (&record["args"][0], &record["args"][1]));
        assert_eq!(record["pid"], record["tid"]);
        let (stamp, said) = (record["boot_ns"].as_u64(), record["args"][2].as_u64());
        assert!(stamp.zip(said).is_some_and(|(stamp, said)| stamp.abs_diff(said) < 1_000_000), "{record}");
        let time: jiff::Timestamp = record["time"].as_str().and_then(|text| text.parse().ok()).expect("a time");
        assert!(before < time && time < after, "{record}");
    }
    let end = only(&lines, "end");
    assert_eq!((&end["reason"], &end["status"]), (&"process".into(), &0.into()));
}

/// bpftrace 2325, 2920: errors only on standard error.
#[test]
fn errors_are_lines_and_the_status_is_the_same() {
    needs_root!();
    let missing = folder("json_errors").join("missing");
    for (text, message) in [
        ("BEGIN { print(pidd); }", "unknown name `pidd`"),
        ("tracepoint:sched:no_such { exit(); }", "no_such"),
        (&format!("uprobe:{}:main {{ exit(); }}", missing.display()), "ENOENT"),
    ] {
        let outcome = json(text).run().expect("the tracer runs");
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (Some(1), ""), "{}", outcome.describe());
        let lines = lines(&outcome);
        assert_eq!(types(&lines), ["error", "end"], "{}", outcome.describe());
        assert!(lines[0]["message"].as_str().is_some_and(|text| text.contains(message)), "{}", outcome.describe());
        assert_eq!((&lines[1]["reason"], &lines[1]["status"]), (&"error".into(), &1.into()));
    }
}

#[test]
fn the_file_has_all_lines() {
    needs_root!();
    let file = folder("json_file").join("answers.json");
    let outcome = json("BEGIN { printf(\"x\"); exit(4); }").args(["-o"]).arg(&file).run().expect("the tracer runs");
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()), (Some(4), "", ""));
    let text = std::fs::read_to_string(&file).expect("it was written");
    let kinds: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["type"].as_str().expect("a type").to_owned())
        .collect();
    assert_eq!(kinds, ["printf", "exit", "losses", "end"]);
}

#[test]
fn probes_are_listed_one_a_line() {
    let outcome = good(quadrant().args(["-l", "-v", "--format", "json", "interval:*"]));
    let probe: Value = serde_json::from_str(outcome.lines().first().expect("a probe")).expect("JSON");
    assert_eq!(
        (&probe["type"], &probe["version"], &probe["arguments"]),
        (&"probe".into(), &1.into(), &Value::Array(vec![]))
    );
    assert!(probe["name"].as_str().is_some_and(|name| name.starts_with("interval:")), "{probe}");
}

#[test]
fn other_objects_do_not_fit() {
    let schema = schema();
    let header = r#""version": 1, "time": "2026-11-26T10:28:34.740328293Z", "boot_ns": 5, "cpu": 0, "pid": 1, "tid": 1, "probe": "begin""#;
    let parsed = |rest: &str| serde_json::from_str(&format!("{{{rest}}}")).expect("it is JSON");
    let good: Value = parsed(&format!(r#"{header}, "type": "printf", "text": "x", "args": []"#));
    assert!(fits(&schema, &schema, &good));
    for other in [
        r#""type": "printf", "text": "x", "args": []"#.to_owned(),
        format!(r#"{header}, "type": "printf", "text": 1, "args": []"#),
        format!(r#"{header}, "type": "printf", "text": "x""#),
        format!(
            r#"{header}, "type": "losses", "losses": [{{"kind": "unheard-of", "count": 1, "subject": null, "place": null}}]"#
        ),
        format!(r#"{header}, "type": "unheard-of", "text": "x""#),
        format!(r#"{}, "type": "printf", "text": "x", "args": []"#, header.replace("2026-11-26T", "26.11.2026 ")),
        format!(
            r#"{}, "type": "printf", "text": "x", "args": []"#,
            header.replace("\"boot_ns\": 5", "\"boot_ns\": \"x\"")
        ),
    ] {
        assert!(!fits(&schema, &schema, &parsed(&other)), "{other}");
    }
}
