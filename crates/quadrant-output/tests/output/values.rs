//! `print(value)`.

use std::sync::Arc;

use quadrant_output::Mode;
use quadrant_program::Program;
use quadrant_program::probe::Point;
use quadrant_program::probe::Site;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::EnumType;
use quadrant_program::ty::RecordField;
use quadrant_program::ty::RecordType;
use quadrant_program::ty::RecordVariants;
use quadrant_program::ty::Space;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;
use quadrant_types::TypeId;

use crate::common::*;

#[test]
fn scalars_and_text() {
    assert_eq!(print(int(-1)), "-1\n");
    assert_eq!(print(uint(u64::MAX)), "18446744073709551615\n");
    assert_eq!(print(word(Type::Bool, 1)), "true\n");
    let pointer = Type::Pointer { to: TypeId::VOID, space: Space::User };
    assert_eq!(print(word(pointer.clone(), 0x1234)) + &print(word(pointer, 0)), "0x1234\n0x0\n");
    assert_eq!(print(text("a\tb\u{1b}[1m")), "a\\tb\\x1b[1m\n");
    assert_eq!(print(buffer(b"abc\x01\xff\n")), "abc\\x01\\xff\\x0a\n");
    let e = EnumType { name: "E".into(), bytes: 4, signed: false, values: vec![("A".into(), 1)] };
    let e = Type::Enum(e.into());
    assert_eq!(print(tuple(&[word(e.clone(), 1), word(e, 7)])), "(A, 7)\n");
}

#[test]
fn tuples_and_addresses() {
    assert_eq!(print(tuple(&[tuple(&[int(1), int(2)]), int(3), text("x")])), "((1, 2), 3, x)\n");
    assert_eq!(print(tuple(&[int(1)])), "(1)\n");
    let inet = |family: u64, address: &[u8]| {
        let mut bytes = family.to_le_bytes().to_vec();
        bytes.extend(address);
        bytes.resize(24, 0);
        (Type::Inet, bytes)
    };
    assert_eq!(print(inet(2, &[127, 0, 0, 1])), "127.0.0.1\n");
    assert_eq!(print(inet(10, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])), "::1\n");
    assert_eq!(print((Type::Mac, vec![0x62, 0x70, 0x66, 0x74, 0x72, 0x0a, 0, 0])), "62:70:66:74:72:0a\n");
    let user = |address: u64, pid: u64| {
        (Type::Symbol { user: true, part: SymbolPart::Symbol }, [address.to_le_bytes(), pid.to_le_bytes()].concat())
    };
    assert_eq!(print(user(0x55, 7)) + &print(user(0x55, 8)), "main\n0x55\n");
}

/// `struct { int a[2]; char b[4]; unsigned char c:3; _Bool d:1; struct { short z; } in; union { int q; }; }`
fn structure() -> Typed {
    let i32s = Type::Array { elem: Arc::new(Type::I32), len: 2 };
    let inner = record("in", 4, vec![field("z", Type::Int { bytes: 2, signed: true }, 0)]);
    let anonymous = record("", 4, vec![field("q", Type::I32, 0)]);
    let u8_type = Type::Int { bytes: 1, signed: false };
    let fields = vec![
        field("a", i32s, 0),
        field("b", Type::String { cap: 4 }, 8),
        RecordField { bit_width: Some(3), bit_offset: 97, ..field("c", u8_type, 12) },
        RecordField { bit_width: Some(1), bit_offset: 100, ..field("d", Type::Bool, 12) },
        field("in", inner, 16),
        field("", anonymous, 20),
    ];
    let mut bytes = vec![1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, b'h', b'i', 0, 0, 0b1_0110, 0, 0, 0, 0xff, 0x7f, 0, 0];
    bytes.extend([9, 0, 0, 0]);
    (record("struct s", 24, fields), bytes)
}

fn field(name: &str, ty: Type, offset: u32) -> RecordField {
    RecordField { name: name.to_owned(), ty, type_name: String::new(), bit_offset: offset * 8, bit_width: None }
}

fn record(name: &str, size: u32, fields: Vec<RecordField>) -> Type {
    Type::Record(Arc::new(RecordType { name: name.to_owned(), ctype: TypeId::VOID, size, fields, variants: None }))
}

/// `enum { None = 0, Some(i32) = 1, Pair { a, b } = 2, Other(u8) }`, whose number is at its end.
fn enumeration(tag: u8) -> (Type, Vec<u8>) {
    let case = |value, name: &str, fields| (value, field(name, record(name, 8, fields), 0));
    let i32s = || Type::I32;
    let variants = RecordVariants {
        tag_offset: 8,
        tag_bytes: 1,
        cases: vec![
            case(Some(0), "None", vec![]),
            case(Some(1), "Some", vec![field("__0", i32s(), 0)]),
            case(Some(2), "Pair", vec![field("a", i32s(), 0), field("b", i32s(), 4)]),
            case(Some(0xffff_ffff_ffff_ffff), "Both", vec![field("__0", i32s(), 0), field("__1", i32s(), 4)]),
        ],
    };
    let Type::Record(plain) = record("Shape", 16, vec![]) else { unreachable!() };
    let ty = RecordType { variants: Some(Arc::new(variants)), ..(*plain).clone() };
    (Type::Record(Arc::new(ty)), vec![7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, tag, 1, 1, 1, 1, 1, 1, 1])
}

