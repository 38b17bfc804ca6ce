//! Time series: their rows, and the graph.

use jiff::tz::TimeZone;
use quadrant_program::series::Interval;
use quadrant_program::series::Series;

use crate::snapshot::as_number;
use crate::text::map::decimal;
use crate::time::strftime;

/// Columns between the two ends of the graph.
const WIDTH: usize = 51;
/// Longest gap without values that is shown row by row.
const GAP: u64 = 1000;

/// A row: an interval, and its value if there is one.
struct Row {
    /// Start of the interval, nanoseconds since 1970.
    pub start_ns: i64,
    /// What its values came to, divided.
    pub value: Option<i128>,
}

/// The intervals that have a value: when they start (nanoseconds since 1970), and what their values came to, divided.
pub(crate) fn values(series: &Series, words: &[u64], div: u64) -> impl Iterator<Item = (i64, i128)> {
    let value = move |interval: Interval| {
        let value = as_number(interval.value, series.signed) / i128::from(div.max(1));
        (start_of(series, interval.number), value)
    };
    series.intervals(words).into_iter().map(value)
}

fn start_of(series: &Series, number: u64) -> i64 {
    number.saturating_mul(series.interval_ns) as i64
}

/// The rows from the first interval with a value to the last one; those without a value are among them.
fn rows(series: &Series, words: &[u64], div: u64) -> Vec<Row> {
    let intervals = series.intervals(words);
    let numbers = intervals.iter().map(|interval| interval.number);
    let mut rows: Vec<Row> = Vec::new();
    let mut next = numbers.clone().next().unwrap_or(0);
    for (number, (start_ns, value)) in numbers.zip(values(series, words, div)) {
        let empty = (next..number).take(GAP as usize);
        rows.extend(empty.map(|number| Row { start_ns: start_of(series, number), value: None }));
        rows.push(Row { start_ns, value: Some(value) });
        next = number + 1;
    }
    rows
}

/// How the time of a row is written.
struct Clock {
    heading: &'static str,
    /// Digits after the second.
    digits: u32,
}

/// The start of a single interval is shown to the nanosecond, as it may have any length.
fn clock(series: &Series, rows: usize) -> Clock {
    let (heading, digits) = match series.interval_ns {
        _ if rows < 2 => ("hh:mm:ss.ns", 9),
        1_000_000_000.. => ("hh:mm:ss", 0),
        1_000_000.. => ("hh:mm:ss.ms", 3),
        1_000.. => ("hh:mm:ss.us", 6),
        _ => ("hh:mm:ss.ns", 9),
    };
    Clock { heading, digits }
}

impl Clock {
    /// Columns of a time.
    fn width(&self) -> usize {
        if self.digits == 0 { 8 } else { 9 + self.digits as usize }
    }

    fn write(&self, out: &mut Vec<u8>, unix_ns: i64, zone: &TimeZone) {
        strftime(out, "%H:%M:%S", unix_ns, zone);
        if self.digits > 0 {
            out.extend_from_slice(fraction(unix_ns, self.digits).as_bytes());
        }
    }
}

/// The part of a second, with so many digits.
fn fraction(unix_ns: i64, digits: u32) -> String {
    let part = unix_ns.rem_euclid(1_000_000_000) / 10i64.pow(9 - digits);
    format!(".{part:0width$}", width = digits as usize)
}

/// The start of an interval as JSON has it.
pub(crate) fn start(out: &mut Vec<u8>, unix_ns: i64, zone: &TimeZone) {
    strftime(out, "%Y-%m-%d %H:%M:%S", unix_ns, zone);
    out.extend_from_slice(fraction(unix_ns, 9).as_bytes());
}

