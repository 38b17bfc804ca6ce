//! Bytes and types that make no sense: nothing panics, and nothing reaches a terminal unescaped.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use quadrant_output::dtrace::Sort;
use quadrant_program::log_linear::LogLinear;
use quadrant_program::map::MapValue;
use quadrant_program::span::Span;
use quadrant_program::ty::RecordField;
use quadrant_program::ty::RecordType;
use quadrant_program::ty::Space;
use quadrant_types::TypeId;

use super::*;

fn leaf() -> impl Strategy<Value = Type> {
    let symbol = |user, part| Type::Symbol { user, part };
    let part =
        prop::sample::select(vec![SymbolPart::Symbol, SymbolPart::Function, SymbolPart::Module, SymbolPart::Address]);
    prop_oneof![
        (prop::sample::select(vec![1u8, 2, 4, 8]), any::<bool>())
            .prop_map(|(bytes, signed)| Type::Int { bytes, signed }),
        (0..40u32).prop_map(|cap| Type::String { cap }),
        (0..40u32).prop_map(|cap| Type::Buffer { cap }),
        (any::<bool>(), part).prop_map(move |(user, part)| symbol(user, part)),
        any::<bool>().prop_map(|user| Type::Stack(StackType { user, limit: 3, mode: StackMode::Dtrace })),
        Just(Type::Pointer { to: TypeId::VOID, space: Space::Kernel }),
        Just(Type::Bool),
        Just(Type::None),
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
        name: ["", "a", "evil\x1b"][i % 3].into(),
        ty,
        type_name: ["char [3]", "", "]x[\x1b"][i % 3].into(),
        bit_offset,
        bit_width,
    };
    let fields = fields.into_iter().enumerate().map(field).collect();
    Type::Record(Arc::new(RecordType { name: String::new(), ctype: TypeId::VOID, size, fields, variants: None }))
}

const FORMATS: &[&str] = &[
    "%d %s %*d %.*s|%a %A %k",
    "%-*s%05x%+.3d%'d %#o",
    "%c%p%5.2s%hhd%i%u%X%C%wc%S",
    "%Y %T %e %f %g %G %@d",
    "%@5d%@-8x%@s%d",
];

fn kind() -> impl Strategy<Value = ActionKind> {
    let maps = || vec![MapId(0), MapId(0)];
    let format_of = prop::sample::select(FORMATS.to_vec()).prop_map(format);
    prop_oneof![
        format_of.clone().prop_map(ActionKind::Printf),
        format_of.prop_map(move |format| ActionKind::Printa { format: Some(format), maps: maps() }),
        Just(ActionKind::Printa { format: None, maps: maps() }),
        Just(ActionKind::Printa { format: None, maps: vec![MapId(9)] }),
        Just(ActionKind::Trace),
        Just(ActionKind::Say(b"said".into())),
        Just(ActionKind::Tracemem),
        Just(ActionKind::Print("struct \x1b".into())),
        Just(ActionKind::Pcap),
        Just(ActionKind::Trunc(MapId(0))),
        Just(ActionKind::Normalize(MapId(0))),
        Just(ActionKind::Commit),
        Just(ActionKind::Exit),
    ]
}

fn aggregations() -> impl Strategy<Value = Aggregation> {
    let signed = any::<bool>();
    prop_oneof![
        Just(Aggregation::Count),
        signed.prop_map(|signed| Aggregation::Sum { signed }),
        signed.prop_map(|signed| Aggregation::Min { signed }),
        signed.prop_map(|signed| Aggregation::Avg { signed }),
        Just(Aggregation::Stddev),
        Just(Aggregation::Quantize),
        (any::<i64>(), any::<i64>()).prop_map(|(min, max)| Aggregation::LinearHist { min, max, step: i64::MAX / 4 }),
        (2..100u16, 0..70u16, 0..70u16, 1..200u16)
            .prop_map(|(factor, low, high, steps)| Aggregation::LogLinear(LogLinear { factor, low, high, steps })),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    (any::<[bool; 8]>(), 0..3usize, 0..3usize).prop_map(|(flags, key_position, position)| {
        let [quiet, flowindent, rawbytes, key, reverse, hist, pack, zoom] = flags;
        let sort = Sort { key, reverse, key_position, position };
        Options { quiet, flowindent, rawbytes, hist, pack, zoom, sort, ..Options::default() }
    })
}

/// No control but line ends and the tabs that `%c` writes, and valid UTF-8.
fn check(out: Vec<u8>) {
    let text = String::from_utf8(out).expect("output is UTF-8");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
}

fn with_map(key: Option<Type>, aggregation: Aggregation) -> Program {
    let value = MapValue::Aggregation(aggregation);
    let map = Map::new("@m", key, value);
    Program { maps: vec![map], ..program(&[("a:b:c\x1b:entry", 7)]) }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn firings(
        kinds in vec((kind(), 0..4u32, 0..6u32), 0..4),
        args in vec(any_type(), 0..6),
        bytes in vec(any::<u8>(), 0..300),
        point in 0..2u8,
        options in options(),
    ) {
        let mut program = with_map(Some(Type::U64), Aggregation::Quantize);
        let actions = kinds.into_iter().map(|(kind, start, end)| Action { kind, args: start..end }).collect();
        program.records.push(Record { kind: RecordKind::Firing(actions), args, span: Span::default() });
        let (mut host, mut out, mut err) = (Running::default(), Vec::new(), Vec::new());
        let mut bytes = bytes;
        if let Some(words) = bytes.get_mut(8..16) {
            words.copy_from_slice(&u64::from(point).to_le_bytes());
        }
        let mut printer = Printer::new(&program, options);
        for id in [0, 0, 1] {
            printer.firing(&mut out, RecordId(id), &bytes, &mut host);
        }
        printer.fault(&mut err, &bytes);
        printer.finish(&mut out, &mut host);
        check(out);
        check(err);
    }

    #[test]
    fn aggregated(
        (key, other) in (prop::option::of(any_type()), prop::option::of(any_type())),
        aggregation in aggregations(),
        bytes in (vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..9000)),
        len in 0..20usize,
        formatted in prop::option::of(prop::sample::select(FORMATS.to_vec())),
        options in options(),
    ) {
        let mut program = with_map(key, aggregation);
        program.maps.push(Map { key: other, ..program.maps[0].clone() });
        let mut host = Running::default();
        for (id, map) in program.maps.iter().enumerate() {
            let snapshot = Snapshot { len, keys: bytes.0.clone(), values: bytes.1.clone(), ..Snapshot::of(map) };
            host.maps.insert(id as u32, snapshot);
        }
        let printa = ActionKind::Printa { format: formatted.map(format), maps: vec![MapId(0), MapId(1)] };
        let normalize = (ActionKind::Normalize(MapId(0)), vec![int(8, true, len as i64 - 3).into()]);
        let trunc = (ActionKind::Trunc(MapId(0)), vec![int(8, true, len as i64 - 3).into()]);
        let record = firing(&mut program, 0, 0, vec![normalize, (printa, vec![]), trunc]);
        let text = printed(&program, options.clone(), &[record], &mut host);
        check(text.into_bytes());
        check(at_end(&program, &mut host, options).into_bytes());
    }
}