#[test]
fn enumerations_with_data() {
    let both = [
        (0, "None", r#""None""#),
        (1, "Some(7)", r#"{"Some": 7}"#),
        (2, "Pair { .a = 7, .b = -1 }", r#"{"Pair": {"a": 7, "b": -1}}"#),
        (255, "Both(7, -1)", r#"{"Both": [7,-1]}"#),
        (3, "<no variant>", "null"),
    ];
    for (tag, text, json) in both {
        assert_eq!(print(enumeration(tag)), format!("{text}\n"));
        assert_eq!(print_json(enumeration(tag)), format!("{{\"type\": \"value\", \"data\": {json}}}\n"));
    }
}

#[test]
fn records_and_arrays() {
    assert_eq!(print(structure()), "{ .a = [1,-2], .b = hi, .c = 3, .d = true, .in = { .z = 32767 }, .q = 9 }\n");
    let json = r#"{"type": "value", "data": {"a": [1,-2], "b": "hi", "c": 3, "d": true, "in": {"z": 32767}, "q": 9}}"#;
    assert_eq!(print_json(structure()), json.to_owned() + "\n");
    let (map, snapshot) = map("@", &[(Some(structure()), int(1))]);
    let expected = r#"{"type": "map", "data": {"@": {"{.a=[1,-2],.b=hi,.c=3,.d=true,.in={.z=32767},.q=9}": 1}}}"#;
    assert_eq!(shown(Mode::Json, &(map, snapshot), 0, 0), expected.to_owned() + "\n");
    let rows = Type::Array { elem: Arc::new(Type::Int { bytes: 1, signed: false }), len: 2 };
    let nested = Type::Array { elem: Arc::new(rows), len: 2 };
    assert_eq!(print((nested, vec![1, 2, 3, 4, 0, 0, 0, 0])), "[[1,2],[3,4]]\n");
}

#[test]
fn stacks_by_mode() {
    let of = |mode, id| print(kernel_stack(mode, id));
    assert_eq!(
        of(StackMode::Bpftrace, 1),
        "\n        do_syscall_64+113\n        entry_SYSCALL_64_after_hwframe+118\n\n"
    );
    assert_eq!(
        of(StackMode::Perf, 1),
        "\n\tffffffff81f081aa do_syscall_64+113\n\tffffffff81f0a117 entry_SYSCALL_64_after_hwframe+118\n\n"
    );
    assert_eq!(of(StackMode::Raw, 1), "\nffffffff81f081aa\nffffffff81f0a117\n\n");
    assert_eq!(of(StackMode::Bpftrace, 0), "\n\n");
    assert_eq!(of(StackMode::Bpftrace, 99), "\n        <lost stack>\n\n");
}

#[test]
fn frames_of_processes() {
    let of = |mode| {
        let ty = quadrant_program::ty::StackType { user: true, limit: 127, mode };
        print(word(Type::Stack(ty), 2 | 7 << 32))
    };
    assert_eq!(
        of(StackMode::Bpftrace),
        "\n        inner (inlined) /src/a.c:12\n        outer+16\n        0x7f37\n        0\n        evil\\x1b[2J\\n+1\n\n"
    );
    assert_eq!(
        of(StackMode::Perf),
        "\n\t1182 inner (inlined) (/bin/t)\n\t1182 outer+16 (/bin/t)\n\t7f37 0x7f37 ([unknown])\n\t0 0 ([unknown])\n\t10 evil\\x1b[2J\\n+1 (a\\nb)\n\n"
    );
    assert_eq!(of(StackMode::BuildId), "\n60ac 0x1182\n7f37\n0\n10\n\n");
}

#[test]
fn probes_by_index() {
    let point = Point { site: Site::Begin, name: "uprobe:/bin/t:f".into(), func: "f".into() };
    let program = Program { points: vec![point], ..Program::default() };
    let shown = |ty, index| render(&program, Mode::Text, RecordKind::Print, vec![word(ty, index).into()]);
    assert_eq!(shown(Type::ProbeName, 1), "uprobe:/bin/t:f\n");
    assert_eq!(shown(Type::ProbeFunc, 1), "f\n");
    assert_eq!(shown(Type::ProbeFunc, 2), "2\n");
    assert_eq!([shown(Type::ProbeName, 0), shown(Type::ProbeFunc, 0)], ["\n", "\n"]);
}
