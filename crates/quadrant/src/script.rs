//! Reading a script's file.

use std::fs::File;
use std::io;
use std::io::Read;

use quadrant_program::sources::Sources;

use quadrant_output::message::Place;

use crate::failure;
use crate::failure::Failure;

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

/// The same, for commands whose failure is told as all are.
///
/// # Errors
/// As for [`read_text`].
pub fn text_of(file: &str) -> Result<String, Failure> {
    let failed = |error| quadrant_bpf::Error::io(format!("cannot read {}", failure::shown(file)), &error);
    Ok(read_text(file).map_err(failed)?)
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
