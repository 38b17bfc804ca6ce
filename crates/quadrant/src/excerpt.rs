//! The part of a script that a message shows.

use quadrant_program::sources::Sources;
use quadrant_program::span::Span;
use std::ops::Range;

/// Bytes of a line from which on it is not shown whole.
const LONG: usize = 2_000;
/// What is shown of such a line before its mark, of the mark, and behind it.
const PARTS: [usize; 3] = [300, 600, 300];

/// The lines that a message marks; of lines without end only what is near the mark.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt<'a> {
    /// The text, from the start of the first line unless that is cut.
    pub text: &'a str,
    /// What is marked in it.
    pub marked: Range<usize>,
    /// The column of the mark in the whole line, in characters from 1.
    pub column: usize,
    /// Whether something of the first line, and of the last one, is left out.
    pub is_cut: (bool, bool),
}

impl<'a> Excerpt<'a> {
    /// What a span covers, with the lines around it; nothing of a file that is not there.
    pub fn new(script: &'a Sources, span: Span) -> Excerpt<'a> {
        let Some(file) = script.file(span.start) else { return Excerpt::part("", 0..0, 0..0) };
        let text = script.text_of(file);
        let at = |offset: u32| floor(text, offset.saturating_sub(file.span.start) as usize);
        let marked = at(span.start)..at(span.end.max(span.start));
        let start = text[..marked.start].rfind('\n').map_or(0, |end| end + 1);
        // A mark that ends with a line does not reach into the next one.
        let last = marked.end.saturating_sub(1).max(marked.start);
        let last = floor(text, last);
        let end = text[last..].find('\n').map_or(text.len(), |end| last + end);
        let column = text[start..marked.start].chars().count() + 1;
        if text[start..end].lines().all(|line| line.len() <= LONG) {
            return Excerpt { column, ..Excerpt::part(text, start..end, marked) };
        }
        let marked = marked.start..floor(text, marked.end.min(marked.start + PARTS[1]));
        let shown =
            floor(text, start.max(marked.start.saturating_sub(PARTS[0])))..floor(text, end.min(marked.end + PARTS[2]));
        let is_cut = (shown.start > start, shown.end < end);
        Excerpt { is_cut, column, ..Excerpt::part(text, shown, marked) }
    }

    fn part(text: &'a str, shown: Range<usize>, marked: Range<usize>) -> Excerpt<'a> {
        let end = marked.end.min(shown.end).max(marked.start);
        let marked = marked.start - shown.start..end - shown.start;
        Excerpt { text: &text[shown], marked, column: 1, is_cut: (false, false) }
    }
}

/// The start of the character that a byte belongs to; the end for a byte behind it.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, start: u32, end: u32) -> (String, String, (bool, bool)) {
        let script = Sources::new("a.bt", text);
        let excerpt = Excerpt::new(&script, Span::new(start, end));
        (excerpt.text.to_owned(), excerpt.text[excerpt.marked].to_owned(), excerpt.is_cut)
    }

    fn whole(text: &str, marked: &str) -> (String, String, (bool, bool)) {
        (text.to_owned(), marked.to_owned(), (false, false))
    }

    #[test]
    fn lines_are_whole() {
        assert_eq!(excerpt("ab\ncd e\nf", 6, 7), whole("cd e", "e"));
        assert_eq!(excerpt("ab\ncd e\nf", 1, 4), whole("ab\ncd e", "b\nc"));
        assert_eq!(excerpt("ab\ncd\n", 3, 6), whole("cd", "cd"));
        assert_eq!(excerpt("é", 1, 900), whole("é", "é"));
        assert_eq!(excerpt("", 7, 9), whole("", ""));
    }

    #[test]
    fn of_a_line_without_end_what_is_near_the_mark_is_shown() {
        let line = format!("{}here{}", "日".repeat(20_000), "y".repeat(60_000));
        let (text, marked, is_cut) = excerpt(&format!("a\n{line}\nb"), 60_002, 60_006);
        assert_eq!(text, format!("{}here{}", "日".repeat(100), "y".repeat(300)));
        assert_eq!((marked.as_str(), is_cut), ("here", (true, true)));
        let (text, marked, is_cut) = excerpt(&line, 60_004, 120_000);
        assert_eq!((text.len(), marked.len(), is_cut), (1_201, 600, (true, true)));
    }
}
