//! What actions ask of the running trace, and in which order.

use quadrant_program::map::Aggregation;
use quadrant_program::ty::SymbolPart;

use super::*;
use crate::common::flagged;

#[test]
fn printing_and_requests_keep_their_order() {
    let mut program = begin();
    let print = |text: &str| (ActionKind::Printf(format(text)), vec![]);
    let record = firing(
        &mut program,
        0,
        0,
        vec![
            print("a\n"),
            (ActionKind::System(format("echo %s")), vec![flagged(b"x\x1b\n", 0)]),
            print("b"),
            (ActionKind::Freopen(format("/tmp/%d")), vec![int(4, true, 7).into()]),
            (ActionKind::Freopen(format("")), vec![]),
            (ActionKind::Ftruncate, vec![]),
            (ActionKind::Setopt("quiet".into(), None), vec![]),
            (ActionKind::Setopt("switchrate".into(), Some("5hz".into())), vec![]),
            (ActionKind::Speculate, vec![]),
            (ActionKind::Discard, vec![int(8, false, 3).into()]),
            (ActionKind::Clear(MapId(2)), vec![]),
            (ActionKind::Exit, vec![int(4, true, -3).into()]),
        ],
    );
    let mut host = Running::default();
    assert_eq!(printed(&program, quiet(), &[record], &mut host), "a\nb");
    let requests = [
        r#""a\n" System("echo x\u{1b}\n")"#,
        r#""a\nb" Freopen("/tmp/7")"#,
        r#""a\nb" Freopen("")"#,
        r#""a\nb" Ftruncate"#,
        r#"Setopt("quiet", None)"#,
        r#"Setopt("switchrate", Some("5hz"))"#,
        r#""a\nb" Complain("dtrace: error for probe ID 1 (dtrace:::BEGIN): no\n")"#,
        r#""a\nb" Discard(3)"#,
        r#""a\nb" Clear(MapId(2))"#,
        r#""a\nb" Exit(-3)"#,
    ];
    assert_eq!(host.requests, requests);
}

#[test]
fn committed_records_are_all_that_a_commit_shows() {
    let mut program = program(&[("dtrace:::BEGIN", 1), ("syscall:vmlinux:open:entry", 9)]);
    let print = |value| vec![(ActionKind::Trace, vec![int(4, true, value).into()])];
    let held = [firing(&mut program, 1, 5, print(1)), firing(&mut program, 1, 5, print(2))];
    let commit = firing(&mut program, 0, 0, vec![(ActionKind::Commit, vec![int(8, false, 5).into()])]);
    let mut host = Running::default();
    host.speculations.insert(5, held.to_vec());
    let expected = [
        HEADING,
        "  1      9                       open:entry           1\n",
        "  1      9                       open:entry           2\n",
    ];
    assert_eq!(printed(&program, Options::default(), std::slice::from_ref(&commit), &mut host), expected.concat());
    let exit =
        vec![(ActionKind::Commit, vec![int(8, false, 5).into()]), (ActionKind::Exit, vec![int(4, true, 0).into()])];
    let exit = firing(&mut program, 0, 0, exit);
    host.speculations.insert(5, held[..1].to_vec());
    let expected = [HEADING, BEGIN, "\n  1      9                       open:entry           1\n"];
    assert_eq!(printed(&program, Options::default(), &[exit], &mut host), expected.concat());
    let printer = Printer::new(&program, Options::default());
    assert_eq!((printer.speculation(&held[0].1), printer.speculation(&commit.1)), (5, 0));
}

/// The keys that `trunc()` removes, as numbers.
fn removed(entries: &[(Option<Typed>, &[i64])], count: Option<i64>) -> Vec<u64> {
    let (mut program, mut host) = (begin(), Running::default());
    let map = aggregate(&mut program, &mut host, Aggregation::Sum { signed: true }, entries);
    let args = count.map(|count| int(4, true, count).into()).into_iter().collect();
    let record = firing(&mut program, 0, 0, vec![(ActionKind::Trunc(map), args)]);
    assert_eq!(printed(&program, quiet(), &[record], &mut host), "");
    let text = host.requests.pop().unwrap_or_default();
    let list = text.split_once(", [").map_or("", |(_, list)| list.trim_end_matches("])"));
    let bytes: Vec<u8> = list.split(['[', ']', ',', ' ']).filter_map(|number| number.parse().ok()).collect();
    let mut keys: Vec<u64> = bytes.chunks(8).map(|key| u64::from_le_bytes(key.try_into().unwrap())).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn truncated_entries() {
    let key = |value| Some(int(8, false, value));
    let entries: [(_, &[i64]); 4] = [(key(1), &[10]), (key(2), &[-10]), (key(3), &[5]), (key(4), &[7])];
    assert_eq!(removed(&entries, Some(2)), [2, 3]);
    assert_eq!(removed(&entries, Some(-2)), [1, 4]);
    assert_eq!(removed(&entries, None), [1, 2, 3, 4]);
    assert_eq!(removed(&entries, Some(0)), [1, 2, 3, 4]);
    assert_eq!(removed(&entries, Some(4)), [0u64; 0]);
    assert_eq!(removed(&entries, Some(i64::MIN)), [0u64; 0]);
    let function = |address| Some(symbol(false, SymbolPart::Function, address));
    let merged: [(_, &[i64]); 3] = [(function(0x1001), &[3]), (function(0x2001), &[4]), (function(0x1002), &[3])];
    assert_eq!(removed(&merged, Some(1)), [0x2001]);
    assert_eq!(removed(&merged, Some(-1)), [0x1001, 0x1002]);
}
