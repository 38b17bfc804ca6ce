//! Scripts in other encodings than UTF-8.

use std::io;

/// A script as text. What is no UTF-8 becomes the escape that means it: `\351`; in comments it means nothing.
///
/// # Errors
/// There is a zero byte in it, which no text has, or a byte of another encoding where no escape would mean it, as in a
/// path.
pub fn decode(script: &[u8]) -> io::Result<String> {
    if let Some(at) = script.iter().position(|&byte| byte == 0) {
        let line = script[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        return Err(io::Error::other(format!("it is no text: line {line} has a zero byte")));
    }
    let mut text = String::with_capacity(script.len());
    let (mut scan, mut at) = (Scan::default(), 0);
    for chunk in script.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.valid().bytes().for_each(|byte| scan.pass(byte));
        at += chunk.valid().len();
        for &byte in chunk.invalid() {
            let escape = scan
                .escape(byte)
                .ok_or_else(|| io::Error::other(format!("{}; `iconv` can convert the file", not_utf8(script, at))))?;
            text.push_str(&escape);
            at += 1;
        }
    }
    Ok(text)
}

/// What is no text, and where.
pub fn not_utf8(bytes: &[u8], at: usize) -> String {
    let before = &bytes[..at];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
    let byte = bytes.get(at).copied().unwrap_or_default();
    format!("line {line}, byte {column} of it (0x{byte:02x}) is no text in UTF-8")
}

/// What the bytes of a script are part of, as far as both languages have it alike.
#[derive(Clone, Copy, Default)]
enum Part {
    #[default]
    Code,
    /// A text or a character constant that ends with that quote.
    Quoted(u8),
    LineComment,
    BlockComment,
}

/// A walk over a script's bytes.
#[derive(Default)]
struct Scan {
    part: Part,
    /// The byte before, if it can mean something together with the next one.
    last: u8,
}

impl Scan {
    fn pass(&mut self, byte: u8) {
        (self.part, self.last) = match (self.part, self.last, byte) {
            (Part::Quoted(_), b'\\', _) => (self.part, 0),
            (Part::Quoted(quote), _, _) if byte == quote => (Part::Code, 0),
            (Part::Code, _, b'"' | b'\'') => (Part::Quoted(byte), 0),
            (Part::Code, b'/', b'/') => (Part::LineComment, 0),
            (Part::Code, b'/', b'*') => (Part::BlockComment, 0),
            (Part::LineComment, _, b'\n') | (Part::BlockComment, b'*', b'/') => (Part::Code, 0),
            _ => (self.part, byte),
        };
    }

    /// What stands for a byte of another encoding here; `None` where nothing can.
    fn escape(&mut self, byte: u8) -> Option<String> {
        let is_escaped = self.last == b'\\';
        self.last = 0;
        match self.part {
            Part::Code => None,
            // The backslash before the byte is one of the text, as no escape has such a letter.
            Part::Quoted(_) if is_escaped => Some(format!("\\\\{byte:03o}")),
            _ => Some(format!("\\{byte:03o}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_become_escapes() {
        let text = b"// Jos\xe9\n/* \xe9 */ \"\xff1 \xc3\xa9\" '\xe9'";
        assert_eq!(decode(text).unwrap(), "// Jos\\351\n/* \\351 */ \"\\3771 \u{e9}\" '\\351'");
        assert!(decode(b"a\n\x7fELF\0").unwrap_err().to_string().contains("line 2 has a zero byte"));
    }

    #[test]
    fn a_backslash_before_a_byte_stays_one() {
        assert_eq!(decode(b"\"\\\xe9\"").unwrap(), r#""\\\351""#);
        assert_eq!(decode(b"\"\\\\\xe9\"").unwrap(), r#""\\\351""#);
        assert_eq!(decode(b"\"\\\"\xe9\"").unwrap(), r#""\"\351""#);
    }

    #[test]
    fn a_byte_outside_of_texts_is_an_error() {
        for text in [&b"BEGIN { }\nuprobe:/\xe9:f { }"[..], b"/* \" */ \"a\"\n/ '\\'' \xe9"] {
            let error = decode(text).unwrap_err().to_string();
            assert!(error.starts_with("line 2, byte "), "{error}");
            assert!(error.ends_with(" of it (0xe9) is no text in UTF-8; `iconv` can convert the file"), "{error}");
        }
    }
}
