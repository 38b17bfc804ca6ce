//! Which iterators the kernel's BTF describes.

use crate::error::{Result, from_types};
use crate::glob::Glob;
use quadrant_types::Types;

/// Iterators over what is in one map of BPF or belongs to one: there is no way to say which.
const OF_A_MAP: [&str; 3] = ["bpf_map_elem", "bpf_sk_storage_map", "sockmap"];

/// Kinds of objects that match, sorted.
pub(crate) fn list(types: &Types, object: &Glob) -> Result<Vec<String>> {
    let mut objects = types.iterator_names().map_err(|error| from_types(&error))?;
    objects.retain(|name| object.matches(name) && !is_of_a_map(name));
    objects.sort_unstable();
    objects.dedup();
    Ok(objects)
}

pub(super) fn is_of_a_map(object: &str) -> bool {
    OF_A_MAP.contains(&object)
}
