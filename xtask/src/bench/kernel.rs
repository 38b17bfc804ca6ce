//! The kernel's own count of what BPF programs run and cost.

use std::collections::BTreeMap;
use std::fs;

use super::process;
use crate::Failure;

/// How often programs ran, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Runs {
    /// Runs.
    pub count: u64,
    /// Nanoseconds, with those of the clock that measures them.
    pub ns: u64,
}

/// What each program of a process, and of those that it started, has run, by the program's id.
///
/// The kernel writes it into the fdinfo of each program's descriptor, if it was told to count (`bpf_stats_enabled`).
pub fn programs(pid: u32) -> Result<BTreeMap<u32, Runs>, Failure> {
    let mut programs = BTreeMap::new();
    for member in process::family(pid) {
        // A process or descriptor can be gone by now.
        let Ok(entries) = fs::read_dir(format!("/proc/{member}/fdinfo")) else { continue };
        let texts = entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok());
        programs.extend(texts.filter_map(|text| program(&text)));
    }
    match programs.is_empty() {
        false => Ok(programs),
        true => Err("it holds no descriptor of a BPF program, so the kernel's counts cannot be read".into()),
    }
}

/// What all programs together have run between two readings.
pub fn between(before: &BTreeMap<u32, Runs>, after: &BTreeMap<u32, Runs>) -> Runs {
    after.iter().fold(Runs::default(), |sum, (id, now)| {
        let then = before.get(id).copied().unwrap_or_default();
        Runs { count: sum.count + (now.count - then.count), ns: sum.ns + (now.ns - then.ns) }
    })
}

/// The fdinfo of a program, or none if it is of something else.
fn program(fdinfo: &str) -> Option<(u32, Runs)> {
    let fields: BTreeMap<&str, &str> = fdinfo.lines().filter_map(|line| line.split_once(':')).collect();
    let number = |name| fields.get(name)?.trim().parse::<u64>().ok();
    let id = u32::try_from(number("prog_id")?).ok()?;
    Some((id, Runs { count: number("run_cnt")?, ns: number("run_time_ns")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_is_read() {
        let text = "pos:\t0\nprog_type:\t5\nprog_id:\t671\nrun_time_ns:\t365538\nrun_cnt:\t2486\n";
        assert_eq!(program(text), Some((671, Runs { count: 2486, ns: 365_538 })));
        assert_eq!(program("pos:\t0\nlink_type:\tperf\nlink_id:\t3\nprog_id:\t671\n"), None);
        assert_eq!(program(""), None);
    }

    #[test]
    fn a_program_loaded_in_between_counts_from_zero() {
        let runs = |count, ns| Runs { count, ns };
        let before = BTreeMap::from([(1, runs(10, 100))]);
        let after = BTreeMap::from([(1, runs(15, 180)), (2, runs(3, 30))]);
        assert_eq!(between(&before, &after), runs(8, 110));
    }
}
