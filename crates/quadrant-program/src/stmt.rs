//! Typed statements.

use crate::expr::BinaryOp;
use crate::expr::Expr;
use crate::expr::Place;
use crate::expr::VarId;
use crate::map::MapId;
use crate::record::RecordId;
use crate::span::Span;

/// A statement and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Where it stands in the script.
    pub span: Span,
}

impl Stmt {
    /// A statement.
    pub fn new(kind: StmtKind, span: Span) -> Stmt {
        Stmt { kind, span }
    }

    /// Whether what is in it can run several times.
    pub fn is_loop(&self) -> bool {
        use StmtKind::{ForMap, ForRange, Unroll, While};
        matches!(self.kind, While { .. } | Unroll { .. } | ForRange { .. } | ForMap { .. })
    }
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// Evaluate, drop the value.
    Expr(Expr),
    /// `place = value`; the value has been converted to the place's type.
    Assign(Place, Expr),
    /// `place op= value` for integers; atomic on maps where the hardware has it (add, sub, and, or, xor).
    Update(Place, BinaryOp, Expr),
    /// Feed an aggregation.
    Aggregate {
        /// The map.
        map: MapId,
        /// The key; `None` for a map without keys.
        key: Option<Expr>,
        /// The value fed; `None` for count().
        value: Option<Expr>,
        /// How often it counts, in a histogram; `None` is once.
        weight: Option<Expr>,
    },
    /// Send a record to user space; argument types are those of the record.
    Emit {
        /// Which.
        record: RecordId,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// End the trace: send the record (an `Exit`), stop every probe at once, end this clause.
    Exit {
        /// The record to send.
        record: RecordId,
        /// The exit status.
        code: Expr,
    },
    /// Stop every probe from now on, the clauses after this one included, and go on with this clause (D's `exit()`, whose record says the
    /// rest).
    Stop,
    /// Write a number into scratch memory of [`crate::expr::Function::Alloca`], with the width of the value's type. Faults elsewhere.
    /// With a pointer in [`crate::ty::Space::Program`], an `AddrOf` of a variable plus a constant: into that variable, also a text whose
    /// capacity is a multiple of 8.
    Store {
        /// Where.
        addr: Expr,
        /// What.
        value: Expr,
    },
    /// `commit(id)` or `discard(id)` of an active speculation: no record may use it any more, user space frees it when the
    /// [`crate::action::ActionKind::Commit`] or `Discard` of this clause arrives.
    EndSpeculation {
        /// Its number.
        id: Expr,
    },
    /// Send a signal to the current process (or thread).
    Signal {
        /// Signal number.
        signal: Expr,
        /// Only to the thread.
        thread: bool,
    },
    /// `if`.
    If {
        /// Condition.
        cond: Expr,
        /// When it is not zero.
        then: Vec<Stmt>,
        /// When it is zero.
        other: Vec<Stmt>,
    },
    /// `while`.
    While {
        /// Evaluated before each round.
        cond: Expr,
        /// The body.
        body: Vec<Stmt>,
    },
    /// `unroll(n)` and small constant loops: the body `count` times.
    Unroll {
        /// How often.
        count: u32,
        /// The body.
        body: Vec<Stmt>,
    },
    /// `for ($i : start..end)`, end exclusive.
    ForRange {
        /// The loop variable, an integer.
        var: VarId,
        /// First value.
        start: Expr,
        /// One past the last value.
        end: Expr,
        /// The body.
        body: Vec<Stmt>,
    },
    /// `for ($kv : @map)`: the variable is the tuple (key, value).
    ForMap {
        /// The loop variable, a tuple of key and value.
        var: VarId,
        /// The map.
        map: MapId,
        /// The body.
        body: Vec<Stmt>,
    },
    /// Leave the innermost loop.
    Break,
    /// Next round of the innermost loop.
    Continue,
    /// End the clause.
    Return,
    /// The number that a test has for its result; user space reads it when the test is over.
    Result(Expr),
    /// A block of its own.
    Block(Vec<Stmt>),
}
