//! Names of DTrace that have no value on Linux: a message says why, and what to use instead.

use quadrant_program::span::Span;

use super::Lower;

/// Variables, and why there is none.
pub(super) const VARIABLES: &[(&str, &str)] = &[("chip", PACKAGE)];

/// Members of the translated structs.
pub(super) const MEMBERS: &[(&str, &str)] = &[
    ("cpu_chip", PACKAGE),
    ("cpu_lgrp", "a program knows the memory node of its own processor only: `lgrp`"),
    ("cpu_info", "what /proc/cpuinfo has is nothing that programs can read"),
    (
        "tcps_iss",
        "Linux forgets the first sequence number of a connection: take `args[4]->tcp_seq` of the packet with TH_SYN",
    ),
    (
        "tcps_irs",
        "Linux forgets the first sequence number of the other side: take `args[4]->tcp_seq` of its packet with TH_SYN",
    ),
];

const PACKAGE: &str = "programs cannot ask where a processor is: compare `cpu` with \
    /sys/devices/system/cpu/cpu*/topology/physical_package_id";

impl Lower<'_> {
    /// Fails for a name that there is not: why not, if it is one of DTrace's, or else what is nearly called so.
    pub(super) fn fail_absent<T>(
        &mut self,
        known: &[(&str, &str)],
        (name, span): (&str, Span),
        tag: &'static str,
        message: String,
        near: Option<impl AsRef<str>>,
    ) -> Option<T> {
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, why)) => self.fail_help(span, tag, message, *why),
            None => self.fail_near(span, tag, message, near),
        }
    }
}
