//! `strtok`: the text is kept with the place where the next call goes on.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::expr::TextFunction;
use quadrant_program::layout;
use quadrant_program::program::Clause;
use quadrant_program::ty::Type;

use super::Text;
use crate::lower::cells::Bytes;
use crate::lower::cells::Cell;
use crate::lower::error::Result;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::lower::walk;
use crate::lower::walk::Node;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// The text that is taken apart.
#[derive(Clone, Copy)]
pub(in crate::lower) struct Tokens {
    text: Text,
    /// Where the next call goes on.
    next: Cell,
}

/// Which bytes separate tokens: a table of 256.
#[derive(Clone, Copy)]
enum Separators {
    /// Offset in the data section.
    Constant(u32),
    Variable(Bytes),
}

impl Tokens {
    /// Those of a whole firing, where a clause may go on with the text of one before it. `end` is where free memory begins.
    pub fn shared(clauses: &[&Clause], end: &mut u32) -> Option<Tokens> {
        let caps: Vec<u32> = clauses.iter().filter_map(|clause| longest_taken_apart(clause)).collect();
        if caps.len() < 2 || !clauses.iter().any(|clause| has_going_on(clause)) {
            return None;
        }
        let cap = caps.into_iter().max()?;
        let off = layout::round_up(*end);
        *end = off + Tokens::size(cap);
        Some(Tokens::at(off, cap))
    }

    fn at(off: u32, cap: u32) -> Tokens {
        let bytes = Bytes::at(off + 16, cap.next_power_of_two());
        Tokens { text: Text { bytes, cap, len: Lower::cell_at(off) }, next: Lower::cell_at(off + 8) }
    }

    fn size(cap: u32) -> u32 {
        16 + layout::round_up(cap.next_power_of_two() + 8)
    }
}

impl Lower<'_, '_> {
    /// Room for what `strtok` keeps in a clause.
    pub fn reserve_tokens(&mut self, clause: &Clause) -> Option<Tokens> {
        let cap = longest_taken_apart(clause)?;
        Some(Tokens::at(self.reserve_scratch(Tokens::size(cap)), cap))
    }

    /// There is no text yet.
    pub fn init_tokens(&mut self, tokens: Tokens) {
        self.cell_set(tokens.text.len, 0);
        self.cell_set(tokens.next, 0);
    }

    /// The next token; empty when there is none.
    pub fn store_token(&mut self, text: &Expr, separators: &Expr, cap: u32, to: Mem) -> Result<()> {
        let tokens = self.tokens.ok_or_else(|| self.model_error("strtok() without its state"))?;
        if !goes_on(text) {
            self.load_text(text, tokens.text)?;
            self.cell_set(tokens.next, 0);
        }
        let separators = self.separators(separators)?;
        let (len, first) = (self.cell_get(tokens.text.len), self.cell_get(tokens.next));
        let [start, end] = [self.cell(-1), self.cell(len)];
        let rounds = self.f.b.sub(len, first);
        self.repeat(rounds, |lower, round, stop| {
            let first = lower.cell_get(tokens.next);
            let at = lower.f.b.add(first, round);
            let byte = lower.byte(tokens.text.bytes, at);
            let separates = lower.separates(separators, byte);
            let started = lower.cell_get(start);
            let [inside, before] = [lower.f.b.create_block(), lower.f.b.create_block()];
            lower.f.b.branch(Cond::Sge, started, 0, inside, &[], before, &[]);
            lower.f.b.switch_to(inside);
            lower.when(Cond::Ne, separates, 0, |lower| {
                lower.cell_set(end, at);
                lower.f.b.jump(stop, &[]);
            });
            lower.f.b.ret(0);
            lower.f.b.switch_to(before);
            lower.when(Cond::Eq, separates, 0, |lower| lower.cell_set(start, at));
            Ok(())
        })?;
        let (from, until) = (self.cell_get(start), self.cell_get(end));
        let len = self.cell_get(tokens.text.len);
        let from = self.f.b.select(Cond::Slt, from, 0, len, from);
        // What separates is passed over by the next call, if it does so there, too.
        self.cell_set(tokens.next, until);
        let from = self.forgotten(from);
        let size = self.f.b.sub(until, from);
        self.store_part(tokens.text.bytes, from, size, cap, to)
    }

    fn separators(&mut self, separators: &Expr) -> Result<Separators> {
        if let ExprKind::Str(text) = &separators.kind {
            let mut table = vec![0; 256];
            text.iter().take_while(|byte| **byte != 0).for_each(|byte| table[usize::from(*byte)] = 1);
            return Ok(Separators::Constant(self.g.constant(table, 256)));
        }
        let text = self.loaded_text(separators)?;
        let table = self.bytes(256);
        let memory = self.bytes_memory(table);
        self.zero(memory, 256);
        let len = self.cell_get(text.len);
        self.repeat(len, |lower, at, _| {
            let byte = lower.byte(text.bytes, at);
            lower.set_byte(table, byte, 1);
            Ok(())
        })?;
        Ok(Separators::Variable(table))
    }

    fn separates(&mut self, separators: Separators, byte: Value) -> Value {
        match separators {
            Separators::Variable(table) => self.byte(table, byte),
            Separators::Constant(at) => {
                let table = self.data(at);
                let place = self.f.b.add(table.base, byte);
                self.f.b.load_with(place, table.off, Size::B1, false, true)
            }
        }
    }
}

/// The cap of a text that a node takes apart.
fn taken_apart(node: Node<'_>) -> Option<u32> {
    let Node::Expr(Expr { kind: ExprKind::Call(Function::Text(TextFunction::Strtok), args), .. }) = node else {
        return None;
    };
    match args.first().map(|text| &text.ty) {
        Some(Type::String { cap }) => Some(*cap),
        _ => Some(0),
    }
}

/// The cap of the longest text that a clause takes apart.
fn longest_taken_apart(clause: &Clause) -> Option<u32> {
    let mut cap = None;
    walk::clause(clause, &mut |node| cap = cap.max(taken_apart(node)));
    cap.map(|cap| cap.max(8))
}

/// Whether a clause goes on with a text.
fn has_going_on(clause: &Clause) -> bool {
    let mut found = false;
    walk::clause(clause, &mut |node| {
        if let Node::Expr(Expr { kind: ExprKind::Call(Function::Text(TextFunction::Strtok), args), .. }) = node {
            found |= args.first().is_some_and(goes_on);
        }
    });
    found
}

/// Whether the predicate of a clause uses `strtok`.
pub(in crate::lower) fn predicate_uses_tokens(clause: &Clause) -> bool {
    let mut used = false;
    if let Some(predicate) = &clause.predicate {
        walk::expr(predicate, &mut |node| used |= taken_apart(node).is_some());
    }
    used
}

/// Whether the call goes on with the text of the one before.
fn goes_on(text: &Expr) -> bool {
    matches!(text.kind, ExprKind::Str(_)) && text.ty == Type::String { cap: 0 }
}
