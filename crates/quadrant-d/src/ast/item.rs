//! What stands at the top of a script: clauses, declarations.

use crate::lexer::{IntError, int_value};

use super::{Block, Declaration, Expr, Inline, Pragma, ProviderDef, Translator};
use quadrant_program::span::Span;

/// A whole script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The `#!` line, without its end.
    pub shebang: Option<Span>,
    /// `#pragma` and `#ident` lines, in source order. Those that depend on their place (attributes of something that was
    /// declared before) are put in order with [`Self::items`] by their spans.
    pub pragmas: Vec<Pragma>,
    /// Everything else, in source order.
    pub items: Vec<Item>,
}

/// One thing at the top of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `syscall:::entry /pid/ { trace(1); }`
    Clause(Clause),
    /// `inline int n = 1;`
    Inline(Inline),
    /// `translator out_t < struct in *p > { member = expr; };`
    Translator(Translator),
    /// `provider x { probe a__b(int); };`
    Provider(ProviderDef),
    /// `struct s { int a; };`, `typedef int t;`, `int a[string, int];`, `self int b;`
    Declaration(Declaration),
}

/// Probe specifiers, predicate and actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The whole of it.
    pub span: Span,
    /// Where it fires; there is at least one unless an error was reported.
    pub probes: Vec<ProbeSpec>,
    /// When it runs.
    pub predicate: Option<Predicate>,
    /// What it does; nothing when there are no braces (default action, as for `{ }`).
    pub body: Option<Block>,
}

/// `/e/`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// From slash to slash.
    pub span: Span,
    /// The condition.
    pub expr: Expr,
}

/// One probe specifier: the text as written, and after [`crate::macros::expand`] with its macro variables replaced.
///
/// [`crate::desc::ProbeDesc`] reads the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeSpec {
    /// The whole of it.
    pub span: Span,
    /// Its text, without blanks around it: `pid$target:libc::entry`, `BEGIN`, `123`.
    pub text: String,
}

impl ProbeSpec {
    /// The probe's number, if the specifier is one, in any notation of C: `123 { … }`, `0x7b`, `0173`.
    ///
    /// # Errors
    /// A number that no probe can have.
    pub fn id(&self) -> Option<Result<u32, IdError>> {
        let text = self.text.as_str();
        let is_number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        };
        is_number.then(|| probe_id(text))
    }

    /// The parts between the colons, at most four of them usual, with the place of each. After macro variables were
    /// replaced the places are those of the whole specifier.
    pub fn fields(&self) -> Vec<(&str, Span)> {
        let exact = self.text.len() == (self.span.end - self.span.start) as usize;
        let mut at = self.span.start;
        let fields = self.text.split(':').map(|field| {
            let span = Span::new(at, at + field.len() as u32);
            at = span.end + 1;
            (field, if exact { span } else { self.span })
        });
        fields.collect()
    }
}

/// What is wrong with the number of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdError {
    /// The error's tag.
    pub tag: &'static str,
    /// One line.
    pub message: String,
}

fn probe_id(text: &str) -> Result<u32, IdError> {
    let error = |tag, message| IdError { tag, message };
    let value = int_value(text).map(|literal| literal.value).map_err(|why| match why {
        IntError::BadDigit(digit) => error("D_INT_DIGIT", format!("constant {text} contains invalid digit {digit}")),
        IntError::TooLarge | IntError::NoDigits | IntError::BadSuffix(_) => {
            error("D_INT_OFLOW", format!("constant {text} results in integer overflow"))
        }
    })?;
    u32::try_from(value).map_err(|_| error("D_PDESC_INVAL", format!("identifier {value} exceeds maximum probe id")))
}
