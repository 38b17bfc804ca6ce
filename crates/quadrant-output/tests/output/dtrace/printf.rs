//! `printf()`.

use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;

use super::*;
use crate::common::flagged;

fn ints(values: &[i64]) -> Vec<Argument> {
    values.iter().map(|value| int(4, true, *value).into()).collect()
}

#[test]
fn integers() {
    assert_eq!(
        printf(
            "%d|%5d|%-5d|%05d|%+d|% d|%'d|%i|%x|%X|%#x|%o|%#o|%p",
            ints(&[-1, 42, 42, 42, 42, 42, 1_234_567, -3, -1, 255, 255, 8, 8, 4096])
        ),
        "-1|   42|42   |00042|+42| 42|1,234,567|-3|ffffffff|FF|0xff|10|010|1000"
    );
    assert_eq!(printf("%5.3d|%.3d|%-8.3x|%08.3d|%#8x|%#-8x|%#08x", ints(&[7; 7])), {
        "  007|007|007     |     007|     0x7|0x7     |0x000007"
    });
    assert_eq!(printf("%p %#p %10p", ints(&[16, 16, 16])), "10 0x10         10");
    // As in C: `#` makes an octal number begin with 0, once.
    let octal = printf("%#.3o|%#.2o|%#06o|%#5o|%#o|%#.0o", ints(&[46, 46, 46, 46, 0, 0]));
    assert_eq!(octal, "056|056|000056|  056|0|0");
}

#[test]
fn widths_are_those_of_arguments() {
    let args = |bytes, signed| (0..5).map(|_| int(bytes, signed, -1).into()).collect();
    assert_eq!(printf("%d %x %o %u %i", args(1, true)), "-1 ff 377 255 -1");
    assert_eq!(printf("%d %x %o %u %i", args(2, true)), "-1 ffff 177777 65535 -1");
    assert_eq!(printf("%d %x %o %u %i", args(4, false)), { "4294967295 ffffffff 37777777777 4294967295 4294967295" });
    assert_eq!(
        printf("%ld %llx %lo %lu %lli", args(8, true)),
        "-1 ffffffffffffffff 1777777777777777777777 18446744073709551615 -1"
    );
}

#[test]
fn texts_and_characters() {
    assert_eq!(
        printf(
            "[%s] [%10s] [%-10s] [%.2s] [%*s] [%-*s] [%.*s]",
            vec![
                text("abc"),
                text("abc"),
                text("abc"),
                text("abc"),
                int(4, true, 7).into(),
                text("abc"),
                int(4, true, 7).into(),
                text("abc"),
                int(4, true, 2).into(),
                text("abc"),
            ]
        ),
        "[abc] [       abc] [abc       ] [ab] [    abc] [abc    ] [ab]"
    );
    assert_eq!(printf("[%S]", vec![flagged(b"a\tb\\\"q\x01\n\xff", 0)]), "[a\\tb\\\\\\\"q\\001\\n\\377]");
    assert_eq!(printf("[%s]", vec![flagged(b"a\tb\x1b\n", 0)]), "[a\\tb\\x1b\\n]");
    assert_eq!(printf("[%c] [%5c] [%-5c] [%C] [%C] [%C] [%c]", ints(&[97, 98, 99, 100, 7, 34, 27])), {
        "[a] [    b] [c    ] [d] [\\a] [\"] [\\x1b]"
    });
    assert_eq!(printf("[%c%c%c]", ints(&[10, 9, 13])), "[\n\t\\r]");
    assert_eq!(printf("[%.0d] [%5.0d] [%.0x] [%05.0d]", ints(&[0, 0, 0, 7])), "[0] [    0] [0] [00007]");
    assert_eq!(printf("[%.0s] [%.*s]", vec![text("abc"), int(4, true, 0).into(), text("abc")]), "[abc] [abc]");
    assert_eq!(printf("%wc%lc%?d", ints(&[0x20ac, 0xe9, 1])), "€é               1");
    assert_eq!(printf("100%% \n", vec![]), "100% \n");
}

