//! quantize(), lquantize() and llquantize(), byte for byte.

use quadrant_program::log_linear::LogLinear;
use quadrant_program::map::Aggregation;

use super::*;
use crate::common::text as typed_text;

const HEADER: &str = "           value  ------------- Distribution ------------- count    ";

fn shown_with(options: Options, aggregation: Aggregation, fed: &[i64]) -> String {
    let (mut program, mut host) = (begin(), Running::default());
    aggregate(&mut program, &mut host, aggregation, &[(None, fed)]);
    at_end(&program, &mut host, options)
}

/// The rows of a histogram without keys.
fn rows(aggregation: Aggregation, fed: &[i64]) -> Vec<String> {
    rows_of(&shown_with(Options::default(), aggregation, fed))
}

fn rows_of(text: &str) -> Vec<String> {
    let rows = text.strip_prefix(&format!("\n\n{HEADER}\n")).and_then(|rows| rows.strip_suffix("\n\n"));
    rows.unwrap_or_else(|| panic!("{text:?}")).lines().map(str::to_owned).collect()
}

/// Words of buckets with these counts, printed.
fn weighed(aggregation: Aggregation, counts: &[(usize, i64)], options: Options) -> Vec<String> {
    let (mut program, mut host) = (begin(), Running::default());
    let map = aggregate(&mut program, &mut host, aggregation, &[(None, &[])]);
    let values = &mut host.maps.get_mut(&map.0).unwrap().values;
    for (bucket, count) in counts {
        values[bucket * 8..bucket * 8 + 8].copy_from_slice(&count.to_le_bytes());
    }
    rows_of(&at_end(&program, &mut host, options))
}

#[test]
fn by_powers_of_two() {
    let expected = [
        "              -1 |                                         0        ",
        "               0 |@@@@@@@@@@@@@                            1        ",
        "               1 |@@@@@@@@@@@@@                            1        ",
        "               2 |                                         0        ",
        "               4 |                                         0        ",
        "               8 |                                         0        ",
        "              16 |                                         0        ",
        "              32 |                                         0        ",
        "              64 |@@@@@@@@@@@@@                            1        ",
        "             128 |                                         0        ",
    ];
    assert_eq!(rows(Aggregation::Quantize, &[0, 1, 100]), expected);
    let negative = [
        "              -8 |                                         0        ",
        "              -4 |@@@@@@@@@@@@@                            1        ",
        "              -2 |                                         0        ",
        "              -1 |                                         0        ",
        "               0 |                                         0        ",
        "               1 |                                         0        ",
        "               2 |                                         0        ",
        "               4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@              2        ",
        "               8 |                                         0        ",
    ];
    assert_eq!(rows(Aggregation::Quantize, &[-5, 5, 6]), negative);
}

const FULL: &str = "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1        ";
const NONE: &str = "|                                         0        ";

#[test]
fn rows_at_the_ends() {
    assert_eq!(
        rows(Aggregation::Quantize, &[1 << 62]),
        [format!("2305843009213693952 {NONE}"), format!("4611686018427387904 {FULL}"),]
    );
    assert_eq!(
        rows(Aggregation::Quantize, &[i64::MIN]),
        [format!("-4611686018427387904 {FULL}"), format!("-2305843009213693952 {NONE}"),]
    );
    let empty = [-1, 0, 1].map(|value| format!("{value:16} {NONE}"));
    assert_eq!(rows(Aggregation::Quantize, &[]), empty);
}

#[test]
fn linear() {
    let scale = Aggregation::LinearHist { min: 0, max: 30, step: 10 };
    let of = |fed: &[i64]| rows(scale.clone(), fed);
    let quarter = "|@@@@@@@@@@                               1        ";
    assert_eq!(
        of(&[5, -5, 25, 450]),
        [
            format!("             < 0 {quarter}"),
            format!("               0 {quarter}"),
            format!("              10 {NONE}"),
            format!("              20 {quarter}"),
            format!("           >= 30 {quarter}"),
        ]
    );
    assert_eq!(of(&[-100]), [format!("             < 0 {FULL}"), format!("               0 {NONE}")]);
    assert_eq!(of(&[1000]), [format!("              20 {NONE}"), format!("           >= 30 {FULL}")]);
    assert_eq!(
        of(&[29]),
        [format!("              10 {NONE}"), format!("              20 {FULL}"), format!("           >= 30 {NONE}"),]
    );
    assert_eq!(
        of(&[]),
        [format!("             < 0 {NONE}"), format!("               0 {NONE}"), format!("              10 {NONE}"),]
    );
    let below = Aggregation::LinearHist { min: -30, max: 30, step: 10 };
    assert_eq!(
        rows(below, &[-5]),
        [format!("             -20 {NONE}"), format!("             -10 {FULL}"), format!("               0 {NONE}"),]
    );
}

fn log_linear(factor: u16, low: u16, high: u16, steps: u16) -> Aggregation {
    Aggregation::LogLinear(LogLinear { factor, low, high, steps })
}

