//! Functions in C that a script brings in and calls.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::program::Program;
use crate::span::Span;

/// A file in C, compiled.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// What messages call it.
    pub name: String,
    /// Its file, as the compiler was told.
    pub path: PathBuf,
    /// The statement that brings it in.
    pub span: Span,
    /// Its lines among the script's texts.
    pub lines: Vec<Span>,
    /// The object that the compiler made of it.
    pub object: Arc<[u8]>,
    /// What can be called.
    pub functions: Vec<Signature>,
}

/// A function's name and types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<Value>,
    /// Its result, if it has one.
    pub result: Option<Value>,
}

/// What a register holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, or a constant of an enumeration.
    Number {
        /// Width.
        bytes: u8,
        /// With a sign.
        signed: bool,
    },
    /// `_Bool`.
    Truth,
    /// An address.
    Address(Target),
    /// What no register holds, as C writes it.
    Other(String),
}

/// What is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A struct of that name.
    Struct(String),
    /// A number.
    Number {
        /// Width.
        bytes: u8,
        /// With a sign.
        signed: bool,
    },
    /// Anything else.
    Unknown,
}

/// Without the bytes and places, which say nothing to a reader.
impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("name", &self.name).field("functions", &self.functions).finish_non_exhaustive()
    }
}

impl Import {
    /// A line of its text by its number, from 1; else the statement that brings it in.
    pub fn line(&self, number: usize) -> Span {
        number.checked_sub(1).and_then(|at| self.lines.get(at)).copied().unwrap_or(self.span)
    }
}

impl Program {
    /// The number by which [`crate::expr::Function::Imported`] means a function.
    pub fn imported_number(&self, name: &str) -> Option<u32> {
        let mut names = self.imports.iter().flat_map(|import| &import.functions);
        names.position(|function| function.name == name).and_then(|at| u32::try_from(at).ok())
    }

    /// The function with a number, and the index of its file.
    pub fn imported(&self, number: u32) -> Option<(usize, &Signature)> {
        let functions =
            self.imports.iter().enumerate().flat_map(|(at, import)| import.functions.iter().map(move |it| (at, it)));
        functions.into_iter().nth(number as usize)
    }
}
