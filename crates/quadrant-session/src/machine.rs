//! What the running kernel can do, as the plan asks for it.

use std::cell::OnceCell;

use quadrant_bpf::features::Features;
use quadrant_bpf::object::MISSED_INFO_LEN;
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_probes::FunctionTracer;
use quadrant_probes::MadeEvent;
use quadrant_probes::made_events;
use quadrant_program::probe::KernelCode;
use quadrant_types::Types;

use crate::plan::Abilities;

/// The running kernel.
pub(crate) struct Machine<'a> {
    pub(crate) features: &'a Features,
    pub(crate) types: &'a Types,
    pub(crate) tracer: FunctionTracer,
    /// Events that somebody made, once they were asked for.
    pub(crate) made: OnceCell<Vec<MadeEvent>>,
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
        // Who cannot open tracefs cannot trace by its events either.
        let all = || TraceFs::open().map(|tracefs| made_events(&tracefs)).unwrap_or_default();
        self.made.get_or_init(all).iter().any(|made| made.category == category && made.event == event)
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
