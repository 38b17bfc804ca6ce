//! Aggregations in their own form, and their order.

use quadrant_output::dtrace::Options;
use quadrant_output::dtrace::Sort;
use quadrant_program::map::Aggregation;
use quadrant_program::ty::SymbolPart;

use super::*;
use crate::common::text as typed_text;
use crate::common::tuple;

const SUM: Aggregation = Aggregation::Sum { signed: true };

/// What one aggregation prints at the end.
fn one(aggregation: Aggregation, entries: &[(Option<Typed>, &[i64])]) -> String {
    let (mut program, mut host) = (begin(), Running::default());
    aggregate(&mut program, &mut host, aggregation, entries);
    at_end(&program, &mut host, Options::default())
}

/// The keys of an aggregation in the order of printing; values of the key's number.
fn order(aggregation: Aggregation, entries: &[(i64, &[i64])], sort: Sort) -> Vec<i64> {
    let (mut program, mut host) = (begin(), Running::default());
    let entries: Vec<_> = entries.iter().map(|(key, fed)| (Some(int(4, true, *key)), *fed)).collect();
    aggregate(&mut program, &mut host, aggregation, &entries);
    let text = at_end(&program, &mut host, Options { sort, ..Options::default() });
    let keys = text.lines().filter(|line| line.starts_with(' ') && !line.contains('|') && !line.contains("value"));
    keys.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

#[test]
fn values_without_keys() {
    assert_eq!(one(Aggregation::Count, &[(None, &[1, 1])]), "\n                2\n");
    assert_eq!(one(SUM, &[(None, &[-3])]), "\n               -3\n");
    assert_eq!(one(Aggregation::Min { signed: true }, &[(None, &[3, -2])]), "\n               -2\n");
    assert_eq!(one(Aggregation::Max { signed: true }, &[(None, &[3, -2])]), "\n                3\n");
    assert_eq!(one(Aggregation::Avg { signed: true }, &[(None, &[7, 4])]), "\n                5\n");
    assert_eq!(one(Aggregation::Stddev, &[(None, &[1, 2, 4])]), "\n                1\n");
    assert_eq!(one(Aggregation::Stddev, &[(None, &[-1000, 1000])]), "\n             1000\n");
    assert_eq!(one(Aggregation::Min { signed: true }, &[(None, &[])]), "\n                0\n");
}

#[test]
fn keys_in_columns() {
    let named = |name| Some(typed_text(name));
    assert_eq!(one(Aggregation::Count, &[(named("dtrace"), &[1])]), format!("\n  {:50} {:16}\n", "dtrace", 1));
    assert_eq!(one(SUM, &[(Some(int(4, true, 23868)), &[-3])]), "\n    23868               -3\n");
    let parts = [int(1, true, 3), int(2, true, 4), int(8, false, 5), typed_text("x")];
    assert_eq!(
        one(Aggregation::Max { signed: true }, &[(Some(tuple(&parts)), &[-2])]),
        format!("\n   3     4                5  {:50} {:16}\n", "x", -2)
    );
    assert_eq!(one(SUM, &[(Some(int(8, false, 5)), &[1])]), format!("\n {:16} {:16}\n", 5, 1));
    assert_eq!(one(SUM, &[(named("tab\t\x1b"), &[1])]), format!("\n  {:50} {:16}\n", "tab\\t\\x1b", 1));
    assert_eq!(one(SUM, &[(named(""), &[1])]), format!("\n  {:50} {:16}\n", "", 1));
}

#[test]
fn stacks_and_symbols_as_keys() {
    let frames = "
              vmlinux`do_syscall_64+0x71
              xfs`xfs_read
              xfs`0xffffffffc999
              0xffffffffd999
                1
";
    assert_eq!(one(Aggregation::Count, &[(Some(stack(false, 1, 0)), &[1])]), format!("\n{frames}"));
    let both = tuple(&[typed_text("cat"), stack(false, 1, 0)]);
    assert_eq!(one(Aggregation::Count, &[(Some(both), &[1])]), format!("\n  {:50}{frames}", "cat"));
    let pair = tuple(&[symbol(true, SymbolPart::Function, 0x1010), symbol(false, SymbolPart::Module, 3)]);
    assert_eq!(
        one(Aggregation::Count, &[(Some(pair), &[1])]),
        format!("\n  {:50}  {:50} {:16}\n", "prog`main", "0x3", 1)
    );
}

#[test]
fn addresses_of_one_function_are_one_key() {
    let at = |part, address| Some(symbol(false, part, address));
    let entries = |part| {
        [(0x1001, 1), (0x1002, 2), (0x2001, 4), (0x3001, 8), (0x3002, 16)]
            .map(|(address, value)| (at(part, address), [value]))
    };
    let shown = |part| one(SUM, &entries(part).iter().map(|(k, v)| (k.clone(), &v[..])).collect::<Vec<_>>());
    let line = |name, value| format!("  {name:50} {value:16}\n");
    assert_eq!(
        shown(SymbolPart::Function),
        ["\n", &line("vmlinux`vfs_read", 3), &line("xfs`xfs_read", 4), &line("xfs`0x3001", 8), &line("xfs`0x3002", 16)]
            .concat()
    );
    assert_eq!(shown(SymbolPart::Module), ["\n", &line("vmlinux", 3), &line("xfs", 28)].concat());
    assert!(shown(SymbolPart::Address).contains("vmlinux`vfs_read+0x1 "));
}

