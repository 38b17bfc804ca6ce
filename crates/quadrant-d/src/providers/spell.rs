//! Names of probes in advice.

use std::path::Path;

use quadrant_program::advice::Named;
use quadrant_program::probe::ProbeKind;

use super::{pid, syscall};

/// How a program names a probe, and the command line a listing; `None` for what D has no probes of.
#[must_use]
pub fn spell(named: &Named) -> Option<String> {
    match named {
        Named::Probe(kind, parts) => probe(*kind, &words(parts)),
        Named::Listing(ProbeKind::Tracepoint, parts) => {
            let category = parts.first().filter(|category| *category != "*");
            Some(format!("-l -n 'sdt:{}::'", category.map_or("", String::as_str)))
        }
        Named::Listing(..) => None,
    }
}

fn words(parts: &[String]) -> Vec<&str> {
    parts.iter().map(String::as_str).collect()
}

fn probe(kind: ProbeKind, parts: &[&str]) -> Option<String> {
    match (kind, parts) {
        (ProbeKind::Tracepoint, [category, event]) => Some(tracepoint(category, event)),
        (ProbeKind::Kprobe, [function]) => Some(format!("rawfbt::{function}:entry")),
        (ProbeKind::Kretprobe, [function]) => Some(format!("rawfbt::{function}:return")),
        (ProbeKind::Uprobe, [file, place]) => Some(place_in(file, place)),
        _ => None,
    }
}

fn tracepoint(category: &str, event: &str) -> String {
    syscall::of_event(category, event).unwrap_or_else(|| format!("sdt:{category}::{event}"))
}

/// The offset of an instruction is the name of its probe, in hexadecimal digits.
fn place_in(file: &str, place: &str) -> String {
    let file = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    let offset = place.split_once('+').and_then(|(function, offset)| Some((function, offset.parse::<u64>().ok()?)));
    match offset {
        Some((function, offset)) => format!("pid$target:{file}:{function}:{offset:x}"),
        None => format!("pid$target:{file}:{place}:{}", pid::ENTRY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled<const N: usize>(kind: ProbeKind, parts: [&str; N]) -> Option<String> {
        spell(&Named::probe(kind, parts))
    }

    #[test]
    fn probes_have_the_names_of_their_providers() {
        let tracepoint = |category, event| spelled(ProbeKind::Tracepoint, [category, event]).unwrap();
        assert_eq!(tracepoint("syscalls", "sys_enter_read"), "syscall::read:entry");
        assert_eq!(tracepoint("syscalls", "sys_exit_read"), "syscall::read:return");
        assert_eq!(tracepoint("raw_syscalls", "sys_enter"), "syscall:::entry");
        assert_eq!(tracepoint("sched", "sched_switch"), "sdt:sched::sched_switch");
        assert_eq!(spelled(ProbeKind::Kretprobe, ["f"]).unwrap(), "rawfbt::f:return");
        assert_eq!(spelled(ProbeKind::Uprobe, ["/bin/a.out", "f"]).unwrap(), "pid$target:a.out:f:entry");
        assert_eq!(spelled(ProbeKind::Uprobe, ["a.out", "f+18"]).unwrap(), "pid$target:a.out:f:12");
    }

    #[test]
    fn what_has_no_probes_in_d_has_no_name() {
        assert_eq!(spelled(ProbeKind::Uprobe, ["a.out", "inline", "f"]), None);
        assert_eq!(spell(&Named::listing(ProbeKind::Fentry, ["bpf", "*"])), None);
    }

    #[test]
    fn listings_are_of_tracepoints() {
        let listing = |parts| spell(&Named::Listing(ProbeKind::Tracepoint, parts)).unwrap();
        assert_eq!(listing(vec!["*".into(), "*".into()]), "-l -n 'sdt:::'");
        assert_eq!(listing(vec!["tcp".into(), "*".into()]), "-l -n 'sdt:tcp::'");
    }
}
