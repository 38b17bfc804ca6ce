//! A script, where it comes from, and places in it.

use std::fs::File;
use std::io;
use std::io::Read;

use quadrant_output::message::Place;

/// Longest script, so that a device or a wrong file cannot fill the memory.
const LONGEST: u64 = 64 << 20;

/// The content of a script's file; `-` is standard input.
///
/// # Errors
/// It cannot be read.
pub fn read(file: &str) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    match file {
        "-" => io::stdin().lock().take(LONGEST).read_to_end(&mut content)?,
        _ => File::open(file)?.take(LONGEST).read_to_end(&mut content)?,
    };
    Ok(content)
}

/// The text of a script's file; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is no text in UTF-8.
pub fn read_text(file: &str) -> io::Result<String> {
    io::read_to_string(read(file)?.as_slice())
}

/// A script and what it is called in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// File name, or what stands for it.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Script {
    /// Line and column, from 1, of a byte.
    pub fn position(&self, at: u32) -> (u32, u32) {
        let before = &self.text.as_bytes()[..(at as usize).min(self.text.len())];
        let line = before.iter().filter(|b| **b == b'\n').count();
        let column = before.iter().rev().take_while(|b| **b != b'\n').count();
        (line as u32 + 1, column as u32 + 1)
    }

    /// The bytes from `start` to before `end`.
    pub fn range(&self, start: u32, end: u32) -> Place<'_> {
        let ((line, column), (_, end_column)) = (self.position(start), self.position(end));
        Place { file: &self.name, line, column, end_column }
    }

    /// `file:line:column` of a byte.
    pub fn place(&self, at: u32) -> String {
        let (line, column) = self.position(at);
        format!("{}:{line}:{column}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_start_at_one() {
        let script = Script { name: "a.bt".into(), text: "ab\nc".into() };
        assert_eq!(script.position(0), (1, 1));
        assert_eq!(script.position(3), (2, 1));
        assert_eq!(script.position(99), (2, 2));
        assert_eq!(script.place(4), "a.bt:2:2");
    }
}