#[test]
fn log_linear_ends() {
    let scale = || log_linear(10, 1, 3, 20);
    for near in [5, -5, 0] {
        assert_eq!(
            rows(scale(), &[near]),
            [
                format!("             -10 {NONE}"),
                format!("      abs() < 10 {FULL}"),
                format!("              10 {NONE}"),
            ]
        );
    }
    assert_eq!(rows(scale(), &[-50000]), [format!("       <= -10000 {FULL}"), format!("           -9500 {NONE}")]);
    assert_eq!(rows(scale(), &[123_456]), [format!("            9500 {NONE}"), format!("        >= 10000 {FULL}")]);
    assert_eq!(
        rows(scale(), &[-50]),
        [format!("             -55 {NONE}"), format!("             -50 {FULL}"), format!("             -45 {NONE}"),]
    );
    assert_eq!(
        rows(scale(), &[95]),
        [format!("              90 {NONE}"), format!("              95 {FULL}"), format!("             100 {NONE}"),]
    );
    assert_eq!(
        rows(log_linear(10, 0, 3, 10), &[0]),
        [-1, 0, 1].map(|value| { format!("{value:16} {}", if value == 0 { FULL } else { NONE }) })
    );
}

#[test]
fn log_linear_steps() {
    let labels = |text: Vec<String>| -> Vec<String> {
        text.iter().map(|row| row.split('|').next().unwrap().trim().to_owned()).collect()
    };
    let found = labels(rows(log_linear(2, 0, 10, 4), &[50, 3]));
    assert_eq!(found, ["2", "3", "4", "6", "8", "12", "16", "24", "32", "48", "64"]);
    let found = labels(rows(log_linear(10, 0, 5, 10), &[10_000_000, 5]));
    assert_eq!(found[..8], ["4", "5", "6", "7", "8", "9", "10", "20"]);
    assert_eq!(found[found.len() - 2..], ["900000", ">= 1000000"]);
    let found = labels(rows(log_linear(10, 0, 3, 10), &[5, 55, -55]));
    assert_eq!((found.len(), found[0].as_str(), found[15].as_str()), (31, "-60", "0"));
}

#[test]
fn negative_counts_draw_to_the_left() {
    let mixed = weighed(Aggregation::Quantize, &[(66, 10), (69, -10)], Options::default());
    assert_eq!(
        mixed,
        [
            "               2                     |                     0        ",
            "               4                     |@@@@@@@@@@           10       ",
            "               8                     |                     0        ",
            "              16                     |                     0        ",
            "              32           @@@@@@@@@@|                     -10      ",
            "              64                     |                     0        ",
        ]
    );
    let negative = weighed(Aggregation::Quantize, &[(66, -10)], Options::default());
    assert_eq!(
        negative,
        [
            "               2                                         | 0        ",
            "               4 @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@| -10      ",
            "               8                                         | 0        ",
        ]
    );
    let thirds = weighed(Aggregation::Quantize, &[(66, 3), (67, -1), (68, 2)], Options::default());
    assert_eq!(
        thirds[1..4],
        [
            "               4                     |@@@@@@@@@@           3        ",
            "               8                  @@@|                     -1       ",
            "              16                     |@@@@@@@              2        ",
        ]
    );
}

#[test]
fn bars_are_shares_rounded_half_up() {
    let fill = |counts: &[(usize, i64)], options: Options| -> Vec<usize> {
        weighed(Aggregation::Quantize, counts, options).iter().map(|row| row.matches('@').count()).collect()
    };
    assert_eq!(fill(&[(70, 1), (71, 79)], Options::default()), [0, 1, 40, 0]);
    assert_eq!(fill(&[(70, 1), (71, 80)], Options::default()), [0, 0, 40, 0]);
    assert_eq!(fill(&[(70, 1_000_000), (71, 500_000), (72, 490_000)], Options::default()), [0, 20, 10, 10, 0]);
    let zoom = Options { zoom: true, ..Options::default() };
    assert_eq!(fill(&[(70, 1), (71, 1), (72, 2)], zoom), [0, 20, 20, 40, 0]);
}

#[test]
fn keys_stand_before_the_heading() {
    let (mut program, mut host) = (begin(), Running::default());
    aggregate(
        &mut program,
        &mut host,
        Aggregation::Quantize,
        &[(Some(typed_text("k")), &[1]), (Some(typed_text("m")), &[4])],
    );
    let block = |key, rows: [i64; 3]| {
        let [before, at, after] = rows;
        format!("  {key:50}\n{HEADER}\n{before:16} {NONE}\n{at:16} {FULL}\n{after:16} {NONE}\n\n")
    };
    let expected = format!("\n{}{}", block("k", [0, 1, 2]), block("m", [2, 4, 8]));
    assert_eq!(at_end(&program, &mut host, Options::default()), expected);
}

#[test]
fn one_line_each() {
    let (mut program, mut host) = (begin(), Running::default());
    let entries: [(_, &[i64]); 2] = [(Some(int(4, true, 1413)), &[8, 8, 8, 16]), (Some(int(4, true, 1414)), &[20])];
    aggregate(&mut program, &mut host, Aggregation::Quantize, &entries);
    let expected = "

                  key  min .----. max    | count
                 1414    4 :  █ : 32     | 1
                 1413    4 : ▆▂ : 32     | 4
";
    let text = at_end(&program, &mut host, Options { pack: true, ..Options::default() });
    assert_eq!(text, expected);
}
