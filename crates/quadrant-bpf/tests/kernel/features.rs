//! Feature probes. What a kernel has differs, so the tests compare answers that must agree.

use quadrant_bpf::features::Features;
use quadrant_bpf::helper;
use quadrant_bpf::prog::ProgramKind;

use crate::common::{need, need_root};

#[test]
fn answers_agree_with_each_other() {
    need_root!();
    let features = Features::new();
    assert!(features.helper(ProgramKind::Kprobe, helper::MAP_LOOKUP_ELEM));
    assert!(!features.helper(ProgramKind::Kprobe, helper::SKB_STORE_BYTES));
    assert!(!features.helper(ProgramKind::Kprobe, 60_000));
    assert_eq!(features.bpf_loop(), features.helper(ProgramKind::Kprobe, helper::LOOP));
    assert_eq!(features.for_each_map_elem(), features.helper(ProgramKind::Kprobe, helper::FOR_EACH_MAP_ELEM));
    assert_eq!(features.ring_buffer(), features.helper(ProgramKind::Kprobe, helper::RINGBUF_OUTPUT));
    assert!(!features.uprobe_session() || features.uprobe_multi());
    assert!(!features.perf_link() || features.attach_cookie(ProgramKind::Tracepoint));
    assert!(!features.attach_cookie(ProgramKind::RawTracepoint) || features.attach_cookie(ProgramKind::Kprobe));
    assert!(!features.uprobe_multi_process() || features.uprobe_multi());
    assert!(!features.kprobe_session() || features.kprobe_multi());
    let kinds = [features.growing_hash(), features.task_storage(), features.sleepable_uprobe()];
    let code = [features.atomic_fetch(), features.cpu_v4(), features.split_probe_read(), features.get_func_ip()];
    // For a person who compares kernels.
    println!("{kinds:?} {code:?} {features:?}");
}

#[test]
fn a_new_kernel_has_what_it_should() {
    need_root!();
    let features = Features::new();
    need!(features.uprobe_session(), "needs Linux 6.13");
    assert!(features.ring_buffer() && features.bpf_loop() && features.for_each_map_elem());
    assert!(features.growing_hash() && features.task_storage() && features.sleepable_uprobe());
    assert!(features.atomic_fetch() && features.cpu_v4() && features.perf_link());
    assert!(features.uprobe_multi() && features.uprobe_multi_process());
    assert!(features.split_probe_read() && features.get_func_ip());
    for kind in [ProgramKind::Kprobe, ProgramKind::Tracepoint, ProgramKind::PerfEvent, ProgramKind::Tracing] {
        assert!(features.attach_cookie(kind), "{kind:?}");
    }
}
