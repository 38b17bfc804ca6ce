//! A script's text, for those who look at its programs in the kernel.

use quadrant_bpf::btf::SourceLine;
use quadrant_codegen::ssa::Code;
use quadrant_program::span::Span;

/// A script.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its name, as messages have it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl<'a> Source<'a> {
    /// Where the code comes from, in the order of its instructions.
    pub(crate) fn lines(self, code: &Code) -> Vec<SourceLine<'a>> {
        let mut lines: Vec<SourceLine> = code.spans.iter().map(|(at, span)| self.line(*at, *span)).collect();
        // The kernel takes one line an instruction: the last, as the others have none.
        lines.reverse();
        lines.dedup_by_key(|line| line.start);
        lines.reverse();
        lines
    }

    /// What stands in a span, up to the end of its first line.
    fn line(self, start: u32, span: Span) -> SourceLine<'a> {
        let (from, to) = (span.start as usize, span.end as usize);
        let before = self.text.get(..from).unwrap_or(self.text);
        let text = self.text.get(from..to).and_then(|text| text.lines().next()).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() as u32 + 1;
        SourceLine { start, file: self.name, text, line, column: (before.len() - line_start) as u32 + 1 }
    }
}
