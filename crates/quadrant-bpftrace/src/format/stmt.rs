//! Statements, blocks, and the comments around them.

use std::ops::Range;

use super::Writer;
use super::doc::Doc;
use super::pieces::Kind;
use crate::ast::{Block, IfExpr, Stmt, StmtKind};

/// One thing of several that stand in lines of their own: the pieces that it has, and its form.
pub(super) struct Entry<'a> {
    pub(super) range: Range<usize>,
    pub(super) doc: Doc<'a>,
}

/// How the last expression of a block ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// With a semicolon, like a statement: the block has no value.
    Statement,
    /// Without: it is the block's value.
    Value,
}

impl<'a> Writer<'a> {
    /// Entries and the comments around them, each in its line, from the second line of the text on.
    pub(super) fn lines(&self, range: Range<usize>, entries: Vec<Entry<'a>>) -> Vec<Doc<'a>> {
        let mut entries = entries.into_iter().peekable();
        let (mut parts, mut at) = (Vec::new(), range.start);
        let mut joins = false;
        while at < range.end {
            let lines = self.pieces[at].lines;
            if let Some(entry) = entries.next_if(|entry| entry.range.start <= at) {
                parts.push(if joins && lines == 0 { Doc::Text(" ") } else { line_break(lines) });
                parts.push(entry.doc);
                at = entry.range.end.max(at + 1);
                joins = false;
                continue;
            }
            if self.pieces[at].is_comment() {
                let trails = lines == 0 && !joins && at > range.start;
                parts.push(if trails || (joins && lines == 0) { Doc::Text(" ") } else { line_break(lines) });
                parts.push(self.comment(at));
                joins = !trails && self.pieces[at].kind == Kind::BlockComment;
            }
            at += 1;
        }
        parts
    }

    /// A comment; only the blanks at the ends of its lines go.
    fn comment(&self, at: usize) -> Doc<'a> {
        let mut parts = Vec::new();
        for (number, line) in self.pieces[at].text.split('\n').enumerate() {
            if number > 0 {
                parts.push(Doc::Text("\n"));
            }
            parts.push(Doc::Text(line.trim_end()));
        }
        Doc::All(parts)
    }

    /// The pieces of a place in the text.
    pub(super) fn range(&self, start: u32, end: u32) -> Range<usize> {
        self.index(start)..self.index(end)
    }

    fn entries(&self, block: &'a Block, tail: Tail) -> Vec<Entry<'a>> {
        let mut entries: Vec<Entry<'a>> = block.stmts.iter().map(|stmt| self.statement(stmt)).collect();
        if let Some(value) = &block.tail {
            let range = self.range(value.span.start, value.span.end);
            let end = if tail == Tail::Statement { ";" } else { "" };
            let doc = Doc::All(vec![self.row(range.clone()), Doc::Text(end)]);
            entries.push(Entry { range, doc });
        }
        entries
    }

    fn statement(&self, stmt: &'a Stmt) -> Entry<'a> {
        let range = self.range(stmt.span.start, stmt.span.end);
        let doc = match &stmt.kind {
            StmtKind::If(parts) => self.branches(range.start, parts),
            StmtKind::While { body, .. } | StmtKind::For { body, .. } | StmtKind::Unroll { body, .. } => {
                Doc::All(vec![self.head(range.start, body), self.block(body, Tail::Statement)])
            }
            StmtKind::Block(block) => self.block(block, Tail::Value),
            _ => Doc::All(vec![self.row(range.clone()), Doc::Text(";")]),
        };
        Entry { range, doc }
    }

    /// From a keyword to the body.
    fn head(&self, start: usize, body: &Block) -> Doc<'a> {
        let brace = self.index(body.span.start);
        let ends_line = brace > start && self.pieces[brace - 1].kind == Kind::LineComment;
        let end = if ends_line { Doc::Hard } else { Doc::Text(" ") };
        Doc::All(vec![self.row(start..brace), end])
    }

    /// `if`, `else if`, `else`
    fn branches(&self, start: usize, of: &'a IfExpr) -> Doc<'a> {
        let blocks: Vec<&Block> = of.arms.iter().map(|(_, body)| body).chain(&of.other).collect();
        let is_value = of.other.is_some() && blocks.iter().all(|block| self.is_short(block));
        let (mut parts, mut at) = (Vec::new(), start);
        for block in blocks {
            if at > start {
                let word = (at..).find(|at| !self.pieces[*at].is_comment()).unwrap_or(at);
                parts.extend(self.lines(at - 1..word, Vec::new()));
                parts.push(if word > at { Doc::Hard } else { Doc::Text(" ") });
                at = word;
            }
            parts.push(self.head(at, block));
            parts.push(if is_value { self.short(block) } else { self.block(block, Tail::Value) });
            at = self.index(block.span.end);
        }
        Doc::All(parts).group()
    }

    /// Whether a block is nothing but its value.
    fn is_short(&self, block: &Block) -> bool {
        let range = self.range(block.span.start, block.span.end);
        block.stmts.is_empty() && block.tail.is_some() && !self.pieces[range].iter().any(|piece| piece.is_comment())
    }

    /// A block where a value is expected.
    pub(super) fn value_block(&self, block: &'a Block) -> Doc<'a> {
        if self.is_short(block) { self.short(block).group() } else { self.block(block, Tail::Value) }
    }

    fn short(&self, block: &'a Block) -> Doc<'a> {
        let value = self.entries(block, Tail::Value).pop().map_or(Doc::Text(""), |entry| entry.doc);
        let inner = Doc::All(vec![Doc::Line(" "), value]).indent();
        Doc::All(vec![Doc::Text("{"), inner, Doc::Line(" "), Doc::Text("}")])
    }

    /// A block with its contents below its brace.
    pub(super) fn block(&self, block: &'a Block, tail: Tail) -> Doc<'a> {
        let range = self.range(block.span.start, block.span.end);
        let contents = self.lines(range.start..range.end - 1, self.entries(block, tail));
        if contents.is_empty() {
            return Doc::Text("{}");
        }
        Doc::All(vec![Doc::Text("{"), Doc::All(contents).indent(), Doc::Hard, Doc::Text("}")])
    }
}

/// One line break, and the empty lines that were there.
fn line_break(lines: usize) -> Doc<'static> {
    Doc::Blank(lines.max(1))
}
