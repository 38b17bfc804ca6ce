//! Types as they are written.

use super::{Expr, TypeArg};
use quadrant_program::span::Span;
use quadrant_types::DebugTag;

/// A type as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeExpr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: TypeKind,
    height: u16,
}

/// What a written type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeKind {
    /// Something that was reported as an error.
    Error,
    /// `uint8`, `string`, `task_struct`; C's many words joined: `unsigned long`
    Named(String),
    /// `struct foo`, `union foo`, `enum foo`
    Tagged(Tag, String),
    /// `T *`
    Pointer(Box<TypeExpr>),
    /// `T[n]`, `T[]`; also the sized types `string[n]`, `buffer[n]`, `inet[n]`
    Array(Box<TypeExpr>, Option<Box<Expr>>),
    /// `typeof(x)`
    Typeof(TypeArg),
    /// `(T, U)`
    Tuple(Vec<TypeExpr>),
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

impl TypeExpr {
    /// A type; its height follows from its parts.
    pub fn new(span: Span, kind: TypeKind) -> Self {
        let height = kind.parts_height().saturating_add(1);
        Self { span, kind, height }
    }

    /// The number of levels from this node down to its deepest leaf, itself included.
    pub fn height(&self) -> u16 {
        self.height
    }
}

impl TypeKind {
    fn parts_height(&self) -> u16 {
        match self {
            Self::Error | Self::Named(_) | Self::Tagged(..) => 0,
            Self::Pointer(inner) => inner.height,
            Self::Array(inner, size) => inner.height.max(size.as_ref().map_or(0, |e| e.height())),
            Self::Typeof(arg) => arg.height(),
            Self::Tuple(parts) => parts.iter().map(|t| t.height).max().unwrap_or(0),
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

    /// What types of that tag are looked up by.
    pub fn of_types(self) -> DebugTag {
        match self {
            Self::Struct => DebugTag::Struct,
            Self::Union => DebugTag::Union,
            Self::Enum => DebugTag::Enum,
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
