//! The tokens of a script with the comments between them.

use quadrant_program::span::Span;

use crate::ast::{Item, Script};
use crate::lexer::{Lexer, Tok, scope_end};

/// A token, a comment, or a text that is kept as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    pub(super) span: Span,
    pub(super) text: &'a str,
    /// Line breaks between the piece before and this one.
    pub(super) lines: usize,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Token(Tok),
    /// From `//` to the end of the line.
    LineComment,
    /// `/* … */`
    BlockComment,
    /// C text, an attach point, the `#!` line.
    Raw,
}

impl Piece<'_> {
    pub(super) fn is(&self, token: Tok) -> bool {
        self.kind == Kind::Token(token)
    }

    pub(super) fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::LineComment | Kind::BlockComment)
    }
}

/// All pieces of a script that was parsed without errors, in order.
pub(super) fn pieces<'a>(source: &'a str, script: &Script) -> Vec<Piece<'a>> {
    let mut cutter = Cutter { source, pieces: Vec::new(), pos: 0, lines: 0 };
    for raw in raw_spans(script) {
        cutter.tokens(raw.start);
        cutter.push(Kind::Raw, raw.start, raw.end);
    }
    cutter.tokens(source.len() as u32);
    cutter.pieces
}

/// Texts that no lexer may read.
fn raw_spans(script: &Script) -> Vec<Span> {
    let of_item = |item: &Item| match item {
        Item::C(c) => vec![c.span],
        Item::Probe(probe) => probe.attach.iter().map(|point| point.span).collect(),
        _ => Vec::new(),
    };
    script.shebang.into_iter().chain(script.items.iter().flat_map(of_item)).collect()
}

struct Cutter<'a> {
    source: &'a str,
    pieces: Vec<Piece<'a>>,
    pos: u32,
    lines: usize,
}

impl Cutter<'_> {
    /// Tokens and comments up to a place.
    fn tokens(&mut self, end: u32) {
        let mut lexer = Lexer::new(self.source.get(..end as usize).unwrap_or_default());
        loop {
            lexer.seek(self.pos);
            let token = lexer.next_token();
            let start = if token.kind == Tok::Eof { end } else { token.span.start };
            self.comments(start);
            if token.kind == Tok::Eof {
                return;
            }
            let end = if token.kind == Tok::Ident { whole_name(&mut lexer, token.span.end) } else { token.span.end };
            self.push(Kind::Token(token.kind), token.span.start, end);
        }
    }

    /// The comments of a gap between tokens.
    fn comments(&mut self, end: u32) {
        while self.pos < end {
            let gap = &self.source[self.pos as usize..end as usize];
            let Some(at) = gap.find('/') else {
                self.skip(gap.len());
                return;
            };
            self.skip(at);
            let comment = &gap[at..];
            let (kind, len) = match comment.strip_prefix("/*") {
                Some(rest) => (Kind::BlockComment, rest.find("*/").map_or(comment.len(), |len| len + 4)),
                None => (Kind::LineComment, comment.find('\n').unwrap_or(comment.len())),
            };
            self.push(kind, self.pos, self.pos + len as u32);
        }
    }

    fn skip(&mut self, len: usize) {
        let end = self.pos as usize + len;
        self.lines += self.source[self.pos as usize..end].matches('\n').count();
        self.pos = end as u32;
    }

    fn push(&mut self, kind: Kind, start: u32, end: u32) {
        let text = self.source.get(start as usize..end as usize).unwrap_or_default().trim_end();
        let lines = std::mem::take(&mut self.lines);
        self.pieces.push(Piece { kind, span: Span::new(start, end), text, lines });
        self.pos = end;
    }
}

/// The end of a name with all that is behind it as in `ns::inner::Thing`.
fn whole_name(lexer: &mut Lexer<'_>, mut end: u32) -> u32 {
    lexer.seek(end);
    while let Some(further) = scope_end(end, std::iter::repeat_with(|| lexer.next_token())) {
        end = further;
        lexer.seek(end);
    }
    end
}
