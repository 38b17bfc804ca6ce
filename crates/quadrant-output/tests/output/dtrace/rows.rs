//! Rows and what `trace()` shows.

use quadrant_output::dtrace::Options;
use quadrant_program::action::ActionKind;
use quadrant_program::ty::EnumType;
use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;

use super::*;
use crate::common::buffer;
use crate::common::flagged;

#[test]
fn heading_once_and_columns() {
    let mut program = program(&[("dtrace:::BEGIN", 1), ("syscall:vmlinux:read:entry", 3626)]);
    let empty = firing(&mut program, 0, 0, vec![]);
    let other = firing(&mut program, 1, 0, vec![(ActionKind::Trace, vec![int(4, true, 7).into()])]);
    let expected = [
        "CPU     ID                    FUNCTION:NAME\n",
        "  1      1                           :BEGIN \n",
        "  1   3626                       read:entry           7\n",
        "  1      1                           :BEGIN \n",
    ];
    let records = [empty.clone(), other.clone(), empty];
    assert_eq!(printed(&program, Options::default(), &records, &mut Running::default()), expected.concat());
    assert_eq!(printed(&program, quiet(), &records, &mut Running::default()), "7");
}

#[test]
fn rows_that_can_be_compared() {
    let mut program = begin();
    let record = [firing(&mut program, 0, 0, vec![(ActionKind::Trace, vec![int(4, true, 1).into()])])];
    let testing = Options { testing: true, ..Options::default() };
    let rows = printed(&program, testing.clone(), &record, &mut Running::default());
    assert_eq!(rows, "                   FUNCTION:NAME\n                          :BEGIN           1\n");
    let flow = Options { flowindent: true, ..testing };
    let rows = printed(&program, flow, &record, &mut Running::default());
    assert_eq!(rows, format!("{:41}\n{:41}           1\n", "FUNCTION", "| :BEGIN"));
}

#[test]
fn numbers_by_width() {
    let one = |bytes, signed, value| trace(int(bytes, signed, value));
    assert_eq!([one(1, true, 3), one(1, true, -3)], ["   3", "  -3"]);
    assert_eq!([one(2, true, -4), one(2, false, 4)], ["    -4", "     4"]);
    assert_eq!([one(4, true, -5), one(4, false, 7)], ["         -5", "          7"]);
    assert_eq!(trace(int(4, false, 0xffff_fff9)), " 4294967289");
    assert_eq!(one(8, true, 123_456_789_012), "        123456789012");
    assert_eq!(one(8, true, -5), "                  -5");
    assert_eq!(one(8, false, 5), "                    5");
    assert_eq!(one(8, false, -5), " 18446744073709551611");
}

#[test]
fn other_scalars() {
    let pointer = Type::Pointer { to: quadrant_types::TypeId::VOID, space: quadrant_program::ty::Space::Kernel };
    assert_eq!(trace(word(pointer, 16)), "                   16");
    let color = EnumType { name: "color".to_owned(), bytes: 4, signed: false, values: vec![("GREEN".to_owned(), 5)] };
    assert_eq!(trace(word(Type::Enum(color.into()), 5)), "          5");
    assert_eq!(trace(word(Type::Bool, 1)), "   1");
}

#[test]
fn texts() {
    assert_eq!(trace(text("a string")), "  a string                         ");
    assert_eq!(trace(text("")), format!("  {:33}", ""));
    let long = "this one is longer than thirty three characters";
    assert_eq!(trace(text(long)), format!("  {long}"));
    assert_eq!(shown(quiet(), ActionKind::Trace, vec![text("x")]), "x");
    // What the script itself says is no text of a traced program.
    assert_eq!(shown(quiet(), ActionKind::Say(b"x\n\x1b[1m".into()), vec![]), "x\n\x1b[1m");
    assert_eq!(shown(Options::default(), ActionKind::Say(b"x\n".into()), vec![]).len(), 35);
    assert_eq!(trace(flagged(b"a\x1b[2J\nb", 0)).trim_end(), "  a\\x1b[2J\\nb");
    assert_eq!(trace(flagged(b"", quadrant_program::record::FAULT)).trim_end(), "  <fault>");
    let raw = Options { rawbytes: true, ..Options::default() };
    assert!(shown(raw, ActionKind::Trace, vec![text("hi")]).contains("\n         0: 68 69 "));
}

