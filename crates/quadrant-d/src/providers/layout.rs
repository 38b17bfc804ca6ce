//! What a probe offers to its clauses.

use crate::ast::Attributes;
use quadrant_program::probe::{ArgLoc, Field};
use quadrant_types::TypeId;
use std::borrow::Cow;

/// A piece of D.
pub type Text = Cow<'static, str>;

/// What the built-in variables mean in the clauses of a probe.
///
/// In every [`Text`] here the words `arg0`, `arg1`, ... mean [`Layout::inputs`], not [`Layout::raw`]; all else means what it would
/// mean in a clause, with the library's inlines and translators in reach.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Layout {
    /// `args[n]`; more than these is an error.
    pub args: Vec<Arg>,
    /// The description means so many probes of different types that `args[]` cannot be used (`D_ARGS_MULTI`).
    pub args_vary: bool,
    /// `arg0`, `arg1`, ...: 64-bit integers; those beyond the end are 0.
    pub raw: Vec<Value>,
    /// What `arg0`, `arg1`, ... mean in texts of this layout; those beyond the end are the point's own words, [`Value::Word`].
    pub inputs: Vec<Value>,
    /// The probe fires only if this holds. It comes before the clause's own predicate.
    pub predicate: Option<Text>,
    /// The value of `errno`; 0 without it.
    pub errno: Option<Text>,
    /// The task that the probe speaks of, a `struct task_struct *`, where that is not the running one. `curthread`, `pid`, `tid`,
    /// `ppid`, `uid`, `gid`, `execname`, what the library derives from `curthread`, and the owner of `self->` variables follow it.
    pub thread: Option<Text>,
    /// The value of `probeprov` where it depends on who is running: of a static probe in all processes.
    pub provider: Option<Text>,
    /// Whole clauses that the program needs before all others when it has a clause at this probe, each once.
    pub requires: Vec<Text>,
    /// Whole clauses that come after all others, each once.
    pub ends: Vec<Text>,
    /// As listings with `-v` show it.
    pub stability: Stability,
}

/// One of `args[]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arg {
    /// Its type.
    pub ty: ArgType,
    /// Its value, converted to the type.
    pub value: Value,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ArgType {
    /// As the type store has it.
    C(TypeId),
    /// As D writes it: `bufinfo_t *`.
    D(Text),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A described argument of the point, with its C type.
    Field(Field),
    /// The n-th word of the point: register or stack by the calling convention, word of a raw tracepoint.
    Word(u8),
    /// What the function returned.
    Result,
    /// The operand of a static user probe.
    At(ArgLoc),
    /// The program counter of the kernel (`false`) or the process (`true`); 0 when the other one was running.
    Pc(bool),
    /// A number.
    Constant(i64),
    /// An expression.
    Text(Text),
}

/// How stable names and meaning are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Stability {
    /// Those of a description that leaves the module open.
    pub description: Attributes,
    /// Those of the module's name.
    pub module: Attributes,
    /// Those of `args[]`.
    pub arguments: Attributes,
}

impl Stability {
    /// Those of a description that names the module, or leaves it open.
    #[must_use]
    pub fn of_description(self, names_module: bool) -> Attributes {
        if names_module { self.description.least(self.module) } else { self.description }
    }
}
