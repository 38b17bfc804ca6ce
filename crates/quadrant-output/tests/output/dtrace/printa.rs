//! `printa()`, and what changes aggregations.

use quadrant_output::dtrace::Sort;
use quadrant_program::map::Aggregation;

use super::*;
use crate::common::text as typed_text;

const SUM: Aggregation = Aggregation::Sum { signed: true };

fn key(value: i64) -> Option<Typed> {
    Some(int(4, true, value))
}

fn printa(text: &str, maps: &[MapId]) -> (ActionKind, Vec<Argument>) {
    let format = (!text.is_empty()).then(|| format(text));
    (ActionKind::Printa { format, maps: maps.to_vec() }, vec![])
}

/// What a clause of BEGIN prints, quietly.
fn clause(
    program: &mut Program,
    host: &mut Running,
    options: Options,
    actions: Vec<(ActionKind, Vec<Argument>)>,
) -> String {
    let record = firing(program, 0, 0, actions);
    printed(program, Options { quiet: true, ..options }, &[record], host)
}

#[test]
fn formats_take_keys_and_values() {
    let (mut program, mut host) = (begin(), Running::default());
    let sums: [(_, &[i64]); 2] = [(key(1), &[10]), (key(2), &[-10])];
    let sum = aggregate(&mut program, &mut host, SUM, &sums);
    let mut show = |text| clause(&mut program, &mut host, Options::default(), vec![printa(text, &[sum])]);
    assert_eq!(show("%d %@d\n"), "2 -10\n1 10\n");
    assert_eq!(
        show("%@d|%@x|%@10d|%@-10d|%@010d|%@u|%@+d\n"),
        "-10|fffffffffffffff6|       -10|-10       |-000000010|18446744073709551606|-10\n\
         10|a|        10|10        |0000000010|10|+10\n"
    );
    assert_eq!(show("%-5d=%@'d;"), "2    =-10;1    =10;");
    assert_eq!(show("%@d %@d\n"), "-10 -10\n10 10\n");
    assert_eq!(show("%@d %d %s\n"), "-10 2 <malformed>\n10 1 <malformed>\n");
}

#[test]
fn counts_and_texts() {
    let (mut program, mut host) = (begin(), Running::default());
    let count = aggregate(&mut program, &mut host, Aggregation::Count, &[(Some(typed_text("dtrace")), &[1])]);
    let bare = aggregate(&mut program, &mut host, Aggregation::Count, &[(None, &[1])]);
    let mut show = |text, map| clause(&mut program, &mut host, Options::default(), vec![printa(text, &[map])]);
    assert_eq!(show("%-10s| %@8u|%@-5d|%@#x\n", count), "dtrace    |        1|1    |0x1\n");
    assert_eq!(show("", bare), "\n                1\n");
    assert_eq!(show("%@d\n", bare), "1\n");
}

#[test]
fn histograms_within_a_format() {
    let (mut program, mut host) = (begin(), Running::default());
    let map = aggregate(&mut program, &mut host, Aggregation::Quantize, &[(Some(typed_text("k")), &[1])]);
    let text = clause(&mut program, &mut host, Options::default(), vec![printa("%s: %@d end\n", &[map])]);
    let expected = [
        "k: ",
        "           value  ------------- Distribution ------------- count    ",
        "               0 |                                         0        ",
        "               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1        ",
        "               2 |                                         0        ",
        " end\n",
    ];
    assert_eq!(text, expected.join("\n"));
}

#[test]
fn aggregations_are_joined_by_key() {
    let (mut program, mut host) = (begin(), Running::default());
    let first = aggregate(&mut program, &mut host, Aggregation::Count, &[(key(1), &[1]), (key(3), &[1, 1])]);
    let second = aggregate(&mut program, &mut host, SUM, &[(key(1), &[5]), (key(2), &[6]), (key(3), &[1])]);
    let maps = [first, second];
    let mut show = |text, sort| {
        let options = Options { sort, ..Options::default() };
        clause(&mut program, &mut host, options, vec![printa(text, &maps)])
    };
    let columns = [
        "\n        2                0                6\n",
        "        1                1                5\n",
        "        3                2                1\n",
    ];
    assert_eq!(show("", Sort::default()), columns.concat());
    assert_eq!(show("%d: %@d %@d\n", Sort::default()), "2: 0 6\n1: 1 5\n3: 2 1\n");
    assert_eq!(show("%d: %@d\n", Sort::default()), "2: 0\n1: 1\n3: 2\n");
    let second = Sort { position: 1, ..Sort::default() };
    assert_eq!(show("%d: %@d %@d\n", second), "3: 2 1\n1: 1 5\n2: 0 6\n");
    let beyond = Sort { position: 3, ..Sort::default() };
    assert_eq!(show("%d: %@d %@d\n", beyond), show("%d: %@d %@d\n", Sort::default()));
    assert_eq!(show("%d ", Sort { key: true, ..Sort::default() }), "1 2 3 ");
}

#[test]
fn normalized_values() {
    let (mut program, mut host) = (begin(), Running::default());
    let sum = aggregate(&mut program, &mut host, SUM, &[(key(1), &[10]), (key(2), &[-10])]);
    let average = aggregate(&mut program, &mut host, Aggregation::Avg { signed: true }, &[(None, &[10, 20])]);
    let stddev = aggregate(&mut program, &mut host, Aggregation::Stddev, &[(None, &[-1000, 1000])]);
    let quantize = aggregate(&mut program, &mut host, Aggregation::Quantize, &[(None, &[1, 1, 1])]);
    let all = [sum, average, stddev, quantize];
    let mut actions: Vec<_> =
        all.iter().map(|map| (ActionKind::Normalize(*map), vec![int(4, true, 3).into()])).collect();
    actions.push(printa("%d %@d\n", &[sum]));
    actions.push(printa("%@d\n", &[average]));
    actions.push(printa("%@d\n", &[stddev]));
    actions.push(printa("%@d", &[quantize]));
    actions.push((ActionKind::Denormalize(sum), vec![]));
    actions.push(printa("", &[sum]));
    let text = clause(&mut program, &mut host, Options::default(), actions);
    assert!(text.starts_with("2 -3\n1 3\n5\n333\n\n"), "{text}");
    assert!(text.contains("|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1        \n"), "{text}");
    assert!(text.ends_with("\n        2              -10\n        1               10\n"), "{text}");
}
