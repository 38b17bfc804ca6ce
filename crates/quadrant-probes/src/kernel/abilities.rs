//! In which ways functions of this kernel can be probed, and what to say when in none.

use std::collections::BTreeSet;

use quadrant_bpf::kconfig::{Kconfig, Setting};
use quadrant_bpf::object::MISSED_INFO_LEN;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::advice::{Advice, Named};
use quadrant_program::probe::{ProbeError, ProbeKind};

use super::{Kernel, instead};
use crate::error::{advise, error};

/// A way to probe functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Kernel probes: `kprobe`, `kretprobe`.
    Kprobes,
    /// Trampolines: `fentry`, `fexit`.
    Trampolines,
}

/// Ways.
impl Kernel {
    /// The way for a kind of probe: its own, else the other if that works here. Each is tried, not guessed.
    ///
    /// # Errors
    /// Neither works: why, and which tracepoints tell about the same as the function `name`.
    pub fn way(&self, kind: ProbeKind, name: &str) -> Result<Way, ProbeError> {
        let own = own_way(kind);
        let other = if own == Way::Kprobes { Way::Trampolines } else { Way::Kprobes };
        let refusal = match self.check(own) {
            Ok(()) => return Ok(own),
            Err(refusal) => refusal,
        };
        if self.check(other).is_ok() {
            return Ok(other);
        }
        let mut refusal = refusal;
        refusal.help.push(advice(kind, name));
        Err(refusal)
    }

    /// Notes that a probe runs in another way than its name says.
    pub fn note_way(&self, kind: ProbeKind, way: Way) {
        let words = match (own_way(kind), way) {
            (Way::Kprobes, Way::Trampolines) => ["kprobes", "trampolines (as fentry and fexit do)"],
            (Way::Trampolines, Way::Kprobes) => ["trampolines for functions", "kprobes"],
            _ => return,
        };
        self.note(format!("{} probes run by {}: this kernel has no {}", kind.name(), words[1], words[0]));
    }

    /// The kernel does not tell how many returns of a function its perf event missed (before Linux 6.7), and trampolines work.
    pub fn hides_misses(&self) -> bool {
        let info = self.types.lookup_struct("bpf_link_info").and_then(|info| self.types.size_of(info));
        info.is_some_and(|size| size < u64::from(MISSED_INFO_LEN)) && self.has_trampolines()
    }

    fn check(&self, way: Way) -> Result<(), ProbeError> {
        match way {
            Way::Kprobes if self.has_kprobes() => Ok(()),
            Way::Kprobes => Err(no_kprobes()),
            Way::Trampolines => {
                let function = self.any_function()?;
                self.features.fentry(function).map_err(|refusal| no_trampolines(&refusal))
            }
        }
    }

    pub fn has_trampolines(&self) -> bool {
        self.check(Way::Trampolines).is_ok()
    }

    fn has_kprobes(&self) -> bool {
        self.features.kprobe_event() || TraceFs::open().is_ok_and(|tracefs| tracefs.exists("kprobe_events"))
    }
}

fn own_way(kind: ProbeKind) -> Way {
    match kind {
        ProbeKind::Fentry | ProbeKind::Fexit => Way::Trampolines,
        _ => Way::Kprobes,
    }
}

fn no_kprobes() -> ProbeError {
    let options = ["CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS"];
    let Some(config) = Kconfig::open() else {
        let message = "this kernel has no kprobes: it was probably built without CONFIG_KPROBES";
        return advise(message, "look at the kernel's configuration, which is neither in /proc/config.gz nor in /boot");
    };
    match options.iter().find(|option| config.get(option) == Setting::Absent) {
        Some(option) => error(format!("this kernel has no kprobes: it was built without {option} ({})", config.path())),
        None => error("this kernel has no kprobes, though it was built with CONFIG_KPROBES: is /sys mounted?"),
    }
}

fn no_trampolines(refusal: &quadrant_bpf::Error) -> ProbeError {
    let errno = refusal.errno().map_or(String::new(), |errno| format!(" ({errno})"));
    error(format!("this kernel refuses programs at the entry and exit of functions{errno}: {}", refusal.why()))
}

fn advice(kind: ProbeKind, name: &str) -> Advice {
    let on_return = matches!(kind, ProbeKind::Kretprobe | ProbeKind::Fexit);
    let near = instead::tracepoints(name, on_return, &all_tracepoints());
    let near: Vec<Named> = near.iter().map(|event| tracepoint(event)).collect();
    if near.is_empty() {
        let all = Named::listing(ProbeKind::Tracepoint, ["*"]);
        return Advice::one_of("use a tracepoint near the function: ", vec![all], " lists them");
    }
    Advice::one_of("use ", near, " instead")
}

/// Of `category:event`.
fn tracepoint(name: &str) -> Named {
    Named::Probe(ProbeKind::Tracepoint, name.split(':').map(str::to_owned).collect())
}

fn all_tracepoints() -> BTreeSet<String> {
    let text = TraceFs::open().and_then(|tracefs| tracefs.read("available_events")).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}
