//! Entries that stay when their key is removed.
//!
//! `@start[tid] = nsecs` and `delete(@start, tid)` store and remove the same few keys again and again. The kernel takes memory and
//! locks for that: ten times as long as it takes to find a key. So the first entries that a map gets are not removed with their keys.
//! They have a word in front of the value that says whether the key is there, and to store it again is to write these two words. Once
//! there are [`MOST`] of them, the keys that come are removed as in any other map, so keys that never come back cannot fill it.
//!
//! User space reads an entry from its beginning: the word first, then the value. It is written the other way round.

use std::collections::BTreeSet;

use quadrant_program::Program;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Place;
use quadrant_program::map::MapId;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;

use super::error::Result;
use super::maps::ANY;
use super::maps::Entry;
use super::maps::NOEXIST;
use super::unit::Lower;
use super::walk;
use super::walk::Node;
use crate::ssa::AtomicOp;
use crate::ssa::Cond;
use crate::ssa::MapRef;
use crate::ssa::Size;
use crate::ssa::Value;

/// Entries of a map that stay.
pub(super) const MOST: u32 = 32 << 10;
/// Bytes of such an entry's value: the word, and the number.
pub(super) const SIZE: u32 = 16;

/// The word of a key that is there.
const THERE: i64 = 1;
/// It is there, too, but its entry goes with it.
const PASSING: i64 = 2;

impl Lower<'_, '_> {
    /// The number in an entry, 0 when its key is not there.
    pub fn staying_value(&mut self, entry: Value) -> Value {
        self.if_there(entry, |lower, _| lower.f.b.load(entry, 8, Size::B8))
    }

    /// Not 0 when the key of an entry is there.
    pub fn is_there(&mut self, entry: Value) -> Value {
        self.if_there(entry, |_, word| word)
    }

    /// Something of an entry and its word; 0 when the key is not there.
    fn if_there(&mut self, entry: Value, value: impl FnOnce(&mut Self, Value) -> Value) -> Value {
        let (end, result) = self.join();
        let [found, there] = [(); 2].map(|()| self.f.b.create_block());
        let zero = self.f.b.iconst(0);
        self.f.b.branch(Cond::Eq, entry, 0, end, &[zero], found, &[]);
        self.f.b.switch_to(found);
        let word = self.f.b.load(entry, 0, Size::B8);
        self.f.b.branch(Cond::Eq, word, 0, end, &[zero], there, &[]);
        self.f.b.switch_to(there);
        let value = value(self, word);
        self.f.b.jump(end, &[value]);
        self.f.b.switch_to(end);
        result
    }

    /// Stores a number; `known` is the address of its entry, or 0, if that was looked up before. Gives 0 or an error.
    ///
    /// What is written in place has an entry that stays: one that goes may be another key's by now.
    pub fn store_staying(
        &mut self,
        entry: Entry,
        slots: Option<MapRef>,
        known: Option<Value>,
        (value, counter): (Value, u32),
    ) -> Value {
        let (end, failed) = self.join();
        let [found, missing, again, stays, passes] = [(); 5].map(|()| self.f.b.create_block());
        let at = self.f.b.append_param(found);
        let first = known.unwrap_or_else(|| self.lookup_staying(entry, slots));
        let zero = self.f.b.iconst(0);
        self.f.b.branch(Cond::Ne, first, 0, found, &[first], missing, &[]);

        self.f.b.switch_to(missing);
        if let Some(slots) = slots {
            self.take_home(entry, slots, found);
        }
        let word = self.first_word(counter);
        let failure = self.put(entry, word, value, NOEXIST);
        self.f.b.branch(Cond::Eq, failure, 0, end, &[zero], again, &[]);
        // Another CPU was faster, or there is no room.
        self.f.b.switch_to(again);
        let second = self.lookup(entry);
        self.f.b.branch(Cond::Ne, second, 0, found, &[second], end, &[failure]);

        self.f.b.switch_to(found);
        let word = self.f.b.load(at, 0, Size::B8);
        self.f.b.branch(Cond::Test, word, PASSING, passes, &[], stays, &[]);
        self.f.b.switch_to(stays);
        self.f.b.store(at, 8, Size::B8, value);
        self.f.b.store(at, 0, Size::B8, THERE);
        self.f.b.jump(end, &[zero]);
        self.f.b.switch_to(passes);
        let word = self.f.b.iconst(THERE | PASSING);
        let failure = self.put(entry, word, value, ANY);
        self.f.b.jump(end, &[failure]);
        self.f.b.switch_to(end);
        failed
    }

    /// Stores a whole entry; gives 0 or an error.
    fn put(&mut self, entry: Entry, word: Value, value: Value, flags: i64) -> Value {
        let words = self.alloc_bytes(SIZE);
        self.f.b.store(words.base, words.off, Size::B8, word);
        self.f.b.store(words.base, words.off + 8, Size::B8, value);
        self.update(entry, words, flags)
    }

