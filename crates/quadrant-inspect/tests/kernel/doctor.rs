//! The examination agrees with what programs find that try the same.

use std::sync::LazyLock;

use quadrant_bpf::features::Features;
use quadrant_inspect::doctor::{self, Report, Verdict};

use crate::common::need_root;

/// One examination for all tests.
static REPORT: LazyLock<Report> = LazyLock::new(doctor::examine);

fn verdict(report: &Report, id: &str) -> Verdict {
    report.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}")).verdict
}

#[test]
fn the_examination_agrees_with_what_traces_ask_for() {
    need_root!();
    let (report, features) = (&*REPORT, Features::new());
    let answers = [
        ("kprobe", features.kprobe_event()),
        ("kprobe.multi", features.kprobe_multi()),
        ("kprobe.session", features.kprobe_session()),
        ("uprobe.multi", features.uprobe_multi()),
        ("uprobe.session", features.uprobe_session()),
        ("ring_buffer", features.ring_buffer()),
        ("loop", features.bpf_loop()),
        ("tracepoint.cookie", features.attach_cookie(quadrant_bpf::prog::ProgramKind::Tracepoint)),
        ("rawtracepoint.cookie", features.attach_cookie(quadrant_bpf::prog::ProgramKind::RawTracepoint)),
    ];
    for (id, available) in answers {
        assert_eq!(verdict(report, id) == Verdict::Works, available, "{id}");
    }
    for id in
        ["tracepoint", "rawtracepoint", "uprobe", "uretprobe", "usdt.semaphore", "timer", "software", "stack.kernel"]
    {
        assert_eq!(verdict(report, id), Verdict::Works, "{id}");
    }
    assert!(report.able);
}

#[test]
fn every_failure_is_explained() {
    need_root!();
    for check in REPORT.checks.iter().filter(|check| check.verdict != Verdict::Works) {
        assert_eq!(check.verdict, Verdict::Fails, "{check:?}");
        assert!(!check.why.is_empty() && !check.instead.is_empty(), "{check:?}");
    }
}
