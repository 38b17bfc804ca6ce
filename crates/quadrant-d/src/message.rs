//! Messages in DTrace's form: `[D_SYNTAX] "file", line 3: syntax error near "x"`.

use quadrant_program::diag::Diagnostic;

use crate::lines::{Lines, Position};

/// `2 keys`, `1 key`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A text in a message: what would move a terminal's cursor is escaped, quotes and the like stay.
pub(crate) fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// A message as DTrace words it, without the command's prefix; `with_tag` is the option `errtags`.
pub fn text(diagnostic: &Diagnostic, lines: &Lines, with_tag: bool) -> String {
    let Position { file, line } = lines.position(diagnostic.span.start);
    let file = file.map(|file| format!("\"{file}\", ")).unwrap_or_default();
    let tag = match with_tag {
        true => format!("[{}] ", diagnostic.tag.unwrap_or("D_UNKNOWN")),
        false => String::new(),
    };
    format!("{tag}{file}line {line}: {}", diagnostic.message)
}
