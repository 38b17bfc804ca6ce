//! Types as C writes them: a base, and what declarators wrap around it.

use super::{Declaration, Expr, Ident, Param};
use quadrant_program::span::Span;
use quadrant_types::Attributes;

/// A type as it is written in a cast, in `sizeof`, or for a parameter: `unsigned long *[4]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeExpr {
    /// Where it stands; in a declaration with the declared name in its midst.
    pub span: Span,
    /// What the declarator starts from.
    pub base: TypeSpec,
    /// What is wrapped around the base, innermost first: `int *a[3]` is `[Pointer, Array(3)]`, an array of pointers;
    /// `int (*a)[3]` is `[Array(3), Pointer]`, a pointer to an array.
    pub wraps: Vec<Wrap>,
}

/// One step from a type to a derived type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrap {
    /// `*`: a pointer to the type so far.
    Pointer,
    /// `[n]`, `[]`: an array of the type so far.
    Array(Option<Box<Expr>>),
    /// `[string, int]`: an associative array whose values are the type so far; only in declarations of variables and
    /// parameterised inlines (where the keys have names).
    Assoc(Vec<Param>),
    /// `(int, char *)`: a function that returns the type so far.
    Function {
        /// Its parameters; none for `(void)` and `()`.
        params: Vec<Param>,
        /// It ends in `...`.
        variadic: bool,
    },
}

/// The words in front of the declarators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeSpec {
    /// Where they stand.
    pub span: Span,
    /// What they say, `const`, `volatile` and `restrict` left out.
    pub kind: TypeSpecKind,
    /// What attributes say of the type that is defined here.
    pub wish: LayoutWish,
}

/// What a type's base is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeSpecKind {
    /// Something that was reported as an error.
    Error,
    /// C's words in the order written, one blank between them: `unsigned long int`, `void`, `float`; and D's `string`.
    Words(String),
    /// A name given by `typedef`, also one of the kernel's or of a program's: `` genunix`size_t ``.
    Named(ScopedName),
    /// `struct s`, `union u { … }`, `enum { … }`
    Tagged {
        /// Which kind.
        tag: Tag,
        /// Its name.
        name: Option<ScopedName>,
        /// What is between the braces, if it is defined here.
        body: Option<TagBody>,
    },
}

/// A name and whose it is: `` mod`name ``, `` `name `` (the kernel's or the program's, not the script's), `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedName {
    /// From the scope to the end of the name.
    pub span: Span,
    /// What stands in front of the last backtick, empty if nothing does; none without a backtick.
    pub scope: Option<String>,
    /// The name.
    pub name: String,
}

/// What a `struct`, `union` or `enum` is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagBody {
    /// The members of a `struct` or `union`.
    Members(Vec<Declaration>),
    /// The values of an `enum`.
    Values(Vec<Enumerator>),
}

/// `NAME`, `NAME = 3`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enumerator {
    /// Its name.
    pub name: Ident,
    /// Its value; one more than the one before when left out.
    pub value: Option<Expr>,
}

/// The word in front of a tagged type's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `struct`
    Struct,
    /// `union`
    Union,
    /// `enum`
    Enum,
}

/// What `__attribute__` asks of a place in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayoutWish {
    /// What is asked for.
    pub asked: Attributes,
    /// Something that D cannot read is, too: the layout is not known.
    pub unknown: bool,
}

impl LayoutWish {
    /// What either asks for.
    pub(crate) fn and(self, other: LayoutWish) -> LayoutWish {
        LayoutWish { asked: self.asked.and(other.asked), unknown: self.unknown || other.unknown }
    }
}

impl TypeExpr {
    /// The number of levels from this node down to its deepest leaf, itself included.
    pub fn height(&self) -> u16 {
        let wraps = self.wraps.iter().map(Wrap::height).max().unwrap_or(0);
        self.base.height().max(wraps).saturating_add(1)
    }
}

impl TypeSpec {
    /// The number of levels from this node down to its deepest leaf, itself included.
    pub fn height(&self) -> u16 {
        let TypeSpecKind::Tagged { body: Some(body), .. } = &self.kind else { return 1 };
        let parts = match body {
            TagBody::Members(members) => members.iter().map(Declaration::height).max(),
            TagBody::Values(values) => values.iter().flat_map(|v| &v.value).map(Expr::height).max(),
        };
        parts.unwrap_or(0).saturating_add(1)
    }
}

impl Wrap {
    /// The height of its tallest part.
    pub fn height(&self) -> u16 {
        match self {
            Self::Pointer | Self::Array(None) => 0,
            Self::Array(Some(size)) => size.height(),
            Self::Assoc(params) | Self::Function { params, .. } => {
                params.iter().map(|param| param.ty.height()).max().unwrap_or(0)
            }
        }
    }
}

impl Tag {
    /// The tag that `word` is, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "struct" => Some(Self::Struct),
            "union" => Some(Self::Union),
            "enum" => Some(Self::Enum),
            _ => None,
        }
    }

    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Enum => "enum",
        }
    }
}
