//! What the running kernel can do, as the plan asks for it.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use quadrant_bpf::features::Features;
use quadrant_bpf::object::MISSED_INFO_LEN;
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_probes::FunctionTracer;
use quadrant_program::probe::KernelCode;
use quadrant_types::Types;

use crate::plan::Abilities;

/// The running kernel.
pub(crate) struct Machine<'a> {
    pub(crate) features: &'a Features,
    pub(crate) types: &'a Types,
    pub(crate) tracer: FunctionTracer,
    /// Events that somebody made, as `category/event`, once they were asked for.
    pub(crate) made: OnceCell<BTreeSet<String>>,
}

impl Machine<'_> {
    /// The kernel function that tells programs at entry and return of functions where they are, where there are such programs.
    pub(crate) fn session_is_return(&self) -> Option<u32> {
        if !self.features.kprobe_session() {
            return None;
        }
        let function = self.types.btf_func("bpf_session_is_return").ok()?.btf_id;
        self.features.kprobe_session_asks(function).then_some(function)
    }
}

impl Abilities for Machine<'_> {
    fn attach_cookie(&self, kind: ProgramKind) -> bool {
        self.features.attach_cookie(kind)
    }

    fn fentry_cookie(&self, function: u32) -> bool {
        self.features.fentry_cookie(function)
    }

    fn is_made(&self, category: &str, event: &str) -> bool {
        self.made.get_or_init(made_events).contains(&format!("{category}/{event}"))
    }

    fn typed_tracepoint(&self, name: &str) -> Option<u32> {
        self.types.raw_tracepoint_id(name)
    }

    fn uprobe_multi(&self) -> bool {
        self.features.uprobe_multi()
    }

    fn sleepable_uprobe(&self) -> bool {
        self.features.sleepable_uprobe()
    }

    fn kprobe_multi(&self) -> bool {
        self.features.kprobe_multi()
    }

    fn kprobe_event(&self) -> bool {
        self.features.kprobe_event()
    }

    /// The kernel's structure has a field for it, or not; without types there is no telling.
    fn hides_misses(&self) -> bool {
        let info = self.types.lookup_struct("bpf_link_info").and_then(|info| self.types.size_of(info));
        info.is_none_or(|size| size < u64::from(MISSED_INFO_LEN))
    }

    fn kprobe_session(&self) -> bool {
        self.session_is_return().is_some()
    }

    /// What such links are made of has a pool for the calls, or not; without types there is no telling.
    fn limits_returns(&self) -> bool {
        let fprobe = self.types.lookup_struct("fprobe");
        fprobe.is_none_or(|fprobe| self.types.find_member(fprobe, "rethook").is_some())
    }

    fn is_traceable(&self, function: &KernelCode) -> bool {
        self.tracer.knows(function)
    }
}

/// Probes and others as events, which tracefs lists since Linux 5.0. Who cannot read the list cannot trace by them either.
fn made_events() -> BTreeSet<String> {
    let text = TraceFs::open().and_then(|tracefs| tracefs.read("dynamic_events")).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(made_event).collect()
}

/// `p:category/event PLACE ARGUMENTS`, with other letters for other kinds, some of which have a number behind them.
fn made_event(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(':')?;
    rest.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_were_made_are_known_by_their_lines() {
        let event = |line| made_event(line);
        assert_eq!(event("p:mine/open /bin/true:0x1000").as_deref(), Some("mine/open"));
        assert_eq!(event("r8:mine/left do_sys_open ret=$retval").as_deref(), Some("mine/left"));
        assert_eq!(event("s:synthetic/late\tu64 delta; pid_t pid").as_deref(), Some("synthetic/late"));
        assert_eq!(event(""), None);
    }
}
