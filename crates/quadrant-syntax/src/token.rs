//! The kinds of token.

use quadrant_program::span::Span;

/// One token: its kind and where it stands; the text is looked up by span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Tok,
    /// Where it stands.
    pub span: Span,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the punctuation names say it all")]
pub enum Tok {
    /// End of the text.
    Eof,
    /// A word: keyword, builtin, function, type, field.
    Ident,
    /// An integer literal, with its suffix.
    Int,
    /// A floating-point literal; D only, which refuses it.
    Float,
    /// A string literal, with its quotes.
    Str,
    /// A character literal, with its quotes; D only.
    Char,
    /// `$x`: a scratch variable, or in D a macro variable.
    Var,
    /// A positional parameter, `$1`.
    Param,
    /// A positional parameter as text, `$$1`; D only.
    ParamText,
    /// The number of positional parameters, `$#`; bpftrace only.
    ParamCount,
    /// A map or aggregation, `@` or `@x`.
    Map,
    LParen,
    RParen,
    LBrace,
    RBrace,
    LBracket,
    RBracket,
    Semi,
    Comma,
    Dot,
    DotDot,
    /// `...`; D only.
    Ellipsis,
    Arrow,
    Colon,
    Question,
    Assign,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Amp,
    Pipe,
    Caret,
    Tilde,
    Bang,
    AndAnd,
    OrOr,
    /// `^^`; D only.
    CaretCaret,
    Shl,
    Shr,
    EqEq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    PlusPlus,
    MinusMinus,
    PlusAssign,
    MinusAssign,
    StarAssign,
    SlashAssign,
    PercentAssign,
    AmpAssign,
    PipeAssign,
    CaretAssign,
    ShlAssign,
    ShrAssign,
    /// `#`, which only starts a preprocessor line.
    Hash,
    /// A string without its closing quote.
    UnterminatedStr,
    /// A character without its closing quote.
    UnterminatedChar,
    /// A `/*` without its `*/`; covers the rest of the text.
    UnterminatedComment,
    /// A comment in which another one begins, up to the first `*/`; only where the language has a mistake there.
    NestedComment,
    /// A character that starts no token.
    Unknown,
}

/// All punctuation of both languages, longest first, so that the first match is the right one.
pub(crate) const PUNCTUATION: &[(&str, Tok)] = &[
    ("<<=", Tok::ShlAssign),
    (">>=", Tok::ShrAssign),
    ("..", Tok::DotDot),
    ("->", Tok::Arrow),
    ("&&", Tok::AndAnd),
    ("||", Tok::OrOr),
    ("<<", Tok::Shl),
    (">>", Tok::Shr),
    ("==", Tok::EqEq),
    ("!=", Tok::NotEq),
    ("<=", Tok::LessEq),
    (">=", Tok::GreaterEq),
    ("++", Tok::PlusPlus),
    ("--", Tok::MinusMinus),
    ("+=", Tok::PlusAssign),
    ("-=", Tok::MinusAssign),
    ("*=", Tok::StarAssign),
    ("/=", Tok::SlashAssign),
    ("%=", Tok::PercentAssign),
    ("&=", Tok::AmpAssign),
    ("|=", Tok::PipeAssign),
    ("^=", Tok::CaretAssign),
    ("(", Tok::LParen),
    (")", Tok::RParen),
    ("{", Tok::LBrace),
    ("}", Tok::RBrace),
    ("[", Tok::LBracket),
    ("]", Tok::RBracket),
    (";", Tok::Semi),
    (",", Tok::Comma),
    (".", Tok::Dot),
    (":", Tok::Colon),
    ("?", Tok::Question),
    ("=", Tok::Assign),
    ("+", Tok::Plus),
    ("-", Tok::Minus),
    ("*", Tok::Star),
    ("/", Tok::Slash),
    ("%", Tok::Percent),
    ("&", Tok::Amp),
    ("|", Tok::Pipe),
    ("^", Tok::Caret),
    ("~", Tok::Tilde),
    ("!", Tok::Bang),
    ("<", Tok::Less),
    (">", Tok::Greater),
    ("#", Tok::Hash),
];
