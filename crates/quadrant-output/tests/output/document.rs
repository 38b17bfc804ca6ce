//! JSON of our own: types kept, nothing lost, hostile bytes.

use quadrant_output::document::Documents;
use quadrant_output::document::Header;
use quadrant_output::document::message;
use quadrant_output::ledger::Entry;
use quadrant_output::ledger::Kind;
use quadrant_output::message::Place;
use quadrant_program::Program;
use quadrant_program::map::Aggregation;
use quadrant_program::probe::Point;
use quadrant_program::probe::Site;
use quadrant_program::record::CUT;
use quadrant_program::record::FAULT;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::StackType;
use quadrant_program::ty::Type;
use serde_json::Value;
use serde_json::json;

use crate::common::*;

const PLACE: Place = Place { file: "a.bt", line: 1, column: 2, end_column: 9 };
const HEADER: Header = Header { wall_ns: 0, boot_ns: 5, firing: None };

/// The line of a record that point 0 sent as process 7, thread 8.
fn line(kind: RecordKind, args: Vec<Argument>) -> Value {
    let stamp = [uint(5), word(Type::U32, 7), word(Type::U32, 8), word(Type::ProbeName, 0)];
    let (record, bytes) = record(kind, args.into_iter().chain(stamp.map(Argument::from)).collect());
    let point = Point { site: Site::Begin, name: "begin".to_owned(), func: String::new() };
    let program = Program { points: vec![point], stamped: true, ..Program::default() };
    let mut out = Vec::new();
    let documents = Documents::new(&program);
    let header = documents.header(&record, &bytes, &mut Names);
    documents.record(&mut out, &header, &record, &bytes, || PLACE, &mut Names);
    parsed(&out)
}

fn parsed(out: &[u8]) -> Value {
    assert!(out.ends_with(b"\n") && out.iter().filter(|byte| **byte == b'\n').count() == 1);
    serde_json::from_slice(out).expect("JSON")
}

fn value(value: impl Into<Argument>) -> Value {
    line(RecordKind::Print, vec![value.into()])["value"].clone()
}

#[test]
fn every_line_has_a_header() {
    let line = line(RecordKind::Printf(format("%d|%s")), vec![int(-4).into(), flagged(b"x\n", 0)]);
    let expected = json!({
        "type": "printf", "version": 1, "time": "2026-11-26T00:23:30.356772005Z", "boot_ns": 5, "cpu": 0, "pid": 7, "tid": 8,
        "probe": "begin", "text": "-4|x\n", "args": [-4, "x\n"],
    });
    assert_eq!(line, expected);
}

#[test]
fn values_keep_their_types() {
    assert_eq!(value(uint(u64::MAX)), "18446744073709551615");
    assert_eq!(value(uint(1 << 52)), 1u64 << 52);
    assert_eq!(value(flagged(b"ab\xc3", CUT)), json!({"text": "ab", "cut": true}));
    assert_eq!(value(flagged(b"", FAULT)), Value::Null);
    assert_eq!(value(flagged(b"\xff", 0)), "\u{efff}");
    assert_eq!(value(word(Type::Symbol { user: false, part: Default::default() }, 0xffff))["symbol"], "vfs_read");
    let stack = |id| word(Type::Stack(StackType { user: true, limit: 9, mode: StackMode::Bpftrace }), id);
    assert_eq!(value(stack(0)), json!([]));
    assert_eq!(value(stack(9)), Value::Null);
    let frames = value(stack(2));
    let inlined = json!({"address": "0x1182", "symbol": "inner", "offset": null, "module": "/bin/t", "file": "/src/a.c",
        "line": 12, "inlined": true});
    assert_eq!((&frames[0], &frames[4]["symbol"]), (&inlined, &"evil\u{1b}[2J\n".into()));
}

#[test]
fn maps_have_keys_as_arrays() {
    let program = Program::default();
    let shown = |(map, snapshot): &(_, _), top, div| {
        let mut out = Vec::new();
        Documents::new(&program).map(&mut out, &HEADER, (map, snapshot), top, div, &mut Names);
        parsed(&out)
    };
    let count = aggregation("@n", Aggregation::Count, &[(Some(int(1)), &[1]), (Some(int(2)), &[1, 1])]);
    let line = shown(&count, 1, 0);
    assert_eq!((&line["name"], &line["kind"], &line["probe"]), (&"@n".into(), &"count".into(), &Value::Null));
    assert_eq!(line["entries"], json!([{"key": [2], "value": 2}]));
    let average = aggregation("@v", Aggregation::Avg { signed: true }, &[(None, &[10, 30])]);
    let expected = json!([{"key": [], "value": {"count": 2, "average": 2, "total": 40}}]);
    assert_eq!(shown(&average, 0, 10)["entries"], expected);
    let linear = aggregation("@l", Aggregation::LinearHist { min: 0, max: 4, step: 2 }, &[(None, &[-1, 9])]);
    let buckets = &shown(&linear, 0, 0)["entries"][0]["value"];
    assert_eq!(buckets[0], json!({"min": null, "max": -1, "count": 1}));
    assert_eq!(buckets[3], json!({"min": 4, "max": null, "count": 1}));
}

#[test]
fn the_ledger_is_always_there() {
    let shown = |entries: &[Entry]| {
        let mut out = Vec::new();
        message::losses(&mut out, &HEADER, entries);
        parsed(&out)["losses"].clone()
    };
    assert_eq!(shown(&[Entry { kind: Kind::Reads, subject: None, count: 0, place: None }]), json!([]));
    let full = Entry { kind: Kind::Keys, subject: Some("@m"), count: 3, place: Some("a.bt:1:2") };
    assert_eq!(shown(&[full]), json!([{"kind": "keys", "count": 3, "subject": "@m", "place": "a.bt:1:2"}]));
}
