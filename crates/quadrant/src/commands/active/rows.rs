//! Attachments as lines of a table.

use quadrant_inspect::active::Attachment;
use quadrant_inspect::active::HitsOf;
use quadrant_inspect::active::Program;

use crate::commands::escaped;
use crate::commands::holders;
use crate::commands::table::Column;

/// A column, and what is in it.
type Part = (Column, fn(&Attachment, bool) -> String);

const PARTS: &[Part] = &[
    (left("KIND"), |a, _| a.kind.name().to_owned()),
    (wide("TARGET", 18), target),
    (left("VIA"), |a, _| a.via.name().to_owned()),
    (wide("PROGRAM", 8), |a, _| a.program.as_ref().map_or("-".to_owned(), program)),
    (Column { name: "COOKIE", right: true, least: Some(8) }, cookie),
    (right("HITS"), hits),
    (right("MISSES"), |a, _| number(a.misses)),
    (right("NS"), |a, _| a.mean_ns.map_or("-".to_owned(), |ns| format!("{ns:.0}"))),
    (wide("STATE", 8), state),
    (wide("OWNER", 10), holders),
];

/// The place of the target among the columns.
const TARGET: usize = 1;

/// Columns that are left out if nothing is in them.
const OPTIONAL: &[&str] = &["COOKIE", "STATE"];

const fn left(name: &'static str) -> Column {
    Column { name, right: false, least: None }
}

const fn right(name: &'static str) -> Column {
    Column { name, right: true, least: None }
}

const fn wide(name: &'static str, least: usize) -> Column {
    Column { name, right: false, least: Some(least) }
}

/// Columns and cells; `full` writes out every place and owner.
pub fn rows(attachments: &[Attachment], full: bool) -> (Vec<Column>, Vec<Vec<String>>) {
    let used = |part: &&Part| {
        let filled = |a: &Attachment| !(part.1)(a, full).is_empty();
        !OPTIONAL.contains(&part.0.name) || attachments.iter().any(filled)
    };
    let parts: Vec<&Part> = PARTS.iter().filter(used).collect();
    let row = |attachment| parts.iter().map(|part| (part.1)(attachment, full)).collect();
    let rows: Vec<Vec<String>> = attachments.iter().map(row).collect();
    (parts.iter().map(|part| part.0).collect(), once(&rows))
}

/// Equal lines, such as those of one event on each processor, become one that says how many.
fn once(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for equal in rows.chunk_by(|a, b| a == b) {
        let mut row = equal[0].clone();
        if equal.len() > 1 {
            row[TARGET].push_str(&format!(" ×{}", equal.len()));
        }
        all.push(row);
    }
    all
}

/// The first place, or all; the event's name before it.
fn target(attachment: &Attachment, full: bool) -> String {
    let shown = if full { usize::MAX } else { 1 };
    let places: Vec<String> = attachment.targets.iter().take(shown).map(|target| escaped(&target.text)).collect();
    let mut text = places.join(", ");
    let left = attachment.target_count.saturating_sub(places.len() as u64);
    if places.is_empty() {
        text = format!("{left} places");
    } else if left > 0 {
        text.push_str(&format!(" and {left} more"));
    }
    if let Some(pid) = attachment.only_pid {
        text.push_str(&format!(" in {pid}"));
    }
    if let Some(instance) = &attachment.instance {
        text.push_str(&format!(" into {}", escaped(instance.as_bytes())));
    }
    match &attachment.event {
        Some(event) => format!("{} at {text}", escaped(event.as_bytes())),
        None => text,
    }
}

fn program(program: &Program) -> String {
    format!("{} {}", program.id, escaped(&program.name))
}

/// One cookie, or how many there are.
fn cookie(attachment: &Attachment, _full: bool) -> String {
    let mut cookies = attachment.targets.iter().filter_map(|target| target.cookie);
    match (cookies.next(), cookies.count()) {
        (None, _) => String::new(),
        (Some(cookie), 0) => cookie.to_string(),
        (Some(_), more) => format!("({})", more + 1),
    }
}

fn hits(attachment: &Attachment, _full: bool) -> String {
    let shared = if attachment.hits_of == HitsOf::Program && attachment.hits.is_some() { "*" } else { "" };
    format!("{}{shared}", number(attachment.hits))
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// What the kernel says of the probe. Of a user probe in tracefs it says only whether it is on for the trace buffer.
fn state(attachment: &Attachment, _full: bool) -> String {
    let off = attachment.enabled == Some(false) && attachment.kprobes.is_empty();
    let off = off.then(|| "off".to_owned());
    let mut words: Vec<String> = attachment.kprobes.iter().flat_map(|probe| probe.flags.iter().cloned()).collect();
    words.extend(off);
    words.extend(attachment.orphan.then(|| "orphan".to_owned()));
    words.dedup();
    escaped(words.join(",").as_bytes())
}

fn holders(attachment: &Attachment, full: bool) -> String {
    holders::text(&attachment.owners, &attachment.pins, full)
}

#[cfg(test)]
mod tests {
    use quadrant_inspect::active::Kind;
    use quadrant_inspect::active::KprobeState;
    use quadrant_inspect::active::Owner;
    use quadrant_inspect::active::Target;
    use quadrant_inspect::active::Via;

    use super::*;
    use crate::commands::table;

    /// Everything as long and as strange as can be.
    fn worst() -> Attachment {
        let target = Target { text: b"/\x1b[2J\xffx".repeat(50), cookie: Some(u64::MAX), ..Target::default() };
        let name = b"evil\nname\x1b]0;x".to_vec();
        let kind = "raw_tracepoint_writable".to_owned();
        let (id, uid, tag, load_time_ns, recursion_misses) = (u32::MAX, 0, 0, 0, None);
        let (run_cnt, run_time_ns) = (123_456_789_012, 12_345_678_901_234);
        let program = Program { id, name, kind, tag, uid, load_time_ns, run_cnt, run_time_ns, recursion_misses };
        let flags = ["DISABLED", "OPTIMIZED", "FTRACE"].map(str::to_owned).to_vec();
        Attachment {
            kind: Kind::RawTracepoint,
            via: Via::PerfEvent,
            targets: vec![target],
            target_count: 10_000,
            only_pid: Some(4_000_000),
            link: None,
            program: Some(program),
            event: Some("group/event".repeat(20)),
            enabled: Some(false),
            instance: Some("other".to_owned()),
            orphan: true,
            hits: Some(123_456_789_012),
            hits_of: HitsOf::Program,
            misses: Some(1_234_567),
            mean_ns: Some(12_345.6),
            owners: vec![Owner { pid: 4_000_000, comm: b"\x1b[31mred\x07".to_vec() }; 3],
            pins: vec![b"/sys/fs/bpf/\n".repeat(9)],
            kprobes: vec![KprobeState { address: 0, flags }],
        }
    }

    #[test]
    fn lines_fit_and_move_no_cursor() {
        let (columns, rows) = rows(&[worst()], false);
        let text = table::render(&columns, &rows, Some(120));
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }

    #[test]
    fn nothing_is_cut_if_asked_for_and_equal_lines_are_one() {
        let (columns, rows) = rows(&[worst(), worst()], true);
        let text = table::render(&columns, &rows, None);
        assert_eq!((rows.len(), text.contains('…')), (1, false));
        assert!(text.contains("and 9999 more") && text.contains("×2") && text.contains("123456789012*"), "{text}");
    }
}
