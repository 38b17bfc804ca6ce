//! `print(@map)` and maps at the end, as text.

use quadrant_output::Mode;
use quadrant_output::Renderer;
use quadrant_program::Program;
use quadrant_program::map::Aggregation;
use quadrant_program::map::MapId;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::Type;

use crate::common::*;

const FULL: &str = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

fn text_of(map: &(quadrant_program::map::Map, quadrant_program::snapshot::Snapshot)) -> String {
    shown(Mode::Text, map, 0, 0)
}

fn keyed(keys_and_values: &[(i64, i64)]) -> (quadrant_program::map::Map, quadrant_program::snapshot::Snapshot) {
    let entries: Vec<_> = keys_and_values.iter().map(|(k, v)| (Some(int(*k)), int(*v))).collect();
    map("@a", &entries)
}

#[test]
fn entries_ascend_by_value_then_key() {
    let entries = keyed(&[(3, 3), (1, -2), (2, 1), (7, -7), (100, 3), (-1, 3)]);
    assert_eq!(text_of(&entries), "@a[7]: -7\n@a[1]: -2\n@a[2]: 1\n@a[-1]: 3\n@a[3]: 3\n@a[100]: 3\n");
    assert_eq!(shown(Mode::Text, &entries, 2, 0), "@a[3]: 3\n@a[100]: 3\n");
    assert_eq!(shown(Mode::Text, &entries, 4, 2), "@a[2]: 0\n@a[-1]: 1\n@a[3]: 1\n@a[100]: 1\n");
    assert_eq!(shown(Mode::Text, &entries, 100, 0), text_of(&entries));
    let unsigned = [(1, u64::MAX), (2, 1)].map(|(k, v)| (Some(int(k)), uint(v)));
    assert_eq!(text_of(&map("@", &unsigned)), "@[2]: 1\n@[1]: 18446744073709551615\n");
}

#[test]
fn values_that_are_no_numbers_are_ordered_by_key() {
    let entries = [(3, "aa"), (1, "zz"), (2, "mm")].map(|(k, v)| (Some(int(k)), text(v)));
    assert_eq!(text_of(&map("@s", &entries)), "@s[1]: zz\n@s[2]: mm\n@s[3]: aa\n");
    let entries = ["b", "a", "ab"].map(|k| (Some(text(k)), text("")));
    assert_eq!(text_of(&map("@e", &entries)), "@e[a]: \n@e[ab]: \n@e[b]: \n");
    let entries = [(2, 1), (1, 2), (256, 0)].map(|(a, b)| (Some(tuple(&[int(a), int(b)])), text("")));
    assert_eq!(text_of(&map("@f", &entries)), "@f[1, 2]: \n@f[2, 1]: \n@f[256, 0]: \n");
}

#[test]
fn keys_in_brackets() {
    let key = |parts: &[Typed]| Some(tuple(parts));
    assert_eq!(text_of(&map("@b", &[(key(&[int(1), text("hello")]), int(3))])), "@b[1, hello]: 3\n");
    assert_eq!(text_of(&map("@k", &[(key(&[tuple(&[int(0), int(9)]), int(3)]), int(4))])), "@k[(0, 9), 3]: 4\n");
    assert_eq!(text_of(&map("@t", &[(Some(int(1)), tuple(&[int(1), text("x"), int(-3)]))])), "@t[1]: (1, x, -3)\n");
    assert_eq!(text_of(&map("@", &[(None, word(Type::Bool, 1))])), "@: true\n");
    assert_eq!(text_of(&map("@c", &[(Some(text("evil\x1b]0;\n")), int(1))])), "@c[evil\\x1b]0;\\n]: 1\n");
}

#[test]
fn stacks_folded_for_flame_graphs() {
    let folded = |map: &(quadrant_program::map::Map, quadrant_program::snapshot::Snapshot)| {
        let (program, mut out) = (Program::default(), Vec::new());
        let mut renderer = Renderer::new(&program, Mode::Text).folding_stacks(true);
        renderer.map(&mut out, &map.0, &map.1, 0, 1, &mut Names);
        String::from_utf8(out).unwrap()
    };
    let (kernel, user) = (|id| kernel_stack(StackMode::Perf, id), |id| user_stack(StackMode::Bpftrace, id));
    let system = "entry_SYSCALL_64_after_hwframe;do_syscall_64";
    assert_eq!(folded(&map("@", &[(Some(kernel(1)), int(7))])), format!("{system} 7\n"));
    // Whatever the order in the key; text of others is escaped, and no part has a semicolon of its own.
    let key = tuple(&[kernel(1), user(2), tuple(&[text("a;b\x1b"), int(-3)])]);
    let process = "a:b\\x1b;-3;evil\\x1b[2J\\n;[unknown];[unknown];outer;inner";
    assert_eq!(folded(&map("@", &[(Some(key), int(2))])), format!("{process};{system} 2\n"));
    let lost = tuple(&[user(0), kernel(9)]);
    assert_eq!(folded(&map("@", &[(Some(lost), int(1))])), "[lost stack] 1\n");
    // What is no number by stacks is shown as always.
    let entries = map("@", &[(Some(int(1)), int(2))]);
    assert_eq!(folded(&entries), text_of(&entries));
    let entries = map("@", &[(Some(kernel(1)), text("x"))]);
    assert_eq!(folded(&entries), text_of(&entries));
}

