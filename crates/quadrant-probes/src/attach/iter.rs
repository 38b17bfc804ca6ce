//! Iterators. They run when the walk is read.

use quadrant_bpf::link::Link;
use quadrant_bpf::link::Walk;
use quadrant_program::probe::Site;

use super::Request;
use crate::error::Result;
use crate::error::from_kernel;

pub(super) fn link(request: &Request<'_>, site: &Site, _cookie: u64) -> Result<Link> {
    let walk = match site {
        Site::Iter { object, .. } if object == "cgroup" => Walk::AllCgroups,
        _ => Walk::All,
    };
    Link::iterator(request.program, walk).map_err(|e| from_kernel(&e))
}
