//! What lowering needs to know of the world.

use std::path::Path;

use quadrant_program::probe::{Point, ProbeKind, ProbeSource, ProbeSpec};
use quadrant_types::Types;

/// What lowering needs to know of the world.
pub struct Env<'a> {
    /// Finds probes.
    pub probes: &'a dyn ProbeSource,
    /// Whether a probe belongs to this run (`test:` and `bench:` ones, and none beside them, only when they are asked for); the bodies of
    /// others are only looked at for their mistakes.
    pub runs: &'a dyn Fn(&ProbeSpec) -> bool,
    /// Whether a point is one that the user chose; others are not attached.
    pub chosen: &'a dyn Fn(&Point) -> bool,
    /// C types.
    pub types: &'a Types,
    /// Finds addresses.
    pub symbols: &'a dyn Symbols,
    /// The positional parameters, from `$1` on.
    pub params: &'a [String],
    /// Settings from the environment, which beat the script's: lower-case name without prefix, value.
    pub settings: &'a [(String, String)],
    /// The process started with `-c`, for `cpid`.
    pub child: Option<u32>,
    /// Whether the user allowed functions that change the system.
    pub allow_unsafe: bool,
    /// Whether to warn of habits that bpftrace warns of: results that are thrown away, casts that change nothing, and their like.
    /// A division by zero gives 1, as there.
    pub warns_of_style: bool,
    /// The program is loaded elsewhere: what depends on the kernel's types becomes [`quadrant_program::expr::ExprKind::Core`].
    pub portable: bool,
}

/// Where a user probe is.
#[derive(Debug, Clone, Copy)]
pub struct UserPlace<'a> {
    /// The name of its point.
    pub point: &'a str,
    /// The executable.
    pub path: &'a Path,
    /// The instruction at which the probe fires, as an offset in the file; `None` when it fires elsewhere, as at a function's return.
    pub fires_at: Option<u64>,
}

/// A symbol of an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserSymbol {
    /// Where it is.
    pub address: UserAddress,
    /// Its size in bytes; 0 when it is not known.
    pub size: u64,
}

/// Where a symbol is in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserAddress {
    /// At this address.
    Fixed(u64),
    /// So many bytes behind the instruction at which the probe fires.
    BehindProbe(i64),
}

/// Finds the numbers behind names that are known before the trace starts.
pub trait Symbols {
    /// The address of a kernel symbol.
    ///
    /// # Errors
    /// One line that says why there is none.
    fn kernel_address(&self, name: &str) -> Result<u64, String>;

    /// A symbol of the executable that a probe is in.
    ///
    /// # Errors
    /// One line that says why there is none, or why its address is not known there.
    fn user_symbol(&self, place: UserPlace<'_>, name: &str) -> Result<UserSymbol, String>;

    /// The id of a cgroup by its path.
    ///
    /// # Errors
    /// One line that says why there is none.
    fn cgroup_id(&self, path: &str) -> Result<u64, String>;

    /// The kernel's version as its macro `KERNEL_VERSION` has it.
    ///
    /// # Errors
    /// One line that says why it is not known.
    fn kernel_version(&self) -> Result<u64, String> {
        Err("the kernel's version is not known here".to_owned())
    }

    /// Whether programs of a kind of probe may call the kernel function with that id in the kernel's BTF. `tracepoint` is the id there
    /// of the typedef of some raw tracepoint.
    fn kfunc_allowed(&self, kind: ProbeKind, function: u32, tracepoint: u32) -> bool {
        let _ = (kind, function, tracepoint);
        false
    }

    /// Whether the tracer numbers processes as the whole machine does: it is in no pid namespace of its own.
    fn numbers_as_the_machine(&self) -> bool {
        true
    }
}

/// Knows no name.
#[derive(Debug, Clone, Copy)]
pub struct NoSymbols;

impl Symbols for NoSymbols {
    fn kernel_address(&self, _name: &str) -> Result<u64, String> {
        Err("kernel symbols are not available here".to_owned())
    }

    fn user_symbol(&self, _place: UserPlace<'_>, _name: &str) -> Result<UserSymbol, String> {
        Err("symbols are not available here".to_owned())
    }

    fn cgroup_id(&self, _path: &str) -> Result<u64, String> {
        Err("cgroups are not available here".to_owned())
    }
}
