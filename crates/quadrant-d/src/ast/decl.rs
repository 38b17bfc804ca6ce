//! Declarations: C's, D's variables, inlines, translators, providers.

use super::{Expr, Ident, LayoutWish, TypeExpr, TypeSpec, Wrap};
use quadrant_program::span::Span;

/// `typedef unsigned int u;`, `struct s { int a : 3; };`, `extern int x;`, `self int a[string];`, a member of a `struct`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// With its semicolon.
    pub span: Span,
    /// The word in front of it.
    pub storage: Option<Storage>,
    /// Whose variables they are; `Global` for types and members.
    pub scope: Scope,
    /// The base, shared by all declarators. A type defined in it is defined once.
    pub base: TypeSpec,
    /// What is declared; nothing for `struct s { … };`.
    pub declared: Vec<Declared>,
    /// It stands in a file that a preprocessor included: C's rules hold, where D's are narrower.
    pub from_c: bool,
}

/// One declarator: a name, and how its type follows from the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The declarator.
    pub span: Span,
    /// Its name; none for an unnamed bit-field.
    pub name: Option<Ident>,
    /// What is wrapped around the base, innermost first, as in [`TypeExpr::wraps`].
    pub wraps: Vec<Wrap>,
    /// The width of a bit-field.
    pub bits: Option<Expr>,
    /// What attributes say of its place.
    pub wish: LayoutWish,
}

/// C's storage classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as they are written")]
pub enum Storage {
    Typedef,
    Extern,
    Static,
    Register,
    Auto,
}

/// Whose a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One for all.
    Global,
    /// `self`: one for each thread.
    Thread,
    /// `this`: one for each firing of a probe.
    Clause,
}

/// A parameter of a function, inline or probe, or a key of an associative array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The whole of it.
    pub span: Span,
    /// Its type.
    pub ty: TypeExpr,
    /// Its name, where one was given.
    pub name: Option<Ident>,
}

/// `inline int n = 1;`, `inline string f[int a] = …;`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// With its semicolon.
    pub span: Span,
    /// What it is called.
    pub name: Ident,
    /// The type of its value.
    pub ty: TypeExpr,
    /// The parameters of `name[…]`; none without brackets.
    pub params: Option<Vec<Param>>,
    /// What it stands for.
    pub value: Expr,
}

/// `translator out_t < struct in *p > { member = expr; … };`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translator {
    /// With its semicolon.
    pub span: Span,
    /// What it makes: a struct.
    pub output: TypeExpr,
    /// What it is made from; its name is what members' values use.
    pub input: Param,
    /// The members, in order.
    pub members: Vec<(Ident, Expr)>,
}

/// `provider x { probe a__b(int); … };`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDef {
    /// With its semicolon.
    pub span: Span,
    /// The provider's name.
    pub name: Ident,
    /// Its probes, in order.
    pub probes: Vec<ProviderProbe>,
}

/// `probe a__b(char *name, int n) : (string name);`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderProbe {
    /// With its semicolon.
    pub span: Span,
    /// Its name as written; `__` stands for `-` in probe descriptions.
    pub name: Ident,
    /// What the program passes.
    pub args: Vec<Param>,
    /// What scripts see as `args[]`, if that is different; the names say which argument is meant.
    pub mapped: Option<Vec<Param>>,
}

impl Declared {
    /// A declarator of nothing.
    pub(crate) fn empty(span: Span) -> Declared {
        Declared { span, name: None, wraps: Vec::new(), bits: None, wish: LayoutWish::default() }
    }
}

impl Declaration {
    /// The number of levels from this node down to its deepest leaf, itself included.
    pub fn height(&self) -> u16 {
        let declared = self.declared.iter().map(|declared| {
            let wraps = declared.wraps.iter().map(Wrap::height).max().unwrap_or(0);
            declared.bits.as_ref().map_or(0, Expr::height).max(wraps)
        });
        declared.max().unwrap_or(0).max(self.base.height()).saturating_add(1)
    }
}

impl Storage {
    /// The storage class that `word` is, if any.
    pub fn from_word(word: &str) -> Option<Storage> {
        Some(match word {
            "typedef" => Self::Typedef,
            "extern" => Self::Extern,
            "static" => Self::Static,
            "register" => Self::Register,
            "auto" => Self::Auto,
            _ => return None,
        })
    }

    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Typedef => "typedef",
            Self::Extern => "extern",
            Self::Static => "static",
            Self::Register => "register",
            Self::Auto => "auto",
        }
    }
}
