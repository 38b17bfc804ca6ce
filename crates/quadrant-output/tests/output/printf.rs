//! printf, compared as whole lines.

use crate::common::*;
use quadrant_program::record::CUT;
use quadrant_program::record::FAULT;
use quadrant_program::ty::EnumType;
use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;

fn one(format: &str, value: impl Into<Argument>) -> String {
    printf(format, vec![value.into()])
}

/// The same number by every conversion of a format.
fn many(format: &str, value: Typed) -> String {
    printf(format, (0..format.matches('%').count()).map(|_| value.clone().into()).collect())
}

#[test]
fn integers_by_every_conversion() {
    assert_eq!(
        many("[%d] [%5d] [%-5d] [%05d] [%+d] [% d] [%i] [%u]", int(42)),
        "[42] [   42] [42   ] [00042] [+42] [ 42] [42] [42]"
    );
    assert_eq!(
        many("[%x] [%X] [%#x] [%#X] [%#o] [%o] [%c] [%p]", int(42)),
        "[2a] [2A] [0x2a] [0X2A] [052] [52] [*] [0x2a]"
    );
    assert_eq!(many("[%d] [%5d] [%-5d] [%05d] [%+d] [% d]", int(-5)), "[-5] [   -5] [-5   ] [-0005] [-5] [-5]");
    assert_eq!(many("[%x] [%#x] [%#o] [%p] [%.0d] [%d]", int(0)), "[0] [0] [0] [0] [] [0]");
    assert_eq!(
        many("[%.3d] [%8.3d] [%-8.3d] [%08.3d] [%#6x] [%#06x] [%-#6x]", int(10)),
        "[010] [     010] [010     ] [     010] [   0xa] [0x000a] [0xa   ]"
    );
    assert_eq!(many("%20p|%-20p|%'d", int(1_234_567)), "            0x12d687|0x12d687            |1,234,567");
}

#[test]
fn thirty_two_bits_are_an_int_and_more_stay_whole() {
    assert_eq!(
        many("%x %lx %u %lu %o %hx %hhx %d", int(-1)),
        "ffffffff ffffffffffffffff 4294967295 18446744073709551615 37777777777 ffff ff -1"
    );
    assert_eq!(many("%d %ld %u %x %p", uint(0xffff_ffff)), "-1 4294967295 4294967295 ffffffff 0xffffffff");
    assert_eq!(
        many("%d %ld %u %x %s", uint(u64::MAX)),
        "-1 -1 18446744073709551615 ffffffffffffffff 18446744073709551615"
    );
    assert_eq!(many("%d %u %x %hhd %hd", int((1 << 40) + 200)), "1099511627976 1099511627976 100000000c8 -56 200");
    assert_eq!(many("%d %x", int(3_000_000_000)), "3000000000 b2d05e00");
    assert_eq!(many("%d", int(i64::MIN)), "-9223372036854775808");
}

#[test]
fn texts() {
    let hello = || text("hello");
    assert_eq!(
        many("[%s] [%10s] [%-10s] [%.2s] [%5.1s] [%-5.1s] [%.0s]", hello()),
        "[hello] [     hello] [hello     ] [he] [    h] [h    ] []"
    );
    assert_eq!(one("%-6s|", text("é")), "é    |");
    assert_eq!(one("%.1s|", text("é")), "|");
    assert_eq!(one("%s", text("a\x1b[31m\nb")), "a\\x1b[31m\\nb");
    assert_eq!(one("%d", text("abc")), "abc");
    assert_eq!(one("a%%b %s\n", text("a%b")), "a%b a%b\n");
}

#[test]
fn cut_and_unreadable_texts_say_so() {
    assert_eq!(one("%s|", flagged(b"abcdef", CUT)), "abcdef..|");
    assert_eq!(one("%12s|", flagged(b"abcdef", CUT)), "    abcdef..|");
    assert_eq!(one("%.3s|", flagged(b"abcdef", CUT)), "abc|");
    assert_eq!(one("%s|", flagged("ab日".as_bytes().split_last().unwrap().1, CUT)), "ab..|");
    assert_eq!(one("%s|%s", flagged(b"", FAULT)), "<fault>|<malformed>");
}

#[test]
fn counts_from_arguments() {
    let star = |format, width| printf(format, vec![int(width).into(), int(7).into()]);
    assert_eq!(star("[%*d]", 6), "[     7]");
    assert_eq!(star("[%*d]", -6), "[7     ]");
    assert_eq!(star("[%-*d]", 6), "[7     ]");
    assert_eq!(star("[%.*d]", 3), "[007]");
    assert_eq!(star("[%.*d]", -3), "[7]");
    assert_eq!(printf("[%.*s]", vec![int(2).into(), text("hello").into()]), "[he]");
    assert_eq!(star("[%*d]", i64::MAX).len(), 2 + quadrant_program::format::MAX_COUNT as usize);
}

