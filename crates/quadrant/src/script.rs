//! Reading a script's file.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::string::FromUtf8Error;

use quadrant_program::sources::Sources;

use quadrant_output::message::Place;

use crate::failure;
use crate::failure::Failure;

/// Longest script, so that a device or a wrong file cannot fill the memory.
const LONGEST: u64 = 16 << 20;

/// The content of a script's file; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is too long.
pub fn read(file: &str) -> io::Result<Vec<u8>> {
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
/// It cannot be read, or is no text in UTF-8.
pub fn read_text(file: &str) -> io::Result<String> {
    String::from_utf8(read(file)?).map_err(|error| io::Error::other(not_utf8(&error)))
}

/// What is no text, and where: in comments of old scripts it is often another encoding.
fn not_utf8(error: &FromUtf8Error) -> String {
    let at = error.utf8_error().valid_up_to();
    let before = &error.as_bytes()[..at];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
    let byte = error.as_bytes().get(at).copied().unwrap_or_default();
    format!("line {line}, byte {column} of it (0x{byte:02x}) is no text in UTF-8; `iconv` can convert the file")
}

/// The same, for commands whose failure is told as all are.
///
/// # Errors
/// As for [`read_text`].
pub fn text_of(file: &str) -> Result<String, Failure> {
    let failed = |error| quadrant_bpf::Error::io(format!("cannot read {}", failure::shown(file)), &error);
    Ok(read_text(file).map_err(failed)?)
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
    fn what_is_no_text_is_pointed_at() {
        let error = String::from_utf8(b"BEGIN { }\n// Jos\xe9\n".to_vec()).unwrap_err();
        assert!(not_utf8(&error).starts_with("line 2, byte 7 of it (0xe9)"), "{}", not_utf8(&error));
    }

    #[test]
    fn a_device_does_not_fill_the_memory() {
        assert!(read("/dev/zero").unwrap_err().to_string().contains("longer than 16 MiB"));
    }
}
