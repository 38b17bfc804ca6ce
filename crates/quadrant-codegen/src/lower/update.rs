//! Changing a number in a map: atomic where the operator allows it.

use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Expr;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::ty::Type;

use super::arith::width;
use super::error::Result;
use super::globals::MapPlace;
use super::maps::Entry;
use super::maps::NOEXIST;
use super::memory::Mem;
use super::unit::Lower;
use crate::ssa::AtomicOp;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// A change of a number in memory.
#[derive(Clone, Copy)]
struct Change<'t> {
    op: BinaryOp,
    by: Operand,
    ty: &'t Type,
}

/// What the value of an expression is that changes a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Old,
    New,
}

impl Lower<'_, '_> {
    /// `@m++` and its like.
    pub fn map_inc_dec(&mut self, map: MapId, key: Option<&Expr>, delta: i64, post: bool, used: bool) -> Result<Value> {
        let wanted = match (used, post) {
            (false, _) => Wanted::Nothing,
            (true, true) => Wanted::Old,
            (true, false) => Wanted::New,
        };
        self.map_change(map, key, BinaryOp::Add, Operand::Imm(delta), wanted)
    }

    /// `@m op= value`.
    pub fn map_update(&mut self, map: MapId, key: Option<&Expr>, op: BinaryOp, value: &Expr) -> Result<()> {
        let by = self.operand(value)?;
        self.map_change(map, key, op, by, Wanted::Nothing)?;
        Ok(())
    }

    fn map_change(
        &mut self,
        map: MapId,
        key: Option<&Expr>,
        op: BinaryOp,
        by: Operand,
        wanted: Wanted,
    ) -> Result<Value> {
        let MapValue::Plain(ty) = self.map_value_kind(map)?.clone() else {
            return Err(self.model_error("an aggregation changed in place"));
        };
        if !ty.is_scalar() {
            return Err(self.model_error(format_args!("arithmetic on a {ty:?} in a map")));
        }
        let change = Change { op, by, ty: &ty };
        let mark = self.mark();
        let value = match (self.place_of(map, key.is_some())?, key) {
            (MapPlace::Slot(at), _) => {
                let slot = self.data(at);
                let value = self.change(slot.at(8), change, wanted);
                self.f.b.store(slot.base, slot.off, Size::B8, 1);
                value
            }
            (MapPlace::Keyed { .. }, Some(key)) => {
                self.lookups.forget(map);
                self.with_entry(map, key, |lower, entry| lower.change_entry(map, entry, change, wanted))?
            }
            _ => return Err(self.model_error("an aggregation changed in place")),
        };
        self.release(mark);
        Ok(value)
    }

    /// Changes the value of a key, which starts as 0.
    fn change_entry(&mut self, map: MapId, entry: Entry, change: Change<'_>, wanted: Wanted) -> Value {
        let (end, result) = self.join();
        let hit = self.f.b.create_block();
        let place = self.f.b.append_param(hit);
        let [miss, again, lost] = [(); 3].map(|()| self.f.b.create_block());
        let first = self.lookup(entry);
        self.f.b.branch(Cond::Ne, first, 0, hit, &[first], miss, &[]);

        self.f.b.switch_to(miss);
        let zero = self.f.b.iconst(0);
        let initial = self.arithmetic(change.op, zero, change.by, change.ty.is_signed());
        let initial = self.cut(initial, change.ty);
        let word = self.word();
        self.f.b.store(word.base, word.off, Size::B8, initial);
        let failed = self.update(entry, word, NOEXIST);
        let value = if wanted == Wanted::New { initial } else { zero };
        self.f.b.branch(Cond::Eq, failed, 0, end, &[value], again, &[]);

        // Another CPU was faster, or there is no room.
        self.f.b.switch_to(again);
        let second = self.lookup(entry);
        self.f.b.branch(Cond::Ne, second, 0, hit, &[second], lost, &[]);
        self.f.b.switch_to(lost);
        self.lose_key(map, failed);
        self.f.b.jump(end, &[value]);

        self.f.b.switch_to(hit);
        let value = self.change(Mem { base: place, off: 0 }, change, wanted);
        self.f.b.jump(end, &[value]);
        self.f.b.switch_to(end);
        result
    }

    /// Changes a number in memory. Gives the old or new value as wanted.
    fn change(&mut self, at: Mem, change: Change<'_>, wanted: Wanted) -> Value {
        match self.atomic_form(change) {
            Some((op, by)) if wanted == Wanted::Nothing => {
                self.f.b.atomic(op, at.base, at.off, Size::B8, by);
                self.f.b.iconst(0)
            }
            Some((op, by)) if self.g.target.atomic_fetch => {
                let old = self.f.b.atomic_fetch(op, at.base, at.off, Size::B8, by);
                if wanted == Wanted::Old { old } else { self.arithmetic(change.op, old, change.by, false) }
            }
            _ => {
                let old = self.f.b.load(at.base, at.off, Size::B8);
                let new = self.arithmetic(change.op, old, change.by, change.ty.is_signed());
                let new = self.cut(new, change.ty);
                self.f.b.store(at.base, at.off, Size::B8, new);
                if wanted == Wanted::Old { old } else { new }
            }
        }
    }

    /// The atomic operation that does the same. Numbers narrower than 64 bits must be cut after arithmetic, which no atomic
    /// operation does.
    fn atomic_form(&mut self, change: Change<'_>) -> Option<(AtomicOp, Value)> {
        if width(change.ty) != Size::B8 {
            return None;
        }
        let op = match change.op {
            BinaryOp::Add | BinaryOp::Sub => AtomicOp::Add,
            BinaryOp::And if self.g.target.atomic_fetch => AtomicOp::And,
            BinaryOp::Or if self.g.target.atomic_fetch => AtomicOp::Or,
            BinaryOp::Xor if self.g.target.atomic_fetch => AtomicOp::Xor,
            _ => return None,
        };
        let by = match (change.op, change.by) {
            (BinaryOp::Sub, Operand::Imm(by)) => self.f.b.iconst(by.wrapping_neg()),
            (BinaryOp::Sub, Operand::Value(by)) => self.f.b.neg(by),
            (_, by) => self.f.b.operand_value(by),
        };
        Some((op, by))
    }
}
