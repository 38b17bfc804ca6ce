//! Maps that hold one value a key: reading, storing, removing.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::program::Fault;
use quadrant_program::ty::Type;

use super::error::Result;
use super::globals::MapPlace;
use super::globals::value_size;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::MapRef;
use crate::ssa::Size;
use crate::ssa::Value;

/// -ENOMEM.
const NO_MEMORY: i64 = -12;
/// Create or replace.
pub(super) const ANY: i64 = 0;
/// Create only.
pub(super) const NOEXIST: i64 = 1;
/// Offset of a value in the data section behind its presence word.
const VALUE: u32 = 8;

/// A map and the place of its key.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// The map.
    pub map: MapRef,
    /// The key.
    pub key: Mem,
}

/// Where a value is.
enum Found {
    /// In the data section: the presence word, then the value.
    Slot(Mem),
    /// At an address, which is 0 when there is none.
    Place(Value),
    /// In an entry that stays, whose address is 0 when there is none.
    Staying(Value),
}

impl Lower<'_, '_> {
    /// Where a map is kept, checked against the use of a key.
    pub fn place_of(&self, map: MapId, keyed: bool) -> Result<MapPlace> {
        match self.g.map_place(map) {
            Some(place) if matches!(place, MapPlace::Keyed { .. }) == keyed => Ok(place),
            Some(_) if keyed => Err(self.model_error("a key for a map without keys")),
            Some(_) => Err(self.model_error("no key for a map with keys")),
            None => Err(self.model_error("a map that does not exist")),
        }
    }

    /// What a map holds.
    pub fn map_value_kind(&self, map: MapId) -> Result<&MapValue> {
        self.g.map(map).map(|map| &map.value).ok_or_else(|| self.model_error("a map that does not exist"))
    }

    fn find(&mut self, map: MapId, key: Option<&Expr>) -> Result<Found> {
        match (self.place_of(map, key.is_some())?, key) {
            (MapPlace::Slot(at), _) => Ok(Found::Slot(self.data(at))),
            (MapPlace::Keyed { stays, .. }, Some(key)) => {
                let place = self.lookup_key(map, key)?;
                Ok(if stays.is_some() { Found::Staying(place) } else { Found::Place(place) })
            }
            _ => Err(self.model_error("a single value of an aggregation")),
        }
    }

    /// The address of a value, or 0.
    pub fn lookup(&mut self, entry: Entry) -> Value {
        let key = self.address(entry.key);
        self.lookup_in(entry.map, key)
    }

    /// Stores a whole value; gives 0 or a negative error number.
    pub fn update(&mut self, entry: Entry, value: Mem, flags: i64) -> Value {
        let place = (self.address(entry.key), self.address(value));
        self.update_in(entry.map, place, flags)
    }

    /// A scalar value of a map, 0 when there is none; of an aggregation, what it amounts to.
    pub fn map_get(&mut self, map: MapId, key: Option<&Expr>) -> Result<Value> {
        let mark = self.mark();
        let value = match self.map_value_kind(map)?.clone() {
            MapValue::Aggregation(kind) => self.aggregation_value(map, &kind, key)?,
            MapValue::Plain(ty) if ty.is_scalar() => self.plain_value(map, key)?,
            MapValue::Plain(ty) => return Err(self.model_error(format_args!("a {ty:?} in a map as a number"))),
        };
        self.release(mark);
        Ok(value)
    }

    fn plain_value(&mut self, map: MapId, key: Option<&Expr>) -> Result<Value> {
        match self.find(map, key)? {
            Found::Slot(slot) => {
                let value = slot.at(VALUE);
                Ok(self.f.b.load(value.base, value.off, Size::B8))
            }
            Found::Place(place) => Ok(self.load_or_zero(place)),
            Found::Staying(place) => Ok(self.staying_value(place)),
        }
    }

    /// The address of the entry of a key, or 0.
    pub fn lookup_key(&mut self, map: MapId, key: &Expr) -> Result<Value> {
        let MapPlace::Keyed { slots, .. } = self.place_of(map, true)? else {
            return Err(self.model_error("a key for a map without keys"));
        };
        self.known_lookup(map, key, |lower| {
            lower.with_entry(map, key, |lower, entry| lower.lookup_staying(entry, slots))
        })
    }

    /// The word at an address, 0 if that is 0.
    pub fn load_or_zero(&mut self, place: Value) -> Value {
        let (end, result) = self.join();
        let found = self.f.b.create_block();
        let zero = self.f.b.iconst(0);
        self.f.b.branch(Cond::Eq, place, 0, end, &[zero], found, &[]);
        self.f.b.switch_to(found);
        let value = self.f.b.load(place, 0, Size::B8);
        self.f.b.jump(end, &[value]);
        self.f.b.switch_to(end);
        result
    }

