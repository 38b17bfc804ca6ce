//! Iterators: what their programs write for one object of the kernel after the other.

use std::io::Read;

use quadrant_bpf::link::Link;

use crate::error::Error;

/// Most that one pass may write, in bytes.
const MOST: u64 = 64 << 20;

/// One pass; true if it was cut short.
///
/// # Errors
/// The kernel refused.
pub(super) fn pass(link: &Link) -> Result<(Vec<u8>, bool), Error> {
    let mut text = Vec::new();
    let read = link.iterate()?.take(MOST).read_to_end(&mut text);
    read.map_err(|error| quadrant_bpf::Error::io("cannot read an iterator", &error))?;
    let cut = text.len() as u64 == MOST;
    Ok((text, cut))
}
