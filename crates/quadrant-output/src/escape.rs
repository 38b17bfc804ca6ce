//! Text that the traced program chose, made safe to show.
//!
//! A traced program chooses its own name, its file names, its symbols. Printed raw, they could move the cursor, retitle the window,
//! forge lines of output or reorder text. So every such byte goes through [`text`] (terminals and files) or [`json`]:
//!
//! * printable characters of valid UTF-8 are kept;
//! * C0 controls, DEL and bytes that are not UTF-8 become `\xNN`; newline, carriage return and tab become `\n`, `\r`, `\t`, so that one
//!   record stays one line;
//! * C1 controls, line and paragraph separators, bidirectional controls and other invisible formatting become `\u{N}`.
//!
//! A backslash is kept as it is, so the text form is for reading; the JSON form is lossless.

/// Bytes written as lowercase hexadecimal digits.
pub(crate) const HEX: &[u8; 16] = b"0123456789abcdef";

/// First of the characters that stand for single bytes in JSON: byte `0xNN` is `U+EFNN`.
const BYTE_BASE: u32 = 0xef00;

/// Append text for a terminal or a file.
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    if plain(bytes) {
        out.extend_from_slice(bytes);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| text_char(out, c));
        chunk.invalid().iter().for_each(|b| hex_byte(out, *b));
    }
}

/// Append a byte as `\xNN`.
pub fn hex_byte(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Append bytes as a JSON string, quotes included.
///
/// Valid UTF-8 is itself. A byte `0xNN` that is not part of valid UTF-8 becomes the private-use character `U+EFNN` (`U+EF80` to
/// `U+EFFF`); text that really has such a character is taken apart into its three bytes in the same way. So a reader gets the bytes back:
/// each of these characters is one byte, everything else is its UTF-8. Controls and invisible formatting are written as `\uNNNN`.
pub fn json(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    json_inner(out, bytes);
    out.push(b'"');
}

/// As [`json`], without the quotes.
pub(crate) fn json_inner(out: &mut Vec<u8>, bytes: &[u8]) {
    if plain(bytes) && !bytes.iter().any(|b| matches!(b, b'"' | b'\\')) {
        out.extend_from_slice(bytes);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| json_char(out, c));
        chunk.invalid().iter().for_each(|b| json_unit(out, byte_unit(*b)));
    }
}

/// Only printable ASCII; written so that it is checked many bytes at a time.
fn plain(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |odd, b| odd | (b.wrapping_sub(b' ') >= 0x5f))
}

fn text_char(out: &mut Vec<u8>, c: char) {
    match c {
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\0'..='\x1f' | '\x7f' => hex_byte(out, c as u8),
        _ if hidden(c) => out.extend(c.escape_unicode().map(|c| c as u8)),
        _ => push_char(out, c),
    }
}

fn json_char(out: &mut Vec<u8>, c: char) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\u{ef80}'..='\u{efff}' => c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| json_unit(out, byte_unit(b))),
        '\0'..='\x1f' | '\x7f' => json_unit(out, c as u16),
        _ if hidden(c) => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| json_unit(out, *unit)),
        _ => push_char(out, c),
    }
}

fn byte_unit(byte: u8) -> u16 {
    (BYTE_BASE + u32::from(byte)) as u16
}

fn json_unit(out: &mut Vec<u8>, unit: u16) {
    let digit = |shift: u32| HEX[usize::from(unit >> shift & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

fn push_char(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Characters that show nothing, or change how others are shown.
pub fn hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'         // C1
        | '\u{ad}'                  // soft hyphen
        | '\u{61c}'                 // Arabic letter mark
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'   // zero width, left-to-right and right-to-left marks
        | '\u{2028}'..='\u{202e}'   // line and paragraph separators, bidirectional embeddings and overrides
        | '\u{2060}'..='\u{206f}'   // invisible operators, bidirectional isolates
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' // tags
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        text(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    fn encoded(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        json(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    /// What the documentation of [`json`] tells a reader to do.
    fn decoded(encoded: &str) -> Vec<u8> {
        let text: String = serde_json::from_str(encoded).unwrap();
        let mut bytes = Vec::new();
        for c in text.chars() {
            match c {
                '\u{ef80}'..='\u{efff}' => bytes.push(c as u32 as u8),
                _ => push_char(&mut bytes, c),
            }
        }
        bytes
    }

    #[test]
    fn text_stays_on_its_line_and_moves_no_cursor() {
        assert_eq!(shown("naïve 日本 \\".as_bytes()), "naïve 日本 \\");
        assert_eq!(shown(b"a\x1b[2Jb\x07\x7f\0"), "a\\x1b[2Jb\\x07\\x7f\\x00");
        assert_eq!(shown(b"a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(shown(b"\xff\xc3("), "\\xff\\xc3(");
        assert_eq!(shown("\u{9b}31m\u{202e}x\u{2066}".as_bytes()), "\\u{9b}31m\\u{202e}x\\u{2066}");
    }

    #[test]
    fn json_gives_every_byte_back() {
        assert_eq!(encoded(b"a\"b\\c\n"), r#""a\"b\\c\n""#);
        assert_eq!(encoded(b"\xff\x1b"), r#""\uefff\u001b""#);
        assert_eq!(encoded("é\u{202e}".as_bytes()), "\"é\\u202e\"");
        for bytes in
            [&b"\x80\xff\xed\xa0\x80"[..], "\u{efff}\u{ef7f}é\u{e0001}".as_bytes(), b"plain", b"\0\x01\x7f\xc2\x85"]
        {
            assert_eq!(decoded(&encoded(bytes)), bytes);
        }
    }
}
