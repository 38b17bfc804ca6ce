//! What each kernel of `cargo xtask test --vm` is known to have: a test that is skipped for the lack of it is skipped rightly.

use quadrant_bpf::features::Features;
use quadrant_testing::skip;

use crate::common::needs_root;

#[test]
fn each_kernel_has_what_is_known_of_it() {
    needs_root!();
    let Ok(kernel) = std::env::var(super::GUEST) else {
        return skip("this machine is no guest of `cargo xtask test --vm`");
    };
    assert_eq!(super::kprobes(), Ok(()));
    let features = Features::new();
    let has = [features.kprobe_event(), features.bpf_loop(), features.kprobe_multi(), features.uprobe_multi()];
    let known = match kernel.as_str() {
        "5.10" => [true, false, false, false],
        "6.1" => [true, true, false, false],
        "6.12" | "latest" => [true; 4],
        other => panic!("it is not known what {other} has: say it here"),
    };
    assert_eq!(
        has, known,
        "{kernel}: perf events of kernel probes, loops, links to many functions, links to many places"
    );
}
