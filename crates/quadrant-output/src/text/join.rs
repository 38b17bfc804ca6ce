//! `join()`: the texts of a buffer in one line.

use crate::text::value::Style;
use crate::value::MALFORMED;

/// Append texts that each end with a NUL, with a separator between them.
pub(crate) fn join(out: &mut Vec<u8>, texts: Option<&[u8]>, separator: &[u8], style: Style) {
    let Some(bytes) = texts else {
        return out.extend_from_slice(MALFORMED);
    };
    let texts = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    for (i, text) in texts.split(|b| *b == 0).enumerate() {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        style.foreign(out, text);
    }
}
