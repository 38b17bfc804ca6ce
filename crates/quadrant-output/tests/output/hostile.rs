//! Random bytes in place of records and maps: never a panic, never a control character, JSON stays JSON.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use quadrant_output::Mode;
use quadrant_output::Renderer;
use quadrant_output::document::Documents;
use quadrant_output::message::Place;
use quadrant_program::Program;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::record::Record;
use quadrant_program::record::RecordKind;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::span::Span;
use quadrant_program::ty::EnumType;
use quadrant_program::ty::RecordField;
use quadrant_program::ty::RecordType;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::StackType;
use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;
use quadrant_types::TypeId;

use crate::common::Names;
use crate::common::format;

fn leaf() -> impl Strategy<Value = Type> {
    let modes = [StackMode::Bpftrace, StackMode::Perf, StackMode::Raw, StackMode::BuildId];
    let stack = (any::<bool>(), prop::sample::select(modes.to_vec()));
    let e = EnumType { name: String::new(), bytes: 2, signed: true, values: vec![("A".into(), 1)] };
    prop_oneof![
        (prop::sample::select(vec![1, 2, 4, 8]), any::<bool>()).prop_map(|(bytes, signed)| Type::Int { bytes, signed }),
        (0..20u32).prop_map(|cap| Type::String { cap }),
        (0..20u32).prop_map(|cap| Type::Buffer { cap }),
        stack.prop_map(|(user, mode)| Type::Stack(StackType { user, limit: 127, mode })),
        any::<bool>().prop_map(|user| Type::Symbol { user, part: SymbolPart::Symbol }),
        prop::sample::select(vec![
            Type::None,
            Type::Bool,
            Type::Inet,
            Type::Mac,
            Type::Username,
            Type::ProbeName,
            Type::ProbeFunc,
            Type::Time("%c%f%Q%".into()),
            Type::Errno,
            Type::SyscallName,
            Type::SignalName,
            Type::CgroupPath(None),
            Type::Enum(e.into()),
        ]),
    ]
}

fn any_type() -> impl Strategy<Value = Type> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|parts| Type::Tuple(parts.into())),
            (inner.clone(), 0..5u32).prop_map(|(elem, len)| Type::Array { elem: Arc::new(elem), len }),
            (vec((inner, 0..300u32, prop::option::of(0..80u8)), 0..4), 0..40u32)
                .prop_map(|(fields, size)| record(fields, size)),
        ]
    })
}

fn record(fields: Vec<(Type, u32, Option<u8>)>, size: u32) -> Type {
    let field = |(i, (ty, bit_offset, bit_width)): (usize, _)| RecordField {
        name: ["", "a", "b"][i % 3].into(),
        ty,
        type_name: String::new(),
        bit_offset,
        bit_width,
    };
    let fields = fields.into_iter().enumerate().map(field).collect();
    Type::Record(Arc::new(RecordType { name: String::new(), ctype: TypeId::VOID, size, fields, variants: None }))
}

fn kind() -> impl Strategy<Value = RecordKind> {
    let formats = ["%d %s %*d %.*s|%r %rx %rh", "%-*s%05x%+.3d%'d %#o", "%c%p%5.2s%hhd%i%u%X"];
    prop_oneof![
        prop::sample::select(formats.to_vec()).prop_map(|f| RecordKind::Printf(format(f))),
        Just(RecordKind::Print),
        (0..2u32).prop_map(|map| RecordKind::PrintElement(MapId(map))),
        Just(RecordKind::Join(b",".to_vec())),
        Just(RecordKind::Time("%T %f".into())),
    ]
}

fn aggregations() -> impl Strategy<Value = MapValue> {
    let of = |signed| {
        vec![
            Aggregation::Sum { signed },
            Aggregation::Min { signed },
            Aggregation::Avg { signed },
            Aggregation::Stats { signed },
        ]
    };
    let linear =
        (any::<i64>(), any::<i64>()).prop_map(|(min, max)| Aggregation::LinearHist { min, max, step: i64::MAX / 4 });
    prop_oneof![
        prop::sample::select([of(true), of(false), vec![Aggregation::Count]].concat()),
        (0..6u8).prop_map(|bits| Aggregation::Hist { bits }),
        linear,
    ]
    .prop_map(MapValue::Aggregation)
}

/// No control but line ends and the tabs of stacks, and valid UTF-8.
fn check(out: Vec<u8>, mode: Mode) {
    let text = String::from_utf8(out).expect("output is UTF-8");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
    if mode == Mode::Json {
        text.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).expect(line)));
    }
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Text, Mode::Json])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records(kind in kind(), args in vec(any_type(), 0..4), bytes in vec(any::<u8>(), 0..200), mode in modes()) {
        let map = Map::new("@m", Some(Type::I64), MapValue::Aggregation(Aggregation::Stats { signed: true }));
        let program = Program { maps: vec![map], ..Program::default() };
        let record = Record { kind, args, span: Span::default() };
        let mut out = Vec::new();
        Renderer::new(&program, mode).record(&mut out, &record, &bytes, &mut Names);
        check(out, mode);
    }

    #[test]
    fn documents(kind in kind(), args in vec(any_type(), 0..8), bytes in vec(any::<u8>(), 0..200)) {
        let map = Map::new("@m", Some(Type::I64), MapValue::Aggregation(Aggregation::Stats { signed: true }));
        let program = Program { maps: vec![map], stamped: true, ..Program::default() };
        let record = Record { kind, args, span: Span::default() };
        let place = Place { file: "a", line: 1, column: 1, end_column: 1 };
        let mut out = Vec::new();
        let documents = Documents::new(&program);
        let header = documents.header(&record, &bytes, &mut Names);
        documents.record(&mut out, &header, &record, &bytes, || place, &mut Names);
        check(out, Mode::Json);
    }

    #[test]
    fn maps(
        key in prop::option::of(any_type()),
        value in prop_oneof![any_type().prop_map(MapValue::Plain), aggregations()],
        bytes in (vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..9000)),
        len in 0..20usize,
        (top, div) in (0..5u64, any::<u64>()),
        mode in modes(),
    ) {
        let map = Map::new("@m", key, value);
        let snapshot = Snapshot { len, keys: bytes.0, values: bytes.1, ..Snapshot::of(&map) };
        let (program, mut out) = (Program::default(), Vec::new());
        let mut renderer = Renderer::new(&program, mode);
        renderer.map(&mut out, &map, &snapshot, top, div, &mut Names);
        renderer.missing(&mut out, &map, &mut Names);
        check(out, mode);
    }
}
