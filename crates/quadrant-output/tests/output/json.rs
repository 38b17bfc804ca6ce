//! JSON: shapes, numbers, lossless text.

use quadrant_output::Mode;
use quadrant_program::Program;
use quadrant_program::map::Aggregation;
use quadrant_program::record::CUT;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::EnumType;
use quadrant_program::ty::Space;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::Type;
use quadrant_types::TypeId;

use crate::common::*;

fn record_of(kind: RecordKind, args: Vec<Argument>) -> String {
    render(&Program::default(), Mode::Json, kind, args)
}

fn map_of(map: &(quadrant_program::map::Map, quadrant_program::snapshot::Snapshot)) -> String {
    let line = shown(Mode::Json, map, 0, 0);
    serde_json::from_str::<serde_json::Value>(&line).unwrap();
    line
}

#[test]
fn records() {
    let printf = |text: &str, value: Argument| record_of(RecordKind::Printf(format(text)), vec![value]);
    assert_eq!(printf("%d\n", int(4).into()), "{\"type\": \"printf\", \"data\": \"4\\n\"}\n");
    assert_eq!(
        printf("<%s>", flagged(b"a\"\x1b\xff", 0)),
        "{\"type\": \"printf\", \"data\": \"<a\\\"\\u001b\\uefff>\"}\n"
    );
    assert_eq!(record_of(RecordKind::Time("%H\n".into()), vec![]), "{\"type\": \"time\", \"data\": \"00\\n\"}\n");
    let argv = Argument { ty: Type::Buffer { cap: 64 }, fixed: None, tail: b"echo\0a b\0".to_vec(), flags: 0 };
    assert_eq!(
        record_of(RecordKind::Join(b"|,".to_vec()), vec![argv]),
        "{\"type\": \"join\", \"data\": \"echo|,a b\"}\n"
    );
}

#[test]
fn values() {
    let data = |value| {
        let line = print_json(value);
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
        line.strip_prefix("{\"type\": \"value\", \"data\": ").unwrap().strip_suffix("}\n").unwrap().to_owned()
    };
    assert_eq!(data(word(Type::Bool, 1)), "true");
    assert_eq!(data(word(Type::Pointer { to: TypeId::VOID, space: Space::User }, 16)), "16");
    assert_eq!(data(tuple(&[int(4), text("x"), tuple(&[int(1), int(2)])])), "[4,\"x\",[1,2]]");
    assert_eq!(data(buffer(b"a\x01\xff")), "[97,1,255]");
    assert_eq!(data(kernel_stack(StackMode::Raw, 1)), "\"\\nffffffff81f081aa\\nffffffff81f0a117\\n\"");
    assert_eq!(data(word(Type::Username, 0)), "\"root\"");
    let e = EnumType { name: "E".into(), bytes: 4, signed: true, values: vec![("A".into(), 1)] };
    assert_eq!(data(word(Type::Enum(e.into()), 1)), "1");
    assert_eq!(
        record_of(RecordKind::Print, vec![flagged(b"abc", CUT)]),
        "{\"type\": \"value\", \"data\": \"abc..\"}\n"
    );
}

#[test]
fn numbers_that_a_double_cannot_hold_are_strings() {
    let data = |value: Typed| print_json(value).replace("{\"type\": \"value\", \"data\": ", "").replace("}\n", "");
    assert_eq!(
        [1 << 53, (1 << 53) + 2, 1 << 63].map(|v| data(uint(v))),
        ["9007199254740992", "9007199254740994", "9223372036854775808"]
    );
    assert_eq!(data(uint((1 << 53) + 1)), "\"9007199254740993\"");
    assert_eq!(data(uint(u64::MAX)), "\"18446744073709551615\"");
    assert_eq!(data(int(-(1 << 53) - 1)), "\"-9007199254740993\"");
}

#[test]
fn maps() {
    assert_eq!(map_of(&map("@", &[(None, int(1))])), "{\"type\": \"map\", \"data\": {\"@\": 1}}\n");
    let entries = [(2, 9), (1, 5)].map(|(k, v)| (Some(int(k)), int(v)));
    assert_eq!(map_of(&map("@m", &entries)), "{\"type\": \"map\", \"data\": {\"@m\": {\"1\": 5, \"2\": 9}}}\n");
    let key = Some(tuple(&[tuple(&[int(1), tuple(&[int(2), int(3)])]), text("x\"\n")]));
    assert_eq!(
        map_of(&map("@k", &[(key, int(2))])),
        "{\"type\": \"map\", \"data\": {\"@k\": {\"(1,(2,3)),x\\\"\\n\": 2}}}\n"
    );
    let stacks = map("@s", &[(Some(kernel_stack(StackMode::Bpftrace, 1)), int(1))]);
    assert_eq!(
        map_of(&stacks),
        "{\"type\": \"map\", \"data\": {\"@s\": {\"\\ndo_syscall_64+113\\nentry_SYSCALL_64_after_hwframe+118\\n\": 1}}}\n"
    );
    let mut empty = map("@m", &entries);
    empty.1 = quadrant_program::snapshot::Snapshot::of(&empty.0);
    assert_eq!(shown(Mode::Json, &empty, 0, 0), "");
}

#[test]
fn aggregations() {
    let one = |agg, fed: &[i64]| map_of(&aggregation("@q", agg, &[(None, fed)]));
    let hist = "[{\"max\": -1, \"count\": 1},{\"min\": 0, \"max\": 0, \"count\": 1},{\"min\": 1, \"max\": 1, \"count\": 1},{\"min\": 2, \"max\": 3, \"count\": 0},{\"min\": 4, \"max\": 7, \"count\": 1}]";
    assert_eq!(
        one(Aggregation::Hist { bits: 0 }, &[-1, 0, 1, 6]),
        format!("{{\"type\": \"hist\", \"data\": {{\"@q\": {hist}}}}}\n")
    );
    let linear = "[{\"max\": -1, \"count\": 1},{\"min\": 0, \"max\": 4, \"count\": 0},{\"min\": 5, \"max\": 9, \"count\": 0},{\"min\": 10, \"count\": 1}]";
    let agg = Aggregation::LinearHist { min: 0, max: 10, step: 5 };
    assert_eq!(one(agg, &[-400, 400]), format!("{{\"type\": \"hist\", \"data\": {{\"@q\": {linear}}}}}\n"));
    let high = "[{\"min\": 4611686018427387904, \"max\": \"9223372036854775807\", \"count\": 1}]";
    assert_eq!(
        one(Aggregation::Hist { bits: 0 }, &[1 << 62]),
        format!("{{\"type\": \"hist\", \"data\": {{\"@q\": {high}}}}}\n")
    );
    assert_eq!(one(Aggregation::Avg { signed: true }, &[3]), "{\"type\": \"stats\", \"data\": {\"@q\": 3}}\n");
    let stats = aggregation("@s", Aggregation::Stats { signed: true }, &[(Some(int(2)), &[4])]);
    assert_eq!(
        map_of(&stats),
        "{\"type\": \"stats\", \"data\": {\"@s\": {\"2\": {\"count\": 1, \"average\": 4, \"total\": 4}}}}\n"
    );
}
