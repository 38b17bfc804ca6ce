//! What a probe offers to its clauses.

use crate::ast::Attributes;
use crate::desc::ProbeDesc;
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
    /// Those of the provider and of the probe's name.
    pub description: Attributes,
    /// Those of the function's name.
    pub function: Attributes,
    /// Those of the module's name.
    pub module: Attributes,
    /// Those of `args[]`.
    pub arguments: Attributes,
}

impl Stability {
    /// The same attributes of all.
    #[must_use]
    pub const fn of_all(attributes: Attributes) -> Stability {
        Stability { description: attributes, function: attributes, module: attributes, arguments: attributes }
    }

    /// Those of a description: what it names counts. Without provider or name it may mean other probes on the next system.
    #[must_use]
    pub fn of_description(self, desc: &ProbeDesc) -> Attributes {
        if desc.provider.is_empty() || is_pattern(&desc.provider) || desc.name.is_empty() {
            return Attributes::UNSTABLE;
        }
        let named = [(&desc.module, self.module), (&desc.function, self.function)];
        let counted = named.into_iter().filter(|(text, _)| !text.is_empty() && !is_pattern(text));
        counted.fold(self.description, |least, (_, attributes)| least.least(attributes))
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}
