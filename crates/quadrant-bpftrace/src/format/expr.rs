//! Expressions, and everything else that is a row of words.

use std::ops::Range;

use quadrant_syntax::op::infix;

use super::Writer;
use super::doc::Doc;
use super::pieces::Kind;
use super::spacing::{is_apart, is_assignment, is_keyword};
use crate::lexer::Tok;

impl<'a> Writer<'a> {
    /// A statement without its semicolon, or the part of one in front of a body.
    pub(super) fn row(&self, range: Range<usize>) -> Doc<'a> {
        let Some(at) = self.outer(range.clone()).find(|at| is_assignment(&self.pieces[*at])) else {
            return self.expr(range);
        };
        let value = self.expr(at + 1..range.end);
        // Choices and blocks go on below the statement, other values below their beginning.
        let value = match self.outer(at + 1..range.end).find_map(|at| self.lays_out(at)) {
            Some(Tok::Question) => value.indent(),
            Some(_) => value,
            None => value.align(),
        };
        let parts = vec![self.expr(range.start..at), Doc::Text(" "), self.text(at), Doc::Text(" "), value];
        Doc::All(parts)
    }

    pub(super) fn expr(&self, range: Range<usize>) -> Doc<'a> {
        if range.len() > 1 && is_keyword(&self.pieces[range.start]) {
            let rest = self.expr(range.start + 1..range.end).align();
            return Doc::All(vec![self.text(range.start), Doc::Text(" "), rest]);
        }
        if self.has_choice(range.clone()) {
            return self.choice(range);
        }
        match self.loosest(range.clone()) {
            Some(level) => self.operators(range, level),
            None => self.words(range),
        }
    }

    /// The pieces of a range that are in none of its brackets.
    fn outer(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let next = move |at: usize| {
            let next = self.behind(at);
            (next < range.end).then_some(next)
        };
        let first = (range.start < range.end).then_some(range.start);
        std::iter::successors(first, move |at| next(*at))
    }

    /// What keeps a value from being a row of words.
    fn lays_out(&self, at: usize) -> Option<Tok> {
        [Tok::Question, Tok::LBrace].into_iter().find(|kind| self.pieces[at].is(*kind))
    }

    fn has_choice(&self, range: Range<usize>) -> bool {
        self.outer(range).any(|at| self.pieces[at].is(Tok::Question))
    }

    /// `c ? a : b`, each in a line of its own if they do not fit in one.
    fn choice(&self, range: Range<usize>) -> Doc<'a> {
        let mark = |at: &usize| self.pieces[*at].is(Tok::Question) || self.pieces[*at].is(Tok::Colon);
        let marks: Vec<usize> = self.outer(range.clone()).filter(mark).collect();
        let ends = marks.iter().skip(1).copied().chain([range.end]);
        let mut parts = vec![self.expr(range.start..marks[0])];
        for (at, end) in marks.iter().copied().zip(ends) {
            let follows = at > 0 && marks.contains(&(at - 1));
            parts.extend((!follows).then_some(Doc::Line(" ")));
            parts.push(self.text(at));
            if at + 1 < end {
                parts.extend([Doc::Text(" "), self.expr(at + 1..end).align()]);
            }
        }
        Doc::All(parts).group()
    }

    /// The level of the operators that bind least, outside of brackets.
    fn loosest(&self, range: Range<usize>) -> Option<u8> {
        self.outer(range).filter_map(|at| self.level(at)).min()
    }

    fn level(&self, at: usize) -> Option<u8> {
        let piece = &self.pieces[at];
        let Kind::Token(kind) = piece.kind else { return None };
        infix(kind).filter(|_| self.infix.contains(&piece.span.start)).map(|(_, level)| level)
    }

    /// Operands with an operator at the end of each but the last.
    fn operators(&self, range: Range<usize>, level: u8) -> Doc<'a> {
        let mut parts = Vec::new();
        let mut start = range.start;
        for at in self.outer(range.clone()).filter(|at| self.level(*at) == Some(level)) {
            parts.push(Doc::All(vec![self.expr(start..at), Doc::Text(" "), self.text(at)]));
            start = at + 1;
        }
        parts.push(self.expr(start..range.end));
        Doc::Fill(parts).align()
    }

    /// Pieces one behind the other; brackets with what is in them.
    fn words(&self, range: Range<usize>) -> Doc<'a> {
        let mut parts = Vec::new();
        let mut before: Option<usize> = None;
        for at in self.outer(range) {
            if let Some(before) = before {
                parts.push(self.between(self.behind(before) - 1, at));
            }
            parts.push(self.word(at));
            before = Some(at);
        }
        Doc::All(parts)
    }

    fn between(&self, left: usize, right: usize) -> Doc<'a> {
        let (left, right) = (&self.pieces[left], &self.pieces[right]);
        match left.kind {
            Kind::LineComment => Doc::Hard,
            _ if is_apart(left, right) => Doc::Text(" "),
            _ => Doc::Text(""),
        }
    }

    fn word(&self, at: usize) -> Doc<'a> {
        let piece = &self.pieces[at];
        match piece.kind {
            Kind::Token(Tok::LBrace) => match self.blocks.get(&piece.span.start) {
                Some(block) => self.value_block(block),
                None => self.text(at),
            },
            Kind::Token(Tok::LParen | Tok::LBracket) => self.brackets(at),
            _ => self.text(at),
        }
    }

    fn brackets(&self, open: usize) -> Doc<'a> {
        let close = self.behind(open) - 1;
        let inner = Doc::Fill(self.list(open + 1..close));
        // A closing bracket behind a `//` would be part of the comment.
        let end = if self.pieces[close - 1].kind == Kind::LineComment { Doc::Hard } else { Doc::Text("") };
        Doc::All(vec![self.text(open), Doc::All(vec![inner, end]).align(), self.text(close)])
    }

    /// What is between commas, each with its comma.
    fn list(&self, range: Range<usize>) -> Vec<Doc<'a>> {
        let mut parts = Vec::new();
        let mut start = range.start;
        for comma in self.outer(range.clone()).filter(|at| self.pieces[*at].is(Tok::Comma)) {
            parts.push(Doc::All(vec![self.expr(start..comma), self.text(comma)]));
            start = comma + 1;
        }
        if start < range.end {
            parts.push(self.expr(start..range.end));
        }
        parts
    }
}
