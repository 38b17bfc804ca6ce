//! What this crate's tests share.

use quadrant_program::probe::{ProbeKind, ProbeSpec};
use quadrant_program::span::Span;
use quadrant_types::{Btf, Types};

pub(crate) fn spec(kind: ProbeKind, parts: &[&str]) -> ProbeSpec {
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    ProbeSpec { kind, parts, span: Span::default() }
}

/// The running kernel's types, if it has BTF.
pub(crate) fn kernel_types() -> Option<Types> {
    match std::fs::read("/sys/kernel/btf/vmlinux") {
        Ok(data) => Some(Types::new(Btf::new(data).expect("the kernel's BTF is well-formed"))),
        Err(error) => {
            eprintln!("skipped: /sys/kernel/btf/vmlinux: {error}");
            None
        }
    }
}
