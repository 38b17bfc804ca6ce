//! A whole program.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::expr::Expr;
use crate::import::Import;
use crate::map::Map;
use crate::probe::Point;
use crate::probe::PointId;
use crate::record::Record;
use crate::record::RecordId;
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
    /// Files in C whose functions are called.
    pub imports: Vec<Arc<Import>>,
    /// Settings.
    pub config: Config,
    /// What happens when a clause faults.
    pub faults: Faults,
    /// Numbers that D gives to points (`id`, the ID column), by point; empty in other languages.
    pub point_ids: Vec<u32>,
    /// Every record ends with a stamp: see [`mod@crate::stamp`].
    pub stamped: bool,
    /// Those of [`crate::clears::at_once`] in the program that this one was made of.
    pub clears_at_once: BTreeSet<RecordId>,
}

/// What happens when memory cannot be read, a number is divided by zero, or scratch memory runs out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Faults {
    /// The result is zero or empty, it is counted, and the clause goes on.
    #[default]
    Zero,
    /// The clause ends without its [`crate::record::RecordKind::Firing`], a record of kind [`crate::record::RecordKind::Fault`] is sent,
    /// and the clauses of [`crate::probe::Site::Error`] run there and then, with the fault's description as arguments
    /// (`Arg(1)`: number of the point by `point_ids`, `Arg(2)`: index of the statement in its clause, from 1, `Arg(3)`: -1,
    /// `Arg(4)`: [`Fault`], `Arg(5)`: the address, or 0). The clauses after the one that faulted run as usual.
    /// A fault in a clause of `Error` ends that clause and is counted.
    Abort(RecordId),
}

/// Kinds of faults, with DTrace's numbers (`DTRACEFLT_*` of `sys/dtrace.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An address that cannot be read or written.
    BadAddress = 1,
    /// An address that is not a multiple of its type's size.
    BadAlignment = 2,
    /// An operation that cannot be carried out.
    IllegalOperation = 3,
    /// Division by zero.
    DivideByZero = 4,
    /// Scratch memory is used up.
    NoScratch = 5,
    /// An address of the kernel that may not be read.
    KernelPrivilege = 6,
    /// An address of a process that may not be read.
    UserPrivilege = 7,
    /// A tuple that is too big.
    TupleOverflow = 8,
    /// A stack that cannot be walked.
    BadStack = 9,
    /// A size that is negative or too big.
    BadSize = 10,
    /// An index outside its array.
    BadIndex = 11,
    /// A fault in a library.
    Library = 12,
}

impl Fault {
    /// The one with a number.
    pub fn of_number(number: u64) -> Option<Fault> {
        use Fault::*;
        let all = [
            BadAddress,
            BadAlignment,
            IllegalOperation,
            DivideByZero,
            NoScratch,
            KernelPrivilege,
            UserPrivilege,
            TupleOverflow,
            BadStack,
            BadSize,
            BadIndex,
            Library,
        ];
        all.into_iter().find(|fault| *fault as u64 == number)
    }
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

/// A script variable. It belongs to one firing and starts as zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// As written: `$x`, `this->x`.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// The clauses of a firing share it (D's `this->x`); otherwise each clause has its own.
    pub shared: bool,
}

/// Settings that a script or the environment can give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Longest text, bytes with the NUL.
    pub max_strlen: u32,
    /// Bytes that [`crate::expr::Function::Alloca`] can give in one clause (D's `scratchsize`).
    pub scratch_bytes: u32,
    /// Speculations that can be under way at once (D's `nspec`).
    pub speculations: u32,
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
    /// How kernel probes are made; `None` lets the engine choose.
    pub kprobes: Option<KprobeMeans>,
    /// What a division by zero gives, and its remainder.
    pub by_zero: i64,
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
    /// A probe on a user function means its inlined copies, too.
    pub probe_inline: bool,
    /// Numbers in records are addresses of processes that are to be named, too.
    pub names_numbers: bool,
    /// Numbers that are shown are addresses of this process, which may be gone by then.
    pub named_process: Option<u32>,
}

/// A way to make kernel probes that the user can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KprobeMeans {
    /// One link for all functions.
    Multi,
    /// One program, and one link, for the entries and the returns of functions that have both.
    Session,
    /// A perf event for each.
    Perf,
    /// An event of tracefs for each.
    Tracefs,
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
            scratch_bytes: 256,
            speculations: 1,
            max_map_keys: None,
            max_probes: 1024,
            ring_pages: None,
            max_cat_bytes: 10240,
            maxactive: None,
            kprobes: None,
            by_zero: 0,
            print_maps_on_exit: true,
            cut_trailer: "..".to_owned(),
            stack_mode: crate::ty::StackMode::default(),
            demangle: true,
            missing_probes: MissingProbes::default(),
            probe_inline: false,
            names_numbers: false,
            named_process: None,
        }
    }
}