    /// Where a value of a map is that is kept in memory; zeros when there is none.
    pub fn map_memory(&mut self, map: MapId, key: Option<&Expr>) -> Result<Mem> {
        match self.find(map, key)? {
            Found::Slot(slot) => Ok(slot.at(VALUE)),
            Found::Place(place) => {
                let (end, result) = self.join();
                let missing = self.f.b.create_block();
                self.f.b.branch(Cond::Eq, place, 0, missing, &[], end, &[place]);
                self.f.b.switch_to(missing);
                let zeros = self.zeros();
                self.f.b.jump(end, &[zeros.base]);
                self.f.b.switch_to(end);
                Ok(Mem { base: result, off: 0 })
            }
            Found::Staying(_) => Err(self.model_error("the place of a number")),
        }
    }

    /// Where a text is that has to be there (`Present`).
    pub fn present(&mut self, args: &[Expr]) -> Result<Mem> {
        let [text] = args else { return Err(self.model_error("present() takes one text")) };
        let none = self.f.b.iconst(0);
        if let ExprKind::MapGet { map, key: Some(key) } = &text.kind
            && let Found::Place(place) = self.find(*map, Some(key))?
        {
            self.abort_if(Fault::BadAddress, Cond::Eq, place, 0, none)?;
            return Ok(Mem { base: place, off: 0 });
        }
        let mem = self.memory(text)?;
        let first = self.f.b.load(mem.base, mem.off, Size::B1);
        self.abort_if(Fault::BadAddress, Cond::Eq, first, 0, none)?;
        Ok(mem)
    }

    /// Zeros, as many as the largest value of a map has.
    pub fn zeros(&mut self) -> Mem {
        let at = self.g.zeros();
        self.data(at)
    }

    /// The address of a value of a map; 0 when there is none.
    pub fn map_address(&mut self, map: MapId, key: Option<&Expr>) -> Result<Value> {
        match self.find(map, key)? {
            Found::Slot(slot) => {
                let value = slot.at(VALUE);
                Ok(self.address(value))
            }
            Found::Place(place) => Ok(place),
            Found::Staying(_) => Err(self.model_error("the address of a value whose entry stays")),
        }
    }

    /// Whether a key is there.
    pub fn map_has(&mut self, map: MapId, key: Option<&Expr>) -> Result<Value> {
        let mark = self.mark();
        let present = match (self.place_of(map, key.is_some())?, key) {
            (MapPlace::Slot(at), _) => {
                let slot = self.data(at);
                self.f.b.load(slot.base, slot.off, Size::B8)
            }
            (MapPlace::Keyed { stays: Some(_), .. }, Some(key)) => {
                let place = self.lookup_key(map, key)?;
                self.is_there(place)
            }
            (MapPlace::Keyed { .. }, Some(key)) => self.lookup_key(map, key)?,
            (MapPlace::SharedCell(place), _) => self.any_word(map, place)?,
            _ => return Err(self.model_error("the presence of an aggregation that is kept by CPU")),
        };
        self.release(mark);
        Ok(self.f.b.compare(Cond::Ne, present, 0))
    }

    /// Not zero when any word of a shared aggregation is not.
    fn any_word(&mut self, map: MapId, place: MapRef) -> Result<Value> {
        let size = self.g.map(map).map_or(0, value_size);
        let cell = self.f.b.map_value(place, 0);
        let mut all = self.f.b.iconst(0);
        for at in (0..size).step_by(8) {
            let word = self.f.b.load(cell, at as i32, Size::B8);
            all = self.f.b.or(all, word);
        }
        Ok(all)
    }

    /// Removes a key; 1 if it was there.
    pub fn map_delete(&mut self, map: MapId, key: Option<&Expr>) -> Result<Value> {
        let mark = self.mark();
        let known = key.and_then(|key| self.lookups.known(map, key));
        self.lookups.forget(map);
        let removed = match (self.place_of(map, key.is_some())?, key) {
            (MapPlace::Keyed { stays: Some(_), slots, .. }, Some(key)) => {
                self.remove_staying(map, key, slots, known)?
            }
            (MapPlace::Keyed { overflow, .. }, Some(key)) => self.with_entry(map, key, |lower, entry| {
                let there = lower.delete_entry(entry);
                match overflow {
                    Some(map) => {
                        let more = lower.delete_entry(Entry { map, ..entry });
                        lower.f.b.or(there, more)
                    }
                    None => there,
                }
            })?,
            (MapPlace::Slot(at), _) => {
                let slot = self.data(at);
                let present = self.f.b.load(slot.base, slot.off, Size::B8);
                let size = self.g.map(map).map_or(0, value_size);
                self.zero(slot, VALUE + size);
                self.f.b.compare(Cond::Ne, present, 0)
            }
            (MapPlace::SharedCell(place), _) => {
                let present = self.any_word(map, place)?;
                let size = self.g.map(map).map_or(0, value_size);
                let cell = Mem { base: self.f.b.map_value(place, 0), off: 0 };
                self.zero(cell, size);
                self.f.b.compare(Cond::Ne, present, 0)
            }
            _ => return Err(self.model_error("delete() of an aggregation that is kept by CPU")),
        };
        self.release(mark);
        Ok(removed)
    }

