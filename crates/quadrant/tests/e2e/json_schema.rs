//! Every line of `--format json` is what docs/json.schema.json says.

use serde_json::Value;

use crate::common::{needs_root, quadrant};

/// The part of JSON Schema that the file uses.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let Some(rules) = schema.as_object() else { return false };
    rules.iter().all(|(rule, wanted)| match rule.as_str() {
        "$ref" => fits(root, referred(root, wanted), value),
        "anyOf" => wanted.as_array().is_some_and(|schemas| schemas.iter().any(|schema| fits(root, schema, value))),
        "const" => value == wanted,
        "enum" => wanted.as_array().is_some_and(|values| values.contains(value)),
        "type" => has_type(wanted, value),
        "pattern" => value.as_str().is_none_or(is_number),
        "required" => wanted.as_array().is_some_and(|names| names.iter().all(|name| has(value, name))),
        "properties" => {
            members(value).all(|(name, member)| wanted.get(name).is_none_or(|rule| fits(root, rule, member)))
        }
        "additionalProperties" => members(value).all(|(name, member)| {
            let is_listed = rules.get("properties").is_some_and(|listed| listed.get(name).is_some());
            is_listed || (wanted.is_object() && fits(root, wanted, member))
        }),
        "minProperties" => members(value).count() as u64 >= wanted.as_u64().expect("a number"),
        "maxProperties" => members(value).count() as u64 <= wanted.as_u64().expect("a number"),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(root, wanted, item))),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().expect("a number")),
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
        other => panic!("the test does not know the type {other}"),
    };
    match wanted {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        name => is(name.as_str().expect("a name")),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn has(value: &Value, name: &Value) -> bool {
    name.as_str().is_some_and(|name| value.get(name).is_some())
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../docs/json.schema.json")).expect("it is JSON")
}

/// Scripts whose output has every type of object.
const SCRIPTS: [&str; 4] = [
    "BEGIN { printf(\"hi\"); time(\"%Y\"); cat(\"/proc/sys/kernel/ostype\"); system(\"echo x\"); errorf(\"e\"); warnf(\"w\"); exit(); }",
    "BEGIN { print(18446744073709551615); print((1, \"a\", -3)); print(buf(\"ab\", 2)); @a = 1; @b[1, \"x\"] = (1, 2); exit(); }",
    "BEGIN { @h = hist(-1); @h = hist(5); @k[1] = lhist(9, 0, 4, 2); @s = stats(3); @t[\"count\"] = stats(3); @v = avg(4); exit(); }",
    "config = { max_map_keys = 1 } tracepoint:raw_syscalls:sys_enter { @a[1] = 1; @a[2] = 1 / (pid * 0); exit(); }",
];

#[test]
fn every_line_fits_the_schema() {
    needs_root!();
    let schema = schema();
    let mut seen = std::collections::BTreeSet::new();
    for script in SCRIPTS {
        let outcome = quadrant().args(["--format", "json", "--unsafe", "-e", script]).run().expect("the tracer runs");
        for line in outcome.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(fits(&schema, &schema, &value), "{line}");
            seen.insert(value["type"].as_str().expect("each has a type").to_owned());
        }
    }
    let mut wanted: Vec<&str> = vec!["attached_probes", "cat", "errorf", "hist", "losses", "map", "printf", "stats"];
    wanted.extend(["syscall", "time", "value", "warnf"]);
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

#[test]
fn other_objects_do_not_fit() {
    let schema = schema();
    for other in [
        r#"{"type": "printf"}"#,
        r#"{"type": "printf", "data": 1}"#,
        r#"{"type": "printf", "data": "x", "more": 1}"#,
        r#"{"type": "hist", "data": {"@h": [{"min": "x", "count": 1}]}}"#,
        r#"{"type": "losses", "data": []}"#,
        r#"{"type": "losses", "data": [{"kind": "unheard-of", "count": 1}]}"#,
        r#"{"type": "unheard-of", "data": 1}"#,
    ] {
        let value: Value = serde_json::from_str(other).expect("it is JSON");
        assert!(!fits(&schema, &schema, &value), "{other}");
    }
}