/// Append the graph, each line with its end.
pub(crate) fn graph(out: &mut Vec<u8>, series: &Series, words: &[u64], div: u64, zone: &TimeZone) {
    let rows = rows(series, words, div);
    let values = || rows.iter().filter_map(|row| row.value);
    let (Some(low), Some(high)) = (values().min(), values().max()) else {
        return out.extend_from_slice(b"<no data>\n");
    };
    let (low, high) = if low == high { (low - 1, high + 1) } else { (low, high) };
    let clock = clock(series, rows.len());
    let scale = Scale { low, high };
    scale.labels(out, clock.width() + 1);
    border(out, clock.heading, clock.width(), b'|');
    for row in &rows {
        clock.write(out, row.start_ns, zone);
        out.push(b' ');
        scale.row(out, row.value);
    }
    border(out, "", clock.width(), b'v');
    scale.labels(out, clock.width() + 1);
}

fn border(out: &mut Vec<u8>, heading: &str, width: usize, end: u8) {
    out.extend_from_slice(format!("{heading:<width$} ").as_bytes());
    out.push(end);
    out.extend(std::iter::repeat_n(b'_', WIDTH));
    out.extend_from_slice(&[end, b'\n']);
}

struct Scale {
    low: i128,
    high: i128,
}

impl Scale {
    /// The column of a value, 0 to [`WIDTH`] + 1.
    fn column(&self, value: i128) -> usize {
        ((value - self.low) * (WIDTH as i128 + 1) / (self.high - self.low)) as usize
    }

    fn labels(&self, out: &mut Vec<u8>, indent: usize) {
        let (low, high) = (self.low.to_string(), self.high.to_string());
        let width = (WIDTH + 2).saturating_sub(low.len());
        out.extend_from_slice(format!("{:indent$}{low}{high:>width$}\n", "").as_bytes());
    }

    /// A row with its mark, the zero line if zero is between the ends, and the value.
    fn row(&self, out: &mut Vec<u8>, value: Option<i128>) {
        let mut line = [b' '; WIDTH + 2];
        (line[0], line[WIDTH + 1]) = (b'|', b'|');
        if self.low < 0 && self.high > 0 {
            line[self.column(0)] = b'.';
        }
        if let Some(value) = value {
            line[self.column(value)] = b'*';
        }
        out.extend_from_slice(&line);
        out.push(b' ');
        match value {
            Some(value) => decimal(out, value),
            None => out.push(b'-'),
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::series::SeriesKind;

    fn drawn(interval_ns: u64, values: &[(u64, i64)]) -> String {
        let series = Series { interval_ns, count: 10, kind: SeriesKind::Last, signed: true };
        let mut words = vec![0; 30];
        for (number, value) in values {
            let at = 3 * (*number % 10) as usize;
            words[at..at + 3].copy_from_slice(&[number + 1, *value as u64, 1]);
        }
        let mut out = Vec::new();
        graph(&mut out, &series, &words, 1, &TimeZone::UTC);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn graphs_have_gaps_and_a_zero_line() {
        let expected = "\
-3                                                  2
hh:mm:ss.ms  |___________________________________________________|
00:00:01.000 *                              .                    | -3
00:00:01.100 |         *                    .                    | -2
00:00:01.200 |                              .                    | -
00:00:01.300 |                              .                    * 2
             v___________________________________________________v
             -3                                                  2
";
        let shown = drawn(100_000_000, &[(10, -3), (11, -2), (13, 2)]);
        assert_eq!(shown, format!("{:13}{expected}", ""));
    }

    #[test]
    fn one_value_is_in_the_middle() {
        let expected = "\
4                                                   6
hh:mm:ss.ns        |___________________________________________________|
00:00:26.000000000 |                         *                         | 5
                   v___________________________________________________v
                   4                                                   6
";
        assert_eq!(drawn(1_000_000_000, &[(26, 5)]), format!("{:19}{expected}", ""));
        assert_eq!(drawn(1_000_000_000, &[]), "<no data>\n");
        assert!(drawn(1_000_000_000, &[(1, 1), (2, 2)]).contains("\n00:00:01 *"));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let text = drawn(1, &[(1, i64::MIN), (2, i64::MAX)]);
        assert!(text.contains("00:00:00.000000002 |") && text.contains(&format!("* {}\n", i64::MAX)), "{text}");
    }
}
