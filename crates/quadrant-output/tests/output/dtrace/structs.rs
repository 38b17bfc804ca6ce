//! `print()`.

use std::sync::Arc;

use quadrant_program::ty::EnumType;
use quadrant_program::ty::RecordField;
use quadrant_program::ty::RecordType;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;
use quadrant_types::TypeId;

use super::*;

fn print(type_name: &str, args: Vec<Argument>) -> String {
    shown(Options::default(), ActionKind::Print(type_name.to_owned()), args)
}

fn field(name: &str, type_name: &str, ty: Type, offset: u32) -> RecordField {
    RecordField { name: name.into(), ty, type_name: type_name.into(), bit_offset: offset * 8, bit_width: None }
}

fn record(name: &str, size: u32, fields: Vec<RecordField>) -> Type {
    Type::Record(Arc::new(RecordType { name: name.into(), ctype: TypeId::VOID, size, fields, variants: None }))
}

fn integer(bytes: u8, signed: bool) -> Type {
    Type::Int { bytes, signed }
}

fn array(elem: Type, len: u32) -> Type {
    Type::Array { elem: elem.into(), len }
}

#[test]
fn members_that_are_not_zero() {
    let pointer = Type::Pointer { to: TypeId::VOID, space: Space::Kernel };
    let color = EnumType { name: "color".into(), bytes: 4, signed: false, values: vec![("GREEN".into(), 5)] };
    let inner = record(
        "struct",
        8,
        vec![field("s", "short", integer(2, true), 0), field("u", "uint32_t", integer(4, false), 4)],
    );
    let bits = RecordField { bit_width: Some(3), ..field("a", "unsigned int", integer(4, false), 60) };
    let ty = record(
        "struct pt",
        64,
        vec![
            field("x", "int", integer(4, true), 0),
            field("c", "char", integer(1, true), 4),
            field("name", "char[8]", Type::String { cap: 8 }, 8),
            field("in", "struct <anonymous>", inner.clone(), 16),
            field("p", "void *", pointer, 24),
            field("z", "int", integer(4, true), 32),
            field("arr", "int [3]", array(integer(4, true), 3), 36),
            field("color", "enum color", Type::Enum(color.into()), 48),
            field("", "struct", inner, 52),
            bits,
        ],
    );
    let mut bytes = vec![0; 64];
    bytes[..5].copy_from_slice(&[0xfc, 0xff, 0xff, 0xff, b'a']);
    bytes[8..10].copy_from_slice(b"hi");
    (bytes[20], bytes[24], bytes[40], bytes[48], bytes[52], bytes[60]) = (99, 0x10, 3, 5, 8, 4);
    let expected = "0xffffe8ffffd21a88 = *
                                            (struct pt) {
                                             .x = (int)-4,
                                             .c = (char)'a',
                                             .name = (char [8])\"hi\",
                                             .in = (struct) {
                                              .u = (uint32_t)99,
                                             },
                                             .p = (void *)0x10,
                                             .arr = (int [3]) [
                                              (int)0,
                                              (int)3,
                                             ],
                                             .color = (enum color)GREEN,
                                             .s = (short)8,
                                             .a = (unsigned int)4,
                                            }
";
    let address = int(8, false, 0xffff_e8ff_ffd2_1a88_u64 as i64);
    assert_eq!(print("struct pt", vec![address.into(), (ty.clone(), bytes.clone()).into()]), expected);
    let without_address = expected.split_once("= *\n").unwrap().1.trim_start();
    assert_eq!(print("struct pt", vec![(ty.clone(), bytes.clone()).into()]), without_address);

    let small = Options { printsize: 5, ..quiet() };
    let cut = shown(small, ActionKind::Print("struct pt".into()), vec![(ty, bytes).into()]);
    assert!(
        cut.contains(".x = (int)-4,\n") && cut.contains("\n                                             ...\n"),
        "{cut}"
    );
    assert!(!cut.contains(".arr"), "{cut}");
}

#[test]
fn scalars() {
    assert_eq!(print("int", vec![int(4, true, -9).into()]), "(int)-9,\n");
    assert_eq!(print("unsigned char", vec![int(1, false, 65).into()]), "(unsigned char)65,\n");
    assert_eq!(print("char", vec![int(1, true, 3).into()]), "(char)'\\x03',\n");
    assert_eq!(print("uint64_t", vec![int(8, false, -1).into()]), "(uint64_t)18446744073709551615,\n");
    assert_eq!(print("string", vec![text("a\x1b")]), "(string)\"a\\x1b\",\n");
}

#[test]
fn arrays_of_arrays() {
    let ty = array(array(integer(2, true), 2), 2);
    let expected = "(short [2][2]) [
                                             (short [2]) [
                                              (short)1,
                                             ],
                                             (short [2]) [
                                              (short)0,
                                              (short)2,
                                             ],
                                            ],
";
    assert_eq!(print("short [2][2]", vec![(ty, vec![1, 0, 0, 0, 0, 0, 2, 0]).into()]), expected);
}
