//! Reading a script's file.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;

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
/// It cannot be read, or is no text.
pub fn read_text(file: &str) -> io::Result<String> {
    decode(&read(file)?)
}

/// A script as text. What is no UTF-8, as in comments of another encoding, becomes the escape that means it in quotes:
/// `\351`.
///
/// # Errors
/// There is a zero byte in it, which no text has.
pub fn decode(script: &[u8]) -> io::Result<String> {
    if let Some(at) = script.iter().position(|&byte| byte == 0) {
        let line = script[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        return Err(io::Error::other(format!("it is no text: line {line} has a zero byte")));
    }
    let mut text = String::with_capacity(script.len());
    for chunk in script.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\{byte:03o}")));
    }
    Ok(text)
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
    fn other_encodings_become_escapes() {
        assert_eq!(decode(b"// Jos\xe9\n\"\xff1 \xc3\xa9\"").unwrap(), "// Jos\\351\n\"\\3771 \u{e9}\"");
        assert!(decode(b"a\n\x7fELF\0").unwrap_err().to_string().contains("line 2 has a zero byte"));
    }

    #[test]
    fn a_device_does_not_fill_the_memory() {
        assert!(read("/dev/zero").unwrap_err().to_string().contains("longer than 16 MiB"));
    }
}
