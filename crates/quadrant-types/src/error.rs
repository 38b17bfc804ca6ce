//! The one error type of this crate.

use std::fmt;

/// What went wrong while reading types; the text says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeError {
    /// BTF data that breaks the format's rules.
    MalformedBtf {
        /// What is wrong.
        what: &'static str,
        /// Byte offset in the data.
        offset: usize,
    },
    /// A tracefs `format` file that breaks the format's rules.
    MalformedFormat {
        /// What is wrong.
        what: &'static str,
        /// Line, counted from 1.
        line: usize,
    },
    /// Text that should be a C type and is not.
    TypeSyntax {
        /// The whole text.
        text: String,
        /// Byte offset in the text.
        offset: usize,
        /// What was expected there.
        expected: &'static str,
    },
    /// A type that neither the script nor the kernel's BTF defines.
    UnknownType {
        /// The type as it was asked for, e.g. `struct tsk_struct`.
        name: String,
        /// The nearest existing name, ready to be shown.
        suggestion: Option<String>,
    },
    /// A kernel function or event that BTF does not describe.
    NotInBtf {
        /// What was asked for, e.g. ``function `vfs_raed` ``.
        name: String,
        /// The nearest existing name.
        suggestion: Option<String>,
    },
    /// No BTF can be had at all.
    NoBtf {
        /// Why, with the remedy.
        reason: String,
    },
    /// A type definition of the script that cannot be laid out.
    BadDefinition {
        /// The type's name.
        name: String,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedBtf { what, offset } => {
                write!(f, "malformed BTF at byte {offset}: {what}")
            }
            Self::MalformedFormat { what, line } => {
                write!(f, "malformed tracefs format file, line {line}: {what}")
            }
            Self::TypeSyntax { text, offset, expected } => {
                write!(f, "`{text}` is not a C type: expected {expected} at character {}", offset + 1)
            }
            Self::UnknownType { name, suggestion } => {
                write!(f, "unknown type `{name}`")?;
                write_suggestion(f, suggestion.as_deref())
            }
            Self::NotInBtf { name, suggestion } => {
                write!(f, "the kernel's BTF does not describe {name}")?;
                write_suggestion(f, suggestion.as_deref())
            }
            Self::NoBtf { reason } => write!(f, "no kernel type information (BTF): {reason}"),
            Self::BadDefinition { name, what } => write!(f, "cannot define `{name}`: {what}"),
        }
    }
}

fn write_suggestion(f: &mut fmt::Formatter<'_>, suggestion: Option<&str>) -> fmt::Result {
    match suggestion {
        Some(name) => write!(f, "; did you mean `{name}`?"),
        None => Ok(()),
    }
}

impl std::error::Error for TypeError {}
