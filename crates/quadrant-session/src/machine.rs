//! What the running kernel can do, as the plan asks for it.

use quadrant_bpf::features::Features;
use quadrant_bpf::object::MISSED_INFO_LEN;
use quadrant_bpf::prog::ProgramKind;
use quadrant_types::Types;

use crate::plan::Abilities;

/// The running kernel.
pub(crate) struct Machine<'a> {
    pub(crate) features: &'a Features,
    pub(crate) types: &'a Types,
}

impl Abilities for Machine<'_> {
    fn attach_cookie(&self, kind: ProgramKind) -> bool {
        self.features.attach_cookie(kind)
    }

    fn fentry_cookie(&self, function: u32) -> bool {
        self.features.fentry_cookie(function)
    }

    fn uprobe_multi(&self) -> bool {
        self.features.uprobe_multi()
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
}
