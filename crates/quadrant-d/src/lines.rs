//! Which line of which file a place is in, `#line` taken into account.

use quadrant_program::span::Span;

/// Where the lines of a script start, and how `#line` renumbers them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    /// The offset of each line but the first.
    starts: Vec<u32>,
    marks: Vec<Mark>,
}

/// A `#line` line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    /// The offset behind which it holds.
    from: u32,
    /// The line, counted from zero, that it stands in.
    at: u32,
    /// The number of the line below it.
    number: u32,
    file: Option<String>,
}

/// A place for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position<'a> {
    /// The file that `#line` named, if any.
    pub file: Option<&'a str>,
    /// The line, from 1.
    pub line: u32,
}

impl Lines {
    /// The lines of a text from the offset `from` on, where the first one starts.
    pub fn new(source: &str, from: u32) -> Lines {
        let bytes = source.bytes().enumerate().skip(from as usize);
        let starts = bytes.filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        Lines { starts: starts.collect(), marks: Vec::new() }
    }

    /// `#line number "file"` at `span`; a file that is not named stays the one named before.
    pub(crate) fn mark(&mut self, span: Span, number: u32, file: Option<String>) {
        let file = file.or_else(|| self.marks.last().and_then(|mark| mark.file.clone()));
        self.marks.push(Mark { from: span.end, at: self.physical(span.end), number, file });
    }

    /// Whether lines are said to be those of files, as a preprocessor says of what it included.
    pub(crate) fn names_files(&self) -> bool {
        self.marks.iter().any(|mark| mark.file.is_some())
    }

    /// The place of an offset in the text.
    pub fn position(&self, offset: u32) -> Position<'_> {
        let line = self.physical(offset);
        match self.marks.iter().rev().find(|mark| mark.from < offset) {
            Some(mark) => {
                let below = line.saturating_sub(mark.at + 1);
                Position { file: mark.file.as_deref(), line: mark.number.saturating_add(below) }
            }
            None => Position { file: None, line: line + 1 },
        }
    }

    /// The line, counted from zero, before any renumbering.
    fn physical(&self, offset: u32) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32
    }
}