#[test]
fn stacks_in_keys_and_values() {
    let stack = || kernel_stack(StackMode::Bpftrace, 1);
    let frames = "        do_syscall_64+113\n        entry_SYSCALL_64_after_hwframe+118\n";
    assert_eq!(text_of(&map("@", &[(Some(stack()), int(1))])), format!("@[\n{frames}]: 1\n"));
    assert_eq!(text_of(&map("@k", &[(None, stack())])), format!("@k: \n{frames}\n"));
    let key = Some(tuple(&[stack(), text("comm"), stack()]));
    assert_eq!(text_of(&map("@m", &[(key, int(1))])), format!("@m[\n{frames}, comm, \n{frames}]: 1\n"));
}

#[test]
fn aggregations() {
    let one = |agg, fed: &[i64]| text_of(&aggregation("@x", agg, &[(None, fed)]));
    assert_eq!(one(Aggregation::Count, &[1, 1]), "@x: 2\n");
    assert_eq!(one(Aggregation::Sum { signed: true }, &[-3]), "@x: -3\n");
    assert_eq!(one(Aggregation::Min { signed: true }, &[3, -2]), "@x: -2\n");
    assert_eq!(one(Aggregation::Max { signed: false }, &[3, -2]), "@x: 18446744073709551614\n");
    assert_eq!(one(Aggregation::Avg { signed: true }, &[4, 5]), "@x: 4\n");
    assert_eq!(one(Aggregation::Avg { signed: true }, &[-4, -5]), "@x: -4\n");
    assert_eq!(one(Aggregation::Stats { signed: true }, &[5, 10]), "@x: { .count = 2, .average = 7, .total = 15 }\n");
    assert_eq!(one(Aggregation::Stats { signed: true }, &[]), "@x: { .count = 0, .average = 0, .total = 0 }\n");
}

#[test]
fn aggregations_ascend_by_what_they_come_to() {
    let many = |agg| {
        let fed: [(i64, &[i64]); 4] = [(1, &[10, 2, 2]), (2, &[7]), (3, &[1, 1]), (4, &[-5])];
        aggregation("@a", agg, &fed.map(|(k, fed)| (Some(int(k)), fed)))
    };
    let stats = many(Aggregation::Stats { signed: true });
    assert_eq!(
        shown(Mode::Text, &stats, 0, 2),
        "@a[4]: { .count = 1, .average = -2, .total = -5 }\n\
         @a[3]: { .count = 2, .average = 0, .total = 2 }\n\
         @a[1]: { .count = 3, .average = 2, .total = 14 }\n\
         @a[2]: { .count = 1, .average = 3, .total = 7 }\n"
    );
    assert_eq!(shown(Mode::Text, &many(Aggregation::Avg { signed: true }), 2, 0), "@a[1]: 4\n@a[2]: 7\n");
    assert_eq!(text_of(&many(Aggregation::Min { signed: true })), "@a[4]: -5\n@a[3]: 1\n@a[1]: 2\n@a[2]: 7\n");
    assert_eq!(text_of(&many(Aggregation::Count)), "@a[2]: 1\n@a[4]: 1\n@a[3]: 2\n@a[1]: 3\n");
}

#[test]
fn histograms_by_powers_of_two() {
    let map = aggregation("@h", Aggregation::Hist { bits: 0 }, &[(None, &[-5, 0, 1, 2, 3, 8, 8, 8])]);
    let expected = [
        "@h:",
        "(..., 0)               1 |@@@@@@@@@@@@@@@@@                                   |",
        "[0]                    1 |@@@@@@@@@@@@@@@@@                                   |",
        "[1]                    1 |@@@@@@@@@@@@@@@@@                                   |",
        "[2, 4)                 2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@                  |",
        "[4, 8)                 0 |                                                    |",
        "[8, 16)                3 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
        "",
        "",
    ];
    assert_eq!(text_of(&map), expected.join("\n"));
}

/// The label of the only row of a histogram.
fn label(agg: Aggregation, value: i64) -> String {
    let text = text_of(&aggregation("@h", agg, &[(None, &[value])]));
    let row = text.lines().nth(1).unwrap().strip_suffix(&format!("1 |{FULL}|")).unwrap();
    row.trim_end().to_owned()
}

