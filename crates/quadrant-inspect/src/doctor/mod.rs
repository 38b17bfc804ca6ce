//! What this kernel can do, found out by trying, and why not where it cannot.
//!
//! Each mechanism is used as a trace would use it: a program of a few instructions is loaded and attached, made to fire,
//! and taken away. Version numbers and configuration only explain a failure; they never decide.

mod checks;
mod kit;
mod machine;
mod model;
mod own;
mod verdict;

use std::sync::{Mutex, PoisonError};

use quadrant_bpf::limits;

use kit::Kit;
pub use model::{Area, Check, ConfigOption, Fact, Report, Verdict};

/// Two examinations of one process would raise the same semaphore.
static ALONE: Mutex<()> = Mutex::new(());

/// Tries everything. It takes about a second; nothing stays behind.
pub fn examine() -> Report {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Before the limits are raised.
    let machine = machine::facts();
    limits::bump_memlock();
    limits::bump_nofile();
    let judge = verdict::Judge::new();
    let mut kit = Kit::new();
    let mut checks: Vec<Check> = checks::rows().map(|row| judge.judge(row, (row.run)(&mut kit))).collect();
    kit.close();
    replace(&mut checks);
    Report { able: able(&checks), checks, machine }
}

/// Says for each that fails what is there in its place.
fn replace(checks: &mut [Check]) {
    let working: Vec<&str> = checks.iter().filter(|c| c.verdict == Verdict::Works).map(|c| c.id).collect();
    for (check, row) in checks.iter_mut().zip(checks::rows()).filter(|(check, _)| check.verdict == Verdict::Fails) {
        let there = row.instead.iter().find(|(id, _)| id.is_empty() || working.contains(id));
        check.instead = there.map_or("nothing on this kernel", |(_, text)| text);
    }
}

/// Programs, a way for their answers, and at least one thing to attach to.
fn able(checks: &[Check]) -> bool {
    let works = |ids: &[&str]| checks.iter().any(|check| ids.contains(&check.id) && check.verdict == Verdict::Works);
    works(&["map.array"])
        && works(&["ring_buffer", "perf_buffer"])
        && works(&["tracepoint", "rawtracepoint", "uprobe", "uprobe.multi", "kprobe", "kprobe.multi", "timer"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &'static str, verdict: Verdict) -> Check {
        let options = Vec::new();
        let (area, name, errno) = (Area::Engine, "", None);
        let [detail, why, fix] = [const { String::new() }; 3];
        Check { id, area, name, verdict, detail, errno, why, fix, instead: "", options, since: "" }
    }

    #[test]
    fn able_needs_programs_answers_and_a_place() {
        let all = ["map.array", "perf_buffer", "uprobe"];
        assert!(able(&all.map(|id| check(id, Verdict::Works))));
        for missing in 0..3 {
            let verdict = |index| if index == missing { Verdict::Fails } else { Verdict::Works };
            let checks: Vec<_> = all.iter().enumerate().map(|(index, id)| check(id, verdict(index))).collect();
            assert!(!able(&checks));
        }
    }
}
