//! The syntax tree: what was written, with places, before any meaning.
//!
//! Read in this order: [`Script`] and [`Item`], [`Clause`] and [`ProbeSpec`], [`Stmt`], [`Expr`], and for C's
//! declarations [`TypeExpr`] (a base and what is wrapped around it) and [`Declaration`].
//!
//! The parser keeps every tree shallow ([`MAX_DEPTH`]), so whoever walks one may recurse.

mod decl;
mod expr;
mod item;
mod pragma;
mod stmt;
mod types;

pub use decl::{Declaration, Declared, Inline, Param, ProviderDef, ProviderProbe, Scope, Storage, Translator};
pub use expr::{Expr, ExprKind, IntLiteral, MacroVar, TypeArg};
pub use item::{Clause, IdError, Item, Predicate, ProbeSpec, Script};
pub use pragma::{AttributeTarget, Attributes, Class, Dependency, Pragma, PragmaKind, ProviderPart, Stability};
pub use quadrant_syntax::op::{BinOp, UnOp};
pub use stmt::{Block, Stmt, StmtKind};
pub use types::{Enumerator, LayoutWish, ScopedName, Tag, TagBody, TypeExpr, TypeSpec, TypeSpecKind, Wrap};

use quadrant_program::span::Span;

/// How many levels a tree may have, from an item down to a leaf.
pub use quadrant_syntax::descent::MAX_DEPTH;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name, without sigil (`@`) and quotes.
    pub name: String,
    /// Where it stands, with its sigil.
    pub span: Span,
}
