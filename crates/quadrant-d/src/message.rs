//! Messages in DTrace's form: `[D_SYNTAX] "file", line 3: syntax error near "x"`.

use quadrant_program::diag::Diagnostic;

use crate::lines::{Lines, Position};

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
