//! Scripts in the usual form: bpftrace's own layout.
//!
//! Only blanks, line breaks and the semicolons at the ends of statements change: all other tokens stay, and so do the comments, the `#!`
//! line, C text, and empty lines between things.

mod doc;
mod expr;
mod item;
mod pieces;
mod spacing;
mod stmt;

use std::collections::{HashMap, HashSet};

use quadrant_program::diag::{Diagnostic, Severity};

use crate::ast::{Block, Item, Script};
use crate::lexer::Tok;
use crate::walk::{Node, walk_block, walk_probe};
use doc::Doc;
use pieces::Piece;

/// A script in the usual form; formatting that changes nothing more.
///
/// # Errors
/// What is wrong with the script, which has no form then.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let parsed = crate::parse(source);
    if parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(parsed.diagnostics);
    }
    let writer = Writer::new(source, &parsed.script);
    let text = doc::print(&writer.script());
    let text = text.trim_matches('\n');
    Ok(if text.is_empty() { String::new() } else { format!("{text}\n") })
}

/// What is known of a script's pieces. Ranges are indices into them.
struct Writer<'a> {
    script: &'a Script,
    pieces: Vec<Piece<'a>>,
    /// For each opening bracket the index of its closing one.
    closing: HashMap<usize, usize>,
    /// Where operators between two operands stand.
    infix: HashSet<u32>,
    /// Blocks by the place of their brace.
    blocks: HashMap<u32, &'a Block>,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str, script: &'a Script) -> Writer<'a> {
        let pieces = pieces::pieces(source, script);
        let closing = closing(&pieces);
        let mut writer = Writer { script, pieces, closing, infix: HashSet::new(), blocks: HashMap::new() };
        script.items.iter().for_each(|item| writer.note(item));
        writer
    }

    fn note(&mut self, item: &'a Item) {
        let mut see = |node: Node<'a>| match node {
            Node::Infix(span, _) => drop(self.infix.insert(span.start)),
            Node::Block(block) => drop(self.blocks.insert(block.span.start, block)),
            _ => {}
        };
        match item {
            Item::Probe(probe) => walk_probe(probe, &mut see),
            Item::Macro(item) => walk_block(&item.body, &mut see),
            Item::Fn(item) => walk_block(&item.body, &mut see),
            _ => {}
        }
    }

    /// The first piece at or behind a place.
    fn index(&self, place: u32) -> usize {
        self.pieces.partition_point(|piece| piece.span.start < place)
    }

    /// The index behind the bracket that closes the one at `open`.
    fn behind(&self, open: usize) -> usize {
        self.closing.get(&open).map_or(open, |close| *close) + 1
    }

    fn text(&self, at: usize) -> Doc<'a> {
        Doc::Text(self.pieces[at].text)
    }
}

fn closing(pieces: &[Piece<'_>]) -> HashMap<usize, usize> {
    let mut open = Vec::new();
    let mut closing = HashMap::new();
    for (at, piece) in pieces.iter().enumerate() {
        if piece.is(Tok::LParen) || piece.is(Tok::LBracket) || piece.is(Tok::LBrace) {
            open.push(at);
        } else if piece.is(Tok::RParen) || piece.is(Tok::RBracket) || piece.is(Tok::RBrace) {
            closing.extend(open.pop().map(|start| (start, at)));
        }
    }
    closing
}