    /// The word of a new entry, which stays if there are not too many that do.
    fn first_word(&mut self, counter: u32) -> Value {
        let (end, word) = self.join();
        let stays = self.f.b.create_block();
        let counter = self.data(counter);
        let staying = self.f.b.load(counter.base, counter.off, Size::B8);
        let passing = self.f.b.iconst(THERE | PASSING);
        self.f.b.branch(Cond::Ult, staying, i64::from(MOST), stays, &[], end, &[passing]);
        self.f.b.switch_to(stays);
        let one = self.f.b.iconst(1);
        self.f.b.atomic(AtomicOp::Add, counter.base, counter.off, Size::B8, one);
        let there = self.f.b.iconst(THERE);
        self.f.b.jump(end, &[there]);
        self.f.b.switch_to(end);
        word
    }

    /// Removes a key; gives what says whether it was there.
    pub fn remove_staying(
        &mut self,
        map: MapId,
        key: &Expr,
        slots: Option<MapRef>,
        known: Option<Value>,
    ) -> Result<Value> {
        self.with_entry(map, key, |lower, entry| {
            let at = known.unwrap_or_else(|| lower.lookup_staying(entry, slots));
            lower.if_there(at, |lower, word| {
                let [passes, stays, end] = [(); 3].map(|()| lower.f.b.create_block());
                lower.f.b.branch(Cond::Test, word, PASSING, passes, &[], stays, &[]);
                lower.f.b.switch_to(stays);
                lower.f.b.store(at, 0, Size::B8, 0);
                lower.f.b.jump(end, &[]);
                lower.f.b.switch_to(passes);
                let key = lower.address(entry.key);
                lower.delete_in(entry.map, key);
                lower.f.b.jump(end, &[]);
                lower.f.b.switch_to(end);
                word
            })
        })
    }
}

/// The maps of which programs ask more than to store, read and remove single keys. To count or walk the keys, or to say whether a
/// removed one was there, would be wrong here, or no faster; a number that changes may change on two CPUs at once; and what empties
/// the map while programs store must find no one writing in place.
pub(super) fn used_otherwise(program: &Program) -> BTreeSet<MapId> {
    let mut uses = Uses::default();
    for clause in &program.clauses {
        let at_end = |point: &PointId| matches!(program.points[point.0 as usize].site, Site::End);
        let over = clause.points.iter().all(at_end);
        walk::clause(clause, &mut |node| {
            uses.note(node);
            uses.otherwise.extend(emptied(program, node, over));
        });
    }
    uses.otherwise
}

/// The map whose keys a statement removes or whose values it sets to zero. When all is over, keys may go.
fn emptied(program: &Program, node: Node<'_>, over: bool) -> Option<MapId> {
    let Node::Stmt(Stmt { kind: StmtKind::Emit { record, .. }, .. }) = node else { return None };
    match program.records.get(record.0 as usize)?.kind {
        RecordKind::Zero(map) => Some(map),
        RecordKind::Clear(map) | RecordKind::PrintMap { map, take: true, .. } => (!over).then_some(map),
        _ => None,
    }
}

#[derive(Default)]
struct Uses {
    otherwise: BTreeSet<MapId>,
    /// The map of the removal that is the statement just met.
    removes: Option<MapId>,
}

impl Uses {
    fn note(&mut self, node: Node<'_>) {
        let expr = match node {
            Node::Stmt(stmt) => return self.note_stmt(&stmt.kind),
            Node::End(_) => return,
            Node::Expr(expr) => expr,
        };
        let removes = self.removes.take();
        let used = match &expr.kind {
            ExprKind::MapLen(map) => Some(*map),
            ExprKind::IncDec { target, .. } => map_of(target),
            ExprKind::MapDelete { map, .. } if removes != Some(*map) => Some(*map),
            ExprKind::AddrOf(inner) => match inner.kind {
                ExprKind::MapGet { map, .. } => Some(map),
                _ => None,
            },
            _ => None,
        };
        self.otherwise.extend(used);
    }

    fn note_stmt(&mut self, stmt: &StmtKind) {
        self.removes = None;
        match stmt {
            StmtKind::ForMap { map, .. } => drop(self.otherwise.insert(*map)),
            StmtKind::Update(place, ..) => self.otherwise.extend(map_of(place)),
            StmtKind::Expr(Expr { kind: ExprKind::MapDelete { map, .. }, .. }) => self.removes = Some(*map),
            _ => {}
        }
    }
}

fn map_of(place: &Place) -> Option<MapId> {
    match place {
        Place::Map { map, .. } => Some(*map),
        Place::Var(_) => None,
    }
}