#[test]
fn characters_are_escaped_like_text() {
    assert_eq!(
        printf("%c%3c|%-3c|%c%c", vec![int(65).into(), int(66).into(), int(67).into(), int(27).into(), int(0).into()]),
        "A  B|C  |\\x1b\\x00"
    );
}

#[test]
fn buffers() {
    assert_eq!(
        many("[%r] [%rx] [%rh] [%s] [%12r]", buffer(b"a\\\x01\xff")),
        "[a\\\\x01\\xff] [\\x61\\x5c\\x01\\xff] [61 5c 01 ff] [a\\\\x01\\xff] [  a\\\\x01\\xff]"
    );
    assert_eq!(one("[%-20rh]", buffer(b"ab")), "[61 62               ]");
}

#[test]
fn other_types_are_padded_as_a_whole() {
    let e = EnumType { name: "E".into(), bytes: 4, signed: true, values: vec![("A".into(), 1), ("B".into(), -5)] };
    let enumeration = Type::Enum(e.into());
    assert_eq!(many("[%s] [%d] [%5s] [%-5s] [%x]", word(enumeration.clone(), 1)), "[A] [1] [    A] [A    ] [1]");
    assert_eq!(many("[%s] [%d]", word(enumeration.clone(), -5i64 as u64)), "[B] [-5]");
    assert_eq!(many("[%s] [%d]", word(enumeration, -6i64 as u64)), "[-6] [-6]");
    assert_eq!(many("%d %s|%5s|%x", word(Type::Bool, 1)), "1 true| true|1");
    assert_eq!(many("%s|%10s|%-12s|", tuple(&[int(1), int(2)])), "(1, 2)|    (1, 2)|(1, 2)      |");
    assert_eq!(many("%s|%6s|%d", word(Type::Username, 0)), "root|  root|0");
    assert_eq!(many("%s %s", word(Type::Username, 12)), "12 12");
    assert_eq!(
        many("%s|%10s", word(Type::Symbol { user: false, part: SymbolPart::Symbol }, 0x1234)),
        "vfs_read|  vfs_read"
    );
    assert_eq!(many("%s", word(Type::Time("%H:%M:%S.%f".into()), 1_000_000_000)), "00:23:31.356772");
    assert_eq!(many("%s|%30s", word(Type::Errno, 2)), "No such file or directory|     No such file or directory");
    assert_eq!(many("%s|%s", word(Type::Errno, -13i64 as u64)), "Permission denied|Permission denied");
    assert_eq!(
        many("%s", word(Type::SyscallName, 1)) + &many("%s", word(Type::SyscallName, 9999)),
        "writeUnknown syscall"
    );
    assert_eq!(
        many("%s", word(Type::CgroupPath(None), 1)) + &many("|%s", word(Type::CgroupPath(None), 5)),
        "unified:/a|5"
    );
}

#[test]
fn floating_point_numbers() {
    let float = |bytes: &[u8]| {
        let mut stored = bytes.to_vec();
        stored.resize(bytes.len().next_multiple_of(8), 0);
        (Type::Float { bytes: bytes.len() as u8 }, stored)
    };
    let double = float(&(-1234.5f64).to_le_bytes());
    let all: Vec<String> = ["%f", "%.1e", "%g", "%10.2f|", "%s"].iter().map(|f| many(f, double.clone())).collect();
    assert_eq!(all, ["-1234.500000", "-1.2e+03", "-1234.5", "  -1234.50|", "-1234.5"]);
    assert_eq!(many("%s %s", float(&0.1f32.to_le_bytes())).split(' ').next(), Some("0.1"));
    let mut long = [0; 16];
    (long[7], long[8], long[9]) = (0xc0, 0xff, 0x3f);
    assert_eq!(many("%.2f", float(&long)), "1.50");
    assert_eq!(many("%f", int(-2)), "-2.000000");
    assert_eq!(
        [print(double.clone()), print_json(double)],
        ["-1234.5\n", "{\"type\": \"value\", \"data\": -1234.5}\n"]
    );
}

#[test]
fn a_stack_starts_on_its_own_line() {
    let stack = kernel_stack(Default::default(), 1);
    assert_eq!(one("[%s]", stack), "[\n        do_syscall_64+113\n        entry_SYSCALL_64_after_hwframe+118\n]");
}

#[test]
fn no_precision_is_too_large() {
    for format in ["%.*f", "%.*e", "%.*g"] {
        for precision in [70_000, i64::MAX, i64::from(quadrant_program::format::MAX_COUNT)] {
            let text = printf(format, vec![int(precision).into(), int(1).into()]);
            assert!(!text.is_empty(), "{format} {precision}");
        }
    }
}