    /// Whether the entry was there.
    fn delete_entry(&mut self, entry: Entry) -> Value {
        let key = self.address(entry.key);
        let failed = self.delete_in(entry.map, key);
        self.f.b.compare(Cond::Eq, failed, 0)
    }

    /// Stores a value.
    pub fn map_assign(&mut self, map: MapId, key: Option<&Expr>, value: &Expr) -> Result<()> {
        let MapValue::Plain(ty) = self.map_value_kind(map)?.clone() else {
            return Err(self.model_error("an assignment to an aggregation"));
        };
        match (self.place_of(map, key.is_some())?, key) {
            (MapPlace::Slot(at), _) => self.assign_slot(at, value, &ty),
            (MapPlace::Keyed { churns, stays, slots, .. }, Some(key)) => {
                // The value may use what the key replaces: it comes first.
                let failed = if ty.is_scalar() {
                    let value = self.scalar(value)?;
                    let known = self.lookups.known(map, key);
                    self.with_entry(map, key, |lower, entry| match stays {
                        Some(counter) => lower.store_staying(entry, slots, known, (value, counter)),
                        None => lower.assign_word(entry, value, churns),
                    })?
                } else {
                    let value = self.memory_as(value, &ty)?;
                    self.with_entry(map, key, |lower, entry| lower.update(entry, value, ANY))?
                };
                self.lookups.forget(map);
                self.when(Cond::Ne, failed, 0, |lower| lower.lose_key(map, failed));
                Ok(())
            }
            _ => Err(self.model_error("an assignment to an aggregation")),
        }
    }

    /// Goes to `yes` if the kernel had no memory for what it was to store, else to `no`.
    pub fn branch_if_no_memory(&mut self, failed: Value, yes: Block, no: Block) {
        // Before Linux 6.4 the functions behind the helper give an `int`, and leave the upper half as it comes.
        let failed = self.f.b.ext(failed, Size::B4, true);
        self.f.b.branch(Cond::Eq, failed, NO_MEMORY, yes, &[], no, &[]);
    }

    /// Counts a key that could not be added. D tells apart whether there was no room, or no memory at hand just then.
    pub fn lose_key(&mut self, map: MapId, failed: Value) {
        let frees = matches!(self.place_of(map, true), Ok(MapPlace::Keyed { churns: true, .. }));
        if !self.aborts() || !frees {
            return self.lose(LossKind::Key(map));
        }
        let [unready, full, next] = [(); 3].map(|()| self.f.b.create_block());
        self.branch_if_no_memory(failed, unready, full);
        for (block, kind) in [(unready, LossKind::Unready(map)), (full, LossKind::Key(map))] {
            self.f.b.switch_to(block);
            self.lose(kind);
            self.f.b.jump(next, &[]);
        }
        self.f.b.switch_to(next);
    }

    fn assign_slot(&mut self, at: u32, value: &Expr, ty: &Type) -> Result<()> {
        let slot = self.data(at);
        let to = slot.at(VALUE);
        if ty.is_scalar() {
            let value = self.operand(value)?;
            self.f.b.store(to.base, to.off, Size::B8, value);
        } else {
            // Built elsewhere, so that readers see it half done for as short as possible.
            let from = self.memory_as(value, ty)?;
            self.copy(to, from, layout::size(ty));
        }
        self.f.b.store(slot.base, slot.off, Size::B8, 1);
        Ok(())
    }

    /// Stores one word: in place when the key is there, unless keys come and go so that it mostly is not. Gives 0 or an error.
    fn assign_word(&mut self, entry: Entry, value: Value, churns: bool) -> Value {
        let (end, failed) = self.join();
        if !churns {
            let place = self.lookup(entry);
            let [missing, found] = [self.f.b.create_block(), self.f.b.create_block()];
            self.f.b.branch(Cond::Eq, place, 0, missing, &[], found, &[]);
            self.f.b.switch_to(found);
            self.f.b.store(place, 0, Size::B8, value);
            let zero = self.f.b.iconst(0);
            self.f.b.jump(end, &[zero]);
            self.f.b.switch_to(missing);
        }
        let word = self.word();
        self.f.b.store(word.base, word.off, Size::B8, value);
        let result = self.update(entry, word, ANY);
        self.f.b.jump(end, &[result]);
        self.f.b.switch_to(end);
        failed
    }
}