#[test]
fn wide_texts() {
    let ty = Type::Array { elem: Type::Int { bytes: 4, signed: true }.into(), len: 4 };
    let bytes: Vec<u8> = [0x68u32, 0x20ac, 0, 7].iter().flat_map(|c| c.to_le_bytes()).collect();
    let wide = || Argument::from((ty.clone(), bytes.clone()));
    assert_eq!(printf("[%ws] [%4ls] [%s]", vec![wide(), wide(), wide()]), "[h€] [h€] [h€]");
}

#[test]
fn dates() {
    let time = || int(8, false, 1_700_000_000_000_000_000).into();
    assert_eq!(
        printf("%Y|%T|%22Y|%-22Y|", vec![time(), time(), time(), time()]),
        "2023 Nov 14 22:13:20|Tue, 14 Nov 2023 22:13:20 UTC|  2023 Nov 14 22:13:20|2023 Nov 14 22:13:20  |"
    );
    assert_eq!(printf("%Y", vec![int(8, false, 0).into()]), "1970 Jan  1 00:00:00");
}

#[test]
fn addresses() {
    let address = |value| int(8, false, value).into();
    assert_eq!(printf("%a|%a|%a|%a", [0x1010, 0x1000, 0x3000, 5].map(address).into()), {
        "vmlinux`vfs_read+0x10|vmlinux`vfs_read|xfs`0x3000|0x5"
    });
    assert_eq!(
        printf("%20a|%-20a|", [0x1000, 0x1000].map(address).into()),
        "    vmlinux`vfs_read|vmlinux`vfs_read    |"
    );
    assert_eq!(printf("%A", vec![address(0x1010)]), "0x1010");
    let target = Options { target: Some(7), ..quiet() };
    assert_eq!(shown(target, ActionKind::Printf(format("%A")), vec![address(0x1010)]), "prog`main+0x10");
    let user = |part| symbol(true, part, 0x1010).into();
    assert_eq!(
        printf(
            "%A|%A|%A|%s",
            vec![
                user(SymbolPart::Address),
                user(SymbolPart::Function),
                user(SymbolPart::Module),
                user(SymbolPart::Function)
            ]
        ),
        "prog`main+0x10|prog`main|prog|prog`main"
    );
}

#[test]
fn each_frame_has_the_width() {
    let frames = ["vmlinux`do_syscall_64+0x71", "xfs`xfs_read", "xfs`0xffffffffc999", "0xffffffffd999"];
    let expected = |line: &dyn Fn(&str) -> String| format!("\n{}\n|", frames.map(line).join("\n"));
    let shown = |format| printf(format, vec![stack(false, 1, 0).into()]);
    assert_eq!(shown("%k|"), expected(&|frame| frame.to_owned()));
    assert_eq!(shown("%20k|"), expected(&|frame| format!("{frame:>20}")));
    assert_eq!(printf("%8k|", vec![stack(true, 2, 9).into()]), "\n  9:0x7f99\n    9:0x10\n|");
    assert_eq!(shown("%-20k|"), expected(&|frame| format!("{frame:20}")));
}

#[test]
fn floating_point() {
    let double = |value: f64| {
        let ty = Type::Array { elem: Type::Int { bytes: 1, signed: false }.into(), len: 8 };
        Argument::from((ty, value.to_le_bytes().to_vec()))
    };
    assert_eq!(printf("%f %e %g %.1f", [1.5, 1.5, 1.5, 2.25].map(double).into()), "1.500000 1.500000e+00 1.5 2.2");
    assert_eq!(printf("%f", ints(&[-2])), "-2.000000");
}

#[test]
fn what_does_not_fit_is_shown_in_its_own_way() {
    assert_eq!(printf("%d %s %s", vec![text("x"), int(4, true, -3).into(), word(Type::Bool, 1).into()]), "x -3 true");
    assert_eq!(printf("%d %s", vec![]), "<malformed> <malformed>");
}
