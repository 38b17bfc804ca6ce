//! A script's text, for those who look at its programs in the kernel.

use quadrant_bpf::btf::SourceLine;
use quadrant_codegen::ssa::Code;
use quadrant_program::sources::Sources;
use quadrant_program::span::Span;

/// A script.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a>(pub &'a Sources);

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
        let text = self.0.slice(span).lines().next().unwrap_or_default();
        let (line, column) = self.0.position(span.start);
        SourceLine { start, file: self.0.name(span.start), text, line, column }
    }
}
