//! Padding.

/// Append blanks until what was written since `start` is `width` bytes.
pub(crate) fn pad_right(out: &mut Vec<u8>, start: usize, width: usize) {
    let end = start.saturating_add(width).max(out.len());
    out.resize(end, b' ');
}

/// Put blanks before what was written since `start` until it is `width` bytes.
pub(crate) fn pad_left(out: &mut Vec<u8>, start: usize, width: usize) {
    let missing = width.saturating_sub(out.len() - start);
    if missing > 0 {
        out.resize(out.len() + missing, b' ');
        out[start..].rotate_right(missing);
    }
}

/// Append blanks.
pub(crate) fn blanks(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, b' ');
}