#[test]
fn ascending_by_value_then_key() {
    let sum: [(i64, &[i64]); 4] = [(3, &[3]), (1, &[-2]), (7, &[3]), (-1, &[3])];
    assert_eq!(order(SUM, &sum, Sort::default()), [1, -1, 3, 7]);
    let reverse = Sort { reverse: true, ..Sort::default() };
    assert_eq!(order(SUM, &sum, reverse.clone()), [7, 3, -1, 1]);
    let key = Sort { key: true, ..Sort::default() };
    assert_eq!(order(SUM, &sum, key), [-1, 1, 3, 7]);
    assert_eq!(order(SUM, &sum, Sort { key: true, ..reverse }), [7, 3, 1, -1]);
    let average: [(i64, &[i64]); 3] = [(1, &[10, 2, 2]), (2, &[-5]), (3, &[1, 1])];
    assert_eq!(order(Aggregation::Avg { signed: true }, &average, Sort::default()), [2, 3, 1]);
    let spread: [(i64, &[i64]); 3] = [(1, &[10, 20]), (2, &[100]), (3, &[1, 3])];
    assert_eq!(order(Aggregation::Stddev, &spread, Sort::default()), [2, 3, 1]);
}

#[test]
fn histograms_ascend_by_the_sum_of_their_values() {
    let fed: [(i64, &[i64]); 3] = [(1, &[1, 1, 1, 1, 1]), (2, &[100]), (3, &[50])];
    assert_eq!(order(Aggregation::Quantize, &fed, Sort::default()), [1, 3, 2]);
    let linear = Aggregation::LinearHist { min: 0, max: 100, step: 10 };
    let fed: [(i64, &[i64]); 4] = [(1, &[55]), (2, &[15, 15]), (3, &[1000]), (4, &[-5])];
    assert_eq!(order(linear, &fed, Sort::default()), [4, 2, 1, 3]);
    let zeros: [(i64, &[i64]); 2] = [(1, &[0, 0]), (2, &[0])];
    assert_eq!(order(Aggregation::Quantize, &zeros, Sort::default()), [2, 1]);
}

#[test]
fn parts_of_keys_count_from_the_position() {
    let (mut program, mut host) = (begin(), Running::default());
    let key = |name, number| Some(tuple(&[typed_text(name), int(4, true, number)]));
    let entries: [(_, &[i64]); 4] =
        [(key("x", 3), &[1]), (key("x", 2), &[1]), (key("y", 1), &[1]), (key("b", 9), &[1, 1])];
    aggregate(&mut program, &mut host, Aggregation::Count, &entries);
    let mut numbers = |sort: Sort| -> Vec<String> {
        let text = at_end(&program, &mut host, Options { sort, ..Options::default() });
        text.split_whitespace().skip(1).step_by(3).map(str::to_owned).collect()
    };
    assert_eq!(numbers(Sort::default()), ["2", "3", "1", "9"]);
    assert_eq!(numbers(Sort { key: true, ..Sort::default() }), ["9", "2", "3", "1"]);
    assert_eq!(numbers(Sort { key_position: 1, ..Sort::default() }), ["1", "2", "3", "9"]);
    assert_eq!(numbers(Sort { key: true, key_position: 1, ..Sort::default() }), ["1", "2", "3", "9"]);
    assert_eq!(numbers(Sort { key: true, reverse: true, ..Sort::default() }), ["1", "3", "2", "9"]);
    // A part that is not there is the first.
    assert_eq!(numbers(Sort { key: true, key_position: 7, ..Sort::default() }), ["9", "2", "3", "1"]);
}

#[test]
fn the_rest_is_printed_at_the_end_in_order_of_definition() {
    let (mut program, mut host) = (begin(), Running::default());
    let first = aggregate(&mut program, &mut host, Aggregation::Count, &[(None, &[1])]);
    let second = aggregate(&mut program, &mut host, SUM, &[(Some(int(4, true, 1)), &[5])]);
    aggregate(&mut program, &mut host, Aggregation::Quantize, &[(None, &[1])]);
    let (plain, _) = common::map("x", &[(None, int(8, true, 1))]);
    program.maps.push(plain);
    let text = at_end(&program, &mut host, quiet());
    assert!(text.starts_with("\n                1\n        1                5\n\n           value  ----"), "{text}");
    let printa = |map| vec![(ActionKind::Printa { format: None, maps: vec![map] }, vec![])];
    let records = [firing(&mut program, 0, 0, printa(second)), firing(&mut program, 0, 0, printa(first))];
    let mut out = Vec::new();
    let mut printer = Printer::new(&program, quiet());
    records.iter().for_each(|(id, bytes)| printer.firing(&mut out, *id, bytes, &mut host));
    assert_eq!(String::from_utf8_lossy(&out), "\n        1                5\n\n                1\n");
    out.clear();
    printer.finish(&mut out, &mut host);
    assert!(out.starts_with(b"\n\n           value"), "{}", String::from_utf8_lossy(&out));
}

#[test]
fn numbers_as_bars() {
    let (mut program, mut host) = (begin(), Running::default());
    let entries: [(_, &[i64]); 2] = [(Some(typed_text("cat")), &[1]), (Some(typed_text("sh")), &[1, 1, 1])];
    aggregate(&mut program, &mut host, Aggregation::Count, &entries);
    let text = at_end(&program, &mut host, Options { hist: true, ..Options::default() });
    let expected = [
        "\n",
        "             key  ------------- Distribution ------------- count    ",
        "             cat |@@@@@@@@@@                               1        ",
        "              sh |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@           3        ",
        "",
    ];
    assert_eq!(text, expected.join("\n"));
}
