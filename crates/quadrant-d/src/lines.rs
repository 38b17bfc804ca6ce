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
    /// How many files deep an inclusion is there; 0 in the script itself.
    depth: u32,
}

/// What a preprocessor's mark says of the file: `1` for one that starts, `2` for one that goes on behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Neither.
    None,
    /// An included file starts.
    Into,
    /// It has ended.
    Back,
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
    pub(crate) fn mark(&mut self, span: Span, number: u32, file: Option<String>, step: Step) {
        let file = file.or_else(|| self.marks.last().and_then(|mark| mark.file.clone()));
        let depth = self.marks.last().map_or(0, |mark| mark.depth);
        let depth = match step {
            Step::None => depth,
            Step::Into => depth.saturating_add(1),
            Step::Back => depth.saturating_sub(1),
        };
        self.marks.push(Mark { from: span.end, at: self.physical(span.end), number, file, depth });
    }

    /// Whether an offset is in a file that a preprocessor included.
    pub(crate) fn is_included(&self, offset: u32) -> bool {
        let before = self.marks.partition_point(|mark| mark.from < offset);
        before.checked_sub(1).is_some_and(|at| self.marks[at].depth > 0)
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