#[test]
fn labels_have_units() {
    let hist = |bits, value| label(Aggregation::Hist { bits }, value);
    assert_eq!(
        [1000, 1024, 5_000_000, 1 << 40, 1 << 62].map(|v| hist(0, v)),
        ["[512, 1K)", "[1K, 2K)", "[4M, 8M)", "[1T, 2T)", "[4E, 8E)"]
    );
    assert_eq!(
        [5, 100, 1000, 4000, 4096, 70_000].map(|v| hist(2, v)),
        ["[5]", "[96, 112)", "[896, 1024)", "[3584, 4K)", "[4K, 5K)", "[64K, 80K)"]
    );
    assert_eq!([1500, 1 << 33].map(|v| hist(5, v)), ["[1472, 1504)", "[8192M, 8448M)"]);
    let linear = |min, max, step, value| label(Aggregation::LinearHist { min, max, step }, value);
    assert_eq!(linear(0, 100_000, 1000, 5000), "[5000, 6000)");
    assert_eq!(linear(0, 10_240, 1024, 2048), "[2K, 3K)");
    assert_eq!(linear(0, 10_485_760, 1_048_576, 1_048_576), "[1M, 2M)");
    assert_eq!(linear(3, 10, 7, 1), "(..., 3)");
    assert_eq!(linear(3, 10, 7, 11), "[10, ...)");
    assert_eq!(linear(0, 10, 1, 4), "[4]");
    assert_eq!(linear(-10, 10, 5, -7), "[-10, -5)");
}

#[test]
fn histograms_ascend_by_total() {
    let fed: [(i64, &[i64]); 2] = [(1, &[5, 6]), (2, &[100])];
    let map = aggregation("@h", Aggregation::Hist { bits: 0 }, &fed.map(|(k, fed)| (Some(int(k)), fed)));
    let blank = " ".repeat(52);
    let (first, second) = (
        format!("@h[2]:\n[64, 128)              1 |{FULL}|\n\n"),
        format!("@h[1]:\n[4, 8)                 2 |{FULL}|\n\n"),
    );
    assert_eq!(text_of(&map), first.clone() + &second);
    assert_eq!(shown(Mode::Text, &map, 1, 0), second);
    let halved = format!("@h[2]:\n[64, 128)              0 |{blank}|\n\n@h[1]:\n[4, 8)                 1 |{FULL}|\n\n");
    assert_eq!(shown(Mode::Text, &map, 0, 2), halved);
}

#[test]
fn bars_are_of_the_divided_counts() {
    let fed = [1, 1, 1, 2, 4, 8, 8, 8, 8, 8, 8, 8, 8];
    let map = aggregation("@h", Aggregation::Hist { bits: 0 }, &[(Some(int(1)), &fed)]);
    let expected = [
        "@h[1]:",
        "[1]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |",
        "[2, 4)                 0 |                                                    |",
        "[4, 8)                 0 |                                                    |",
        "[8, 16)                2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
        "",
        "",
    ];
    assert_eq!(shown(Mode::Text, &map, 0, 3), expected.join("\n"));
}

#[test]
fn linear_histograms() {
    let map = aggregation("@l", Aggregation::LinearHist { min: 0, max: 30, step: 10 }, &[(None, &[5, -5, 25, 450])]);
    let expected = [
        "@l:",
        "(..., 0)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
        "[0, 10)                1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
        "[10, 20)               0 |                                                    |",
        "[20, 30)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
        "[30, ...)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
        "",
        "",
    ];
    assert_eq!(text_of(&map), expected.join("\n"));
    let zeroed = aggregation("@d", Aggregation::Hist { bits: 0 }, &[(None, &[])]);
    assert_eq!(text_of(&zeroed), "@d:\n\n");
}

#[test]
fn elements_and_missing_values() {
    let (stats, _) = aggregation("@s", Aggregation::Stats { signed: true }, &[(Some(int(2)), &[4])]);
    let program = Program { maps: vec![stats], ..Program::default() };
    let pair = tuple(&[int(4), int(1)]);
    let element = |mode, value| render(&program, mode, RecordKind::PrintElement(MapId(0)), vec![int(2).into(), value]);
    assert_eq!(element(Mode::Text, pair.clone().into()), "{ .count = 1, .average = 4, .total = 4 }\n");
    assert_eq!(
        element(Mode::Json, pair.into()),
        "{\"type\": \"value\", \"data\": {\"count\": 1, \"average\": 4, \"total\": 4}}\n"
    );
    assert_eq!(element(Mode::Text, int(9).into()), "9\n");

    let missing = |map: &quadrant_program::map::Map| {
        let (program, mut out) = (Program::default(), Vec::new());
        Renderer::new(&program, Mode::Text).missing(&mut out, map, &mut Names);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(missing(&aggregation("@a", Aggregation::Count, &[(None, &[])]).0), "@a: 0\n");
    assert_eq!(missing(&map("@t", &[(None, text("x"))]).0), "@t: \n");
    assert_eq!(missing(&aggregation("@h", Aggregation::Hist { bits: 0 }, &[(None, &[])]).0), "");
    assert_eq!(missing(&keyed(&[(1, 1)]).0), "");
}
