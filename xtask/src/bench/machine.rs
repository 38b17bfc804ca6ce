//! Where and when was measured.

use std::collections::BTreeMap;
use std::fs;

/// The facts about the machine that a reader of the figures wants.
pub fn describe() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("date", today()),
        ("kernel", first_line("/proc/sys/kernel/osrelease")),
        ("processor", processor()),
        ("processors", std::thread::available_parallelism().map_or(1, usize::from).to_string()),
        ("load", first_line("/proc/loadavg")),
    ])
}

/// The date, as in 2026-11-26.
pub fn today() -> String {
    jiff::Zoned::now().date().to_string()
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.to_owned())
}
