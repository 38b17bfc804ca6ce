//! The syntax tree: what was written, with places, before any meaning.
//!
//! The parser keeps every tree shallow ([`MAX_DEPTH`]), so whoever walks one may recurse.

mod expr;
mod item;
mod stmt;
mod types;

pub use expr::{AssignOp, Callee, Expr, ExprKind, IfExpr, TypeArg};
pub use item::{
    AttachPart, AttachPoint, CDecl, CDeclKind, Config, ConfigEntry, ConfigValue, FnDef, Import, Item, MacroDef,
    MacroParam, MapDecl, Param, Predicate, Probe, Script,
};
pub use quadrant_syntax::op::{BinOp, UnOp};
pub use stmt::{Block, ForIter, Stmt, StmtKind};
pub use types::{Tag, TypeExpr, TypeKind};

use quadrant_program::span::Span;

/// How many levels a tree may have, from an item down to a leaf.
pub use quadrant_syntax::descent::MAX_DEPTH;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name, without sigil (`$`, `@`).
    pub name: String,
    /// Where it stands, with the sigil.
    pub span: Span,
}
