//! Functions by trampoline: a program is loaded for one function, and attached to it.

use std::os::fd::OwnedFd;

use quadrant_bpf::link::Link;
use quadrant_bpf::object::{self, BtfObject, ObjectKind};
use quadrant_bpf::prog::AttachType;
use quadrant_program::probe::{BtfOwner, Site};

use super::Request;
use crate::error::{Result, error, from_kernel};

pub(super) fn link(request: &Request<'_>, site: &Site, cookie: u64) -> Result<Link> {
    let kind = match site {
        Site::Fentry(_) => AttachType::TraceFentry,
        Site::Fexit(_) => AttachType::TraceFexit,
        _ => return Err(error("points of different kinds cannot share a program")),
    };
    Link::tracing(request.program, kind, cookie).map_err(|e| from_kernel(&e))
}

/// What loading a program for functions of that owner needs besides their ids: nothing for the kernel image, else the module's
/// types or the eBPF program.
///
/// # Errors
/// The module or the program is gone, or the kernel does not say.
pub fn owner(owner: &BtfOwner) -> Result<Option<OwnedFd>> {
    match owner {
        BtfOwner::Kernel => Ok(None),
        BtfOwner::Program(id) => {
            let gone = || error(format!("the eBPF program {id} is gone"));
            object::open(ObjectKind::Program, *id).map_err(|e| from_kernel(&e))?.ok_or_else(gone).map(Some)
        }
        BtfOwner::Module(name) => module(name).map(Some),
    }
}

fn module(name: &str) -> Result<OwnedFd> {
    for id in object::ids(ObjectKind::Btf).map_err(|e| from_kernel(&e))? {
        let Some(types) = object::open(ObjectKind::Btf, id).map_err(|e| from_kernel(&e))? else { continue };
        let described = BtfObject::of(std::os::fd::AsFd::as_fd(&types)).map_err(|e| from_kernel(&e))?;
        if described.kernel && described.name == name.as_bytes() {
            return Ok(types);
        }
    }
    Err(error(format!("the types of the module `{name}` are gone: was it unloaded?")))
}
