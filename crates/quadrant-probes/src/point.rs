//! Making the points that resolvers give.

use crate::error::{Result, advise};
use quadrant_program::probe::{Args, Found, Point, ProbeSpec, Site};
use std::collections::HashMap;
use std::sync::Arc;

/// A point without function and arguments.
pub(crate) fn plain(site: Site, name: String) -> Found {
    Found { point: Point { site, name, func: String::new() }, args: Arc::default() }
}

/// Gives equal arguments of many points as one.
#[derive(Default)]
pub(crate) struct ArgsPool {
    known: HashMap<Args, Arc<Args>>,
}

impl ArgsPool {
    pub fn share(&mut self, args: Args) -> Arc<Args> {
        self.known.entry(args).or_insert_with_key(|args| Arc::new(args.clone())).clone()
    }
}

/// Refuses a wildcard that means too many points.
pub(crate) fn check_count(pattern: &str, count: usize, limit: usize) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    let help = format!(
        "name fewer, or allow that many with --max-probes {count} or, in the script, `config = {{ max_probes = {count} }}`"
    );
    Err(advise(format!("`{pattern}` matches {count} probes, more than the limit of {limit}"), help))
}

/// Whether the last part of a probe, which names its place, is left empty.
pub(crate) fn names_nothing(spec: &ProbeSpec) -> bool {
    spec.parts.last().is_some_and(String::is_empty)
}
