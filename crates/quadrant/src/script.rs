//! Reading a script's file.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use quadrant_program::sources::Sources;

use quadrant_output::message::Place;

use crate::encoding;
use crate::encoding::not_utf8;
use crate::failure;
use crate::failure::Failure;
use crate::output_file;

/// Longest script, so that a device or a wrong file cannot fill the memory.
const LONGEST: u64 = 16 << 20;

/// A name of standard input's file.
const STANDARD_INPUT: &str = "/dev/stdin";

/// The content of a script's file, which nothing is written over from now on; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is too long.
pub fn read(file: &str) -> io::Result<Vec<u8>> {
    output_file::keep(Path::new(if file == "-" { STANDARD_INPUT } else { file }));
    match file {
        "-" => read_from(io::stdin().lock()),
        _ => read_from(File::open(file)?),
    }
}

fn read_from(file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("it is longer than {} MiB, and no script is", LONGEST >> 20)));
    }
    Ok(content)
}

/// The text of a script's file; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is no text.
pub fn read_text(file: &str) -> io::Result<String> {
    encoding::decode(&read(file)?)
}

/// The same, for commands whose failure is told as all are.
///
/// # Errors
/// As for [`read_text`].
pub fn text_of(file: &str) -> Result<String, Failure> {
    let failed = |error| quadrant_bpf::Error::io(format!("cannot read {}", failure::shown(file)), &error);
    Ok(read_text(file).map_err(failed)?)
}

/// The text of a word of the command line.
///
/// # Errors
/// It is no text in UTF-8.
pub fn word(word: &OsStr) -> Result<String, String> {
    let bytes = word.as_bytes();
    let text = str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()));
    text.map(str::to_owned).map_err(|why| format!("a word of the command line cannot be read: {why}"))
}

/// Whether a script is in D, by its name.
pub fn is_d(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "d")
}

/// The bytes from `start` to before `end` of a script.
pub fn range(script: &Sources, start: u32, end: u32) -> Place<'_> {
    let ((line, column), (_, end_column)) = (script.position(start), script.position(end));
    Place { file: script.name(start), line, column, end_column }
}

/// An error of the system without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_texts() {
        let error = word(OsStr::from_bytes(b"BEGIN { }\n\"\xe9")).unwrap_err();
        assert_eq!(error, "a word of the command line cannot be read: line 2, byte 2 of it (0xe9) is no text in UTF-8");
    }

    #[test]
    fn a_device_does_not_fill_the_memory() {
        assert!(read("/dev/zero").unwrap_err().to_string().contains("longer than 16 MiB"));
    }
}
