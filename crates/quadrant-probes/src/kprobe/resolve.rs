//! From functions and addresses to places in the kernel's code.

use std::sync::Arc;

use crate::error::{Result, error};
use quadrant_program::probe::{Found, KernelCode, Point, ProbeKind, ProbeSpec, Site};

/// All points that `["function"]` means.
pub(crate) fn resolve(spec: &ProbeSpec) -> Result<Vec<Found>> {
    let [function] = spec.parts.as_slice() else {
        return Err(error("a kprobe is written `kprobe:function`"));
    };
    let code = KernelCode { symbol: function.clone(), ..KernelCode::default() };
    let site = if spec.kind == ProbeKind::Kretprobe { Site::Kretprobe(code) } else { Site::Kprobe(code) };
    let name = format!("{}:{function}", spec.kind.name());
    Ok(vec![Found { point: Point { site, name, func: function.clone() }, args: Arc::default() }])
}
