//! Bytes as text or as a hexadecimal dump.

use crate::escape::HEX;
use crate::number;
use crate::pad::blanks;
use crate::pad::pad_left;
use crate::pad::pad_right;

/// Bytes in a row.
const ROW: usize = 16;
/// Columns of an offset.
const OFFSET: usize = 10;

/// Append a dump: a line end, a heading, then 16 bytes a row with their offset and their characters.
pub(super) fn dump(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'\n');
    blanks(out, OFFSET + 1);
    HEX.iter().for_each(|digit| out.extend_from_slice(&[b' ', b' ', *digit]));
    out.extend_from_slice(b"  ");
    out.extend_from_slice(HEX);
    out.push(b'\n');
    for (i, row) in bytes.chunks(ROW).enumerate() {
        line(out, i * ROW, row);
    }
}

fn line(out: &mut Vec<u8>, offset: usize, row: &[u8]) {
    let start = out.len();
    number::power_of_two(out, offset as u64, 4);
    pad_left(out, start, OFFSET);
    out.push(b':');
    let start = out.len();
    for byte in row {
        out.extend_from_slice(&[b' ', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    pad_right(out, start, 3 * ROW);
    out.extend_from_slice(b"  ");
    out.extend(row.iter().map(|byte| if (b' '..=b'~').contains(byte) { *byte } else { b'.' }));
    out.push(b'\n');
}

/// The text that bytes are: printable characters, then the end or nothing but NULs. `None` for all others.
pub(super) fn as_text(bytes: &[u8]) -> Option<&[u8]> {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(len);
    let is_text =
        std::str::from_utf8(text).is_ok_and(|text| text.chars().all(|c| !c.is_control() || c.is_whitespace()));
    (is_text && rest.iter().all(|byte| *byte == 0)).then_some(text)
}
