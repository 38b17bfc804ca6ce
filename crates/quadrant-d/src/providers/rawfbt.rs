//! `rawfbt:MODULE:FUNCTION:entry`, `return`: the kernel's functions by kernel probes, those that the compiler made of others included.

use super::fbt::Kind;
use super::{Provider, ids};
use quadrant_program::probe::ProbeKind;

const RAWFBT: Kind = Kind {
    name: "rawfbt",
    sides: [(ProbeKind::Kprobe, "entry"), (ProbeKind::Kretprobe, "return")],
    ids: ids::RAWFBT,
    typed: false,
};

pub(super) const PROVIDER: Provider = Provider {
    is_called: |pattern| pattern.matches(RAWFBT.name),
    find: |providers, wanted| RAWFBT.find(providers, wanted),
    list: |providers, wanted, show| RAWFBT.list(providers, wanted, show),
    of_id: |providers, id| RAWFBT.of_id(providers, id),
    knows: |_| false,
};
