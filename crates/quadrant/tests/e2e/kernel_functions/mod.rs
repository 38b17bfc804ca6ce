//! Functions of the kernel: counts, misses, what is left behind, and many at once. They need a kernel with kernel probes, which the
//! guests of `cargo xtask test --vm` have.

mod active;
mod counts;
mod functions;
mod leftovers;
mod many;
mod matrix;
mod misses;
mod overrides;
mod places;
mod trampolines;
mod without;

use std::path::Path;

use quadrant_bpf::features::Features;
use quadrant_testing::{Outcome, Program};

use crate::common::{good, script};

/// Where tests look at the kernel's own lists. The tracer itself does not need it to be mounted.
const TRACEFS: &str = "/sys/kernel/tracing";

/// Ends the calling test, as skipped, where there are no kernel probes or their lists cannot be looked at.
macro_rules! needs_kprobes {
    () => {
        crate::common::needs_root!();
        if let Err(reason) = crate::kernel_functions::kprobes() {
            return quadrant_testing::skip(reason);
        }
    };
}
pub(crate) use needs_kprobes;

/// Ends the calling test, as skipped, where the kernel has no link for many functions.
macro_rules! needs_multi {
    () => {
        crate::kernel_functions::needs_kprobes!();
        if !quadrant_bpf::features::Features::new().kprobe_multi() {
            return quadrant_testing::skip(
                "this kernel has no links to many functions (Linux 5.18, with CONFIG_FPROBE)",
            );
        }
    };
}
use needs_multi;

/// Ends the calling test, as skipped, where others call the functions that it counts, too: the kernel's own counts are for all.
macro_rules! needs_guest {
    () => {
        if !crate::kernel_functions::in_guest() {
            return quadrant_testing::skip("others call these functions here, too: run `cargo xtask test --vm`");
        }
    };
}
use needs_guest;

/// The environment variable that names the kernel in a guest of `cargo xtask test --vm`.
const GUEST: &str = "QUADRANT_GUEST";

pub fn in_guest() -> bool {
    std::env::var_os(GUEST).is_some()
}

pub fn kprobes() -> Result<(), &'static str> {
    if !Path::new("/sys/bus/event_source/devices/kprobe").exists() {
        return Err("this kernel has no kernel probes");
    }
    let listed = Path::new(TRACEFS).join("kprobe_events").exists();
    listed.then_some(()).ok_or("tracefs is not mounted at /sys/kernel/tracing, where the kernel's lists are")
}

/// A way to make kernel probes: its name on the command line, and what `-v` says of it.
struct Way {
    name: &'static str,
    says: &'static str,
}

/// The ways that this kernel has.
fn ways() -> Vec<Way> {
    let way = |name, says| Way { name, says };
    let mut ways = vec![way("perf", ": perf events"), way("tracefs", ": events of tracefs")];
    if Features::new().kprobe_multi() {
        ways.push(way("multi", ": one link for all functions (kprobe_multi)"));
    }
    ways
}

impl Way {
    /// The tracer with a script and this way forced.
    fn script(&self, text: &str) -> Program {
        script(text).args(["-v", "--kprobe-mechanism", self.name])
    }

    /// Runs a script on a command in this way, which the tracer must confirm for each of its points.
    fn run_on(&self, command: &str, text: &str) -> Outcome {
        let outcome = good(self.script(text).args(["-c", command]));
        let lines = outcome.stderr.lines().filter(|line| line.contains("probe:"));
        let other: Vec<&str> =
            lines.filter(|line| line.starts_with("quadrant: k") && !line.ends_with(self.says)).collect();
        assert!(other.is_empty() && outcome.stderr.contains(self.says), "{other:?}: {}", outcome.describe());
        outcome
    }
}

/// A file of tracefs.
fn tracefs(name: &str) -> String {
    std::fs::read_to_string(Path::new(TRACEFS).join(name)).expect("tracefs is mounted")
}

/// What a function of a system call is called.
pub fn entry_of(call: &str) -> String {
    let prefix = if cfg!(target_arch = "x86_64") { "__x64_sys_" } else { "__arm64_sys_" };
    format!("{prefix}{call}")
}
