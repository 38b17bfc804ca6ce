//! The files that a script is made of, as one text.

use crate::span::Span;

/// Files, one after the other in one space of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    text: String,
    files: Vec<File>,
}

/// One of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What messages call it.
    pub name: String,
    /// Where its text is.
    pub span: Span,
}

impl Sources {
    /// One file.
    pub fn new(name: impl Into<String>, text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add(name, text);
        sources
    }

    /// Adds a file behind the others; gives where it is. The whole may not have 4 GiB or more.
    pub fn add(&mut self, name: impl Into<String>, text: &str) -> Span {
        if !self.files.is_empty() {
            // A file never runs into the next one.
            self.text.push('\n');
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        let span = Span::new(start, self.text.len() as u32);
        self.files.push(File { name: name.into(), span });
        span
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a span covers; nothing for one that is not in the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// All text from a byte on.
    pub fn rest(&self, at: u32) -> &str {
        self.text.get(at as usize..).unwrap_or("")
    }

    /// The file in which a byte is.
    pub fn file(&self, at: u32) -> Option<&File> {
        self.files.iter().rev().find(|file| file.span.start <= at).or(self.files.first())
    }

    /// The text of a file.
    pub fn text_of(&self, file: &File) -> &str {
        self.slice(file.span)
    }

    /// The name of the file in which a byte is.
    pub fn name(&self, at: u32) -> &str {
        self.file(at).map_or("", |file| &file.name)
    }

    /// Line and column, from 1, of a byte in its file.
    pub fn position(&self, at: u32) -> (u32, u32) {
        let start = self.file(at).map_or(0, |file| file.span.start as usize);
        let before = &self.text.as_bytes()[start..(at as usize).clamp(start, self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        (line as u32 + 1, column as u32 + 1)
    }

    /// `file:line:column` of a byte.
    pub fn place(&self, at: u32) -> String {
        let (line, column) = self.position(at);
        format!("{}:{line}:{column}", self.name(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_start_at_one() {
        let sources = Sources::new("a.bt", "ab\nc");
        assert_eq!(sources.position(0), (1, 1));
        assert_eq!(sources.position(3), (2, 1));
        assert_eq!(sources.position(99), (2, 2));
        assert_eq!(sources.place(4), "a.bt:2:2");
    }

    #[test]
    fn each_file_counts_for_itself() {
        let mut sources = Sources::new("a.bt", "ab\nc");
        let second = sources.add("b.bt", "x\ny");
        assert_eq!(second, Span::new(5, 8));
        assert_eq!(sources.slice(second), "x\ny");
        assert_eq!(sources.place(second.start + 2), "b.bt:2:1");
        assert_eq!(sources.place(3), "a.bt:2:1");
        assert_eq!(Sources::default().place(7), ":1:1");
    }
}
