//! What can go wrong in compiling a typed program.

use std::fmt;

use quadrant_program::span::Span;

use crate::ssa::SsaError;

/// Result of a step of compilation.
pub(super) type Result<T> = std::result::Result<T, CompileError>;

/// Why a program cannot be compiled for this kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// The place in the script.
    pub span: Span,
    /// What is wrong: one line, lower case, no full stop.
    pub message: String,
    /// What to do instead, one line each.
    pub help: Vec<String>,
}

impl CompileError {
    /// An error at a place.
    pub(super) fn new(span: Span, message: impl Into<String>) -> CompileError {
        CompileError { span, message: message.into(), help: Vec::new() }
    }

    /// With advice.
    pub(super) fn help(mut self, text: impl Into<String>) -> CompileError {
        self.help.push(text.into());
        self
    }

    /// The typed program contradicts itself: a mistake of the front end, not of the script.
    pub(super) fn model(span: Span, what: impl fmt::Display) -> CompileError {
        CompileError::new(span, format!("malformed program: {what}"))
            .help("this is a bug in quadrant; please report it with the script")
    }

    /// The back end refused what lowering built.
    pub(super) fn back_end(span: Span, error: &SsaError) -> CompileError {
        CompileError::new(span, format!("code generation failed: {error}"))
            .help("this is a bug in quadrant; please report it with the script")
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|line| write!(f, "; {line}"))
    }
}

impl std::error::Error for CompileError {}
