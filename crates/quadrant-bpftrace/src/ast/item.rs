//! What stands at the top of a script: probes, declarations, C text.

use super::{Block, Expr, Ident, Tag, TypeExpr};
use quadrant_program::span::Span;

/// A whole script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The `#!` line, without its end.
    pub shebang: Option<Span>,
    /// Everything else, in source order.
    pub items: Vec<Item>,
}

/// One thing at the top of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// C text: preprocessor lines and type definitions.
    C(CDecl),
    /// `config = { }`
    Config(Config),
    /// `import "x"`
    Import(Import),
    /// `macro m() { }`
    Macro(MacroDef),
    /// `fn f() : t { }`
    Fn(FnDef),
    /// `let @m = hash(10)`
    MapDecl(MapDecl),
    /// `kprobe:f { }`
    Probe(Probe),
}

/// One piece of C text, kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CDecl {
    /// The whole piece.
    pub span: Span,
    /// Its text.
    pub text: String,
    /// What it is.
    pub kind: CDeclKind,
}

/// What a piece of C text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CDeclKind {
    /// A preprocessor line: its word (`define`, `include`, `ifdef`) and the rest of it.
    Directive {
        /// The word after the `#`.
        word: String,
        /// What follows, continuation lines included.
        rest: Span,
    },
    /// `struct s { … };`
    Tagged {
        /// Which kind.
        tag: Tag,
        /// The name; a nameless `enum` has none.
        name: Option<Ident>,
        /// What stands between the braces; nothing for a forward declaration.
        body: Option<Span>,
    },
    /// `typedef …;`
    Typedef,
}

/// `config = { key = value; … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The whole block.
    pub span: Span,
    /// The settings, in order.
    pub entries: Vec<ConfigEntry>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The key as written.
    pub key: Ident,
    /// The value.
    pub value: ConfigValue,
    /// Where the value stands.
    pub value_span: Span,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigValue {
    /// A number.
    Int(u64),
    /// `true` or `false`
    Bool(bool),
    /// A string or a bare word.
    Text(String),
}

/// `import "x"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The whole statement.
    pub span: Span,
    /// What is imported.
    pub path: Ident,
}

/// `macro name($v, @m, e) { }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroDef {
    /// The whole definition.
    pub span: Span,
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub params: Vec<MacroParam>,
    /// What a call stands for.
    pub body: Block,
}

/// One parameter of a macro; the sigil says what may be passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MacroParam {
    /// `$v`: a variable, by reference.
    Var(Ident),
    /// `@m`: a map.
    Map(Ident),
    /// `e`: any expression.
    Expr(Ident),
    /// `typeof(T)`: any type, bound to a name.
    Type(Ident),
}

/// `fn f($a : t, …) : t { }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FnDef {
    /// The whole definition.
    pub span: Span,
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The type of its result.
    pub result: Option<TypeExpr>,
    /// Its body.
    pub body: Block,
}

/// One parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: TypeExpr,
}

/// `let @m = hash(10)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapDecl {
    /// The whole declaration.
    pub span: Span,
    /// The map's name.
    pub name: Ident,
    /// The kind of map.
    pub kind: Ident,
    /// What stands between the parentheses.
    pub args: Vec<Expr>,
}

/// Attach points, predicate and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The whole of it.
    pub span: Span,
    /// Where it attaches.
    pub attach: Vec<AttachPoint>,
    /// When it runs.
    pub predicate: Option<Predicate>,
    /// What it does.
    pub body: Block,
}

/// `/e/`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// From slash to slash.
    pub span: Span,
    /// The condition.
    pub expr: Expr,
}

/// One attach point, split at its colons; the meaning of the parts is the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachPoint {
    /// The whole of it.
    pub span: Span,
    /// The name given to it (`name=probe:…`).
    pub name: Option<Ident>,
    /// The parts; the first is the probe type as written.
    pub parts: Vec<AttachPart>,
}

/// One part of an attach point, quotes taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachPart {
    /// Where it stands, with its quotes.
    pub span: Span,
    /// The text; wildcards and positional parameters are still in it.
    pub text: String,
    /// Some of it stood in quotes, so colons, commas and blanks may be in it.
    pub quoted: bool,
}
