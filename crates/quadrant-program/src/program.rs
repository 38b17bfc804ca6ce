//! A whole program.

use crate::expr::Expr;
use crate::map::Map;
use crate::probe::Point;
use crate::probe::PointId;
use crate::record::Record;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::ty::Type;

/// A typed script: clauses over points, with the tables that they refer to.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Bodies, in source order (a source clause may appear several times, once for each layout of arguments).
    pub clauses: Vec<Clause>,
    /// Attach points, each once.
    pub points: Vec<Point>,
    /// Maps, in order of first use.
    pub maps: Vec<Map>,
    /// Variables of all clauses.
    pub vars: Vec<Variable>,
    /// What is sent to user space.
    pub records: Vec<Record>,
    /// Settings.
    pub config: Config,
}

/// A predicate and a body over some points.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Where it runs; all these points have the same arguments in the same places.
    pub points: Vec<PointId>,
    /// Runs only when this is not zero.
    pub predicate: Option<Expr>,
    /// The statements.
    pub body: Vec<Stmt>,
    /// The whole clause.
    pub span: Span,
}

/// A script variable. It belongs to one firing of one clause and starts as zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// As written: `$x`.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// Settings that a script or the environment can give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Longest text, bytes with the NUL.
    pub max_strlen: u32,
    /// Keys of a map without a size of its own; `None` lets the engine choose.
    pub max_map_keys: Option<u32>,
    /// Most attach points without a word from the user.
    pub max_probes: u32,
    /// Size of the ring buffer in pages; `None` lets the engine choose.
    pub ring_pages: Option<u32>,
    /// Bytes that `cat` prints at most.
    pub max_cat_bytes: u32,
    /// Calls of a function that may be under way at once, for returns of kernel functions; `None` lets the kernel choose.
    pub maxactive: Option<u32>,
    /// Print maps at exit.
    pub print_maps_on_exit: bool,
    /// Printed after a text that was cut.
    pub cut_trailer: String,
    /// How stacks are printed.
    pub stack_mode: crate::ty::StackMode,
    /// Demangle C++ and Rust names.
    pub demangle: bool,
    /// What to do about a probe that does not exist or cannot be attached.
    pub missing_probes: MissingProbes,
}

/// What to do about a probe that does not exist or cannot be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MissingProbes {
    /// Refuse the script.
    #[default]
    Error,
    /// Say so and go on without it.
    Warn,
    /// Go on without it.
    Ignore,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_strlen: 1024,
            max_map_keys: None,
            max_probes: 1000,
            ring_pages: None,
            max_cat_bytes: 10240,
            maxactive: None,
            print_maps_on_exit: true,
            cut_trailer: "..".to_owned(),
            stack_mode: crate::ty::StackMode::default(),
            demangle: true,
            missing_probes: MissingProbes::default(),
        }
    }
}