const DUMP: &str = "
             0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef
         0: 61 00 1b 7f 20 7e 00 00 00 00 00 00 00 00 00 00  a... ~..........
        10: 00 00                                            ..
";

#[test]
fn bytes_are_text_or_a_dump() {
    let bytes = b"a\0\x1b\x7f ~\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(trace(buffer(bytes)), DUMP);
    assert_eq!(trace(buffer(b"dtrace\0\0\0\0\0\0\0\0\0\0")), format!("  {:33}", "dtrace"));
    // Also those that are as large as a number: structs and arrays are none.
    assert!(trace(buffer(&[5, 0, 0, 0])).contains("\n         0: 05 00 00 00 "));
    assert_eq!(trace(buffer(b"AB\0\0")), format!("  {:33}", "AB"));
    let tracemem = |args| shown(Options::default(), ActionKind::Tracemem, args);
    assert_eq!(tracemem(vec![buffer(bytes).into()]), DUMP);
    let three = "
             0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef
         0: 64 74 72                                         dtr
";
    assert_eq!(tracemem(vec![buffer(b"dtrace").into(), int(4, true, 3).into()]), three);
    assert_eq!(tracemem(vec![buffer(b"dtr").into(), int(4, true, 30).into()]), three);
    assert_eq!(tracemem(vec![buffer(b"dtr").into(), int(4, true, -1).into()]), three);
    assert_eq!(shown(quiet(), ActionKind::Pcap, vec![buffer(b"dtr").into(), int(4, true, 1).into()]), three);
}

#[test]
fn symbols() {
    let kernel = |part, address| trace(symbol(false, part, address)).trim_end().to_owned();
    let user = |part, address| trace(symbol(true, part, address)).trim_end().to_owned();
    assert_eq!(trace(symbol(false, SymbolPart::Function, 0x1010)), format!("  {:50}", "vmlinux`vfs_read"));
    assert_eq!(shown(quiet(), ActionKind::Trace, vec![symbol(false, SymbolPart::Module, 5).into()]).len(), 52);
    assert_eq!(kernel(SymbolPart::Function, 0x2001), "  xfs`xfs_read");
    assert_eq!(kernel(SymbolPart::Function, 0x3001), "  xfs`0x3001");
    assert_eq!(kernel(SymbolPart::Symbol, 0x5), "  0x5");
    assert_eq!([0x1000, 0x2000, 0x5].map(|at| kernel(SymbolPart::Module, at)), ["  vmlinux", "  xfs", "  0x5"]);
    assert_eq!(user(SymbolPart::Address, 0x1010), "  prog`main+0x10");
    assert_eq!(user(SymbolPart::Address, 0x1000), "  prog`main");
    assert_eq!(user(SymbolPart::Function, 0x1010), "  prog`main");
    assert_eq!(user(SymbolPart::Module, 0x2010), "  libc.so.6");
    assert_eq!(user(SymbolPart::Function, 0x2010), "  libc.so.6`0x2010");
}

#[test]
fn stacks() {
    let kernel = "
              vmlinux`do_syscall_64+0x71
              xfs`xfs_read
              xfs`0xffffffffc999
              0xffffffffd999
";
    assert_eq!(trace(stack(false, 1, 0)), kernel);
    let user = "
              prog`main+0x10
              libc.so.6`0x7f01
              0x7f99
              a\\nb`evil\\x1b[2J\\n
";
    assert_eq!(trace(stack(true, 1, 7)), user);
    assert_eq!(trace(stack(true, 1, 9)), user);
    assert_eq!(trace(stack(true, 2, 9)), "\n              9:0x7f99\n              9:0x10\n");
    assert_eq!(trace(stack(true, 2, 7)), "\n              0x7f99\n              0x10\n");
    assert_eq!(trace(stack(false, 0, 0)), "\n");
    assert_eq!(trace(stack(false, 5, 0)), "\n              <lost stack>\n");
    let narrow = Options { stackindent: 2, ..quiet() };
    let first = shown(narrow, ActionKind::Trace, vec![stack(false, 1, 0).into()]);
    assert!(first.starts_with("\n  vmlinux`do"), "{first}");
}
