//! Which raw tracepoints BTF describes.

use crate::error::{Result, from_types};
use crate::glob::Glob;
use quadrant_types::Types;

/// The kernel image itself, as a module's name.
pub(super) const KERNEL: &str = "vmlinux";

/// Events of the kernel image that match, sorted.
pub(crate) fn list(types: &Types, module: &Glob, event: &Glob) -> Result<Vec<String>> {
    if !module.matches(KERNEL) {
        return Ok(Vec::new());
    }
    let mut events = types.raw_tracepoint_names().map_err(|error| from_types(&error))?;
    events.retain(|name| event.matches(name));
    events.sort_unstable();
    events.dedup();
    Ok(events)
}
