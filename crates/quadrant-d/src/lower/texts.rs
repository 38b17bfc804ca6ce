//! All texts of a program in one space of offsets: sources, then libraries as they are used.

use quadrant_program::span::Span;

use crate::lines::Lines;
use crate::{Mode, Parsed};

/// Texts, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// All of them.
    pub text: String,
    /// Which is where.
    pub parts: Vec<Part>,
}

/// One text.
#[derive(Clone, Debug)]
pub struct Part {
    /// What messages call it.
    pub name: String,
    /// Which of the sources it is; `None` for what a library or a provider brings.
    pub source: Option<usize>,
    /// Where it is in the whole.
    pub span: Span,
    lines: Lines,
}

/// A place in one text.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The text; `None` if there is none at all.
    pub part: Option<&'a Part>,
    /// The file that a `#line` in the text names.
    pub file: Option<&'a str>,
    /// Line, from 1, as `#line` counts.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
}

impl Texts {
    /// Adds a script and parses it.
    pub(super) fn parse(&mut self, name: &str, source: Option<usize>, text: &str, mode: Mode) -> Parsed {
        let span = self.add(name, source, text);
        let parsed = crate::parse_part(&self.text, span, mode);
        if let Some(part) = self.parts.last_mut() {
            part.lines = parsed.lines.clone();
        }
        parsed
    }

    /// Adds a text; gives where it is.
    pub(super) fn add(&mut self, name: &str, source: Option<usize>, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        // A text never runs into the next one.
        self.text.push('\n');
        let span = Span::new(start, start + text.len() as u32);
        self.parts.push(Part { name: name.to_owned(), source, span, lines: Lines::new("", 0) });
        span
    }

    /// The end of the last source.
    pub(super) fn end_of_sources(&self) -> Span {
        let last = self.parts.iter().rev().find(|part| part.source.is_some());
        let end = last.map_or(0, |part| part.span.end);
        Span::new(end, end)
    }

    /// Where a span starts.
    pub fn place(&self, span: Span) -> Place<'_> {
        let part = self.parts.iter().rev().find(|part| part.span.start <= span.start);
        let start = part.map_or(0, |part| part.span.start as usize);
        let position = part.map(|part| part.lines.position(span.start));
        let (file, line) = position.map_or((None, 1), |position| (position.file, position.line));
        let before = self.text.get(start..span.start as usize).unwrap_or_default();
        let column = (before.len() - before.rfind('\n').map_or(0, |at| at + 1)) as u32 + 1;
        Place { part, file, line, column }
    }
}
