//! Aggregations: feeding them, and what they amount to.
//!
//! Parts are kept by CPU unless programs read them; even then another program may feed the same part meanwhile, so every change is
//! atomic where the kernel does not keep that out (`alone`). A part of a map without keys counts as fed when any of its words is not
//! zero; only `sum`, whose number may stay 0, stores the "fed" word.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::map::Aggregation;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;

use super::error::Result;
use super::front::Front;
use super::globals::MapPlace;
use super::maps::Entry;
use super::maps::NOEXIST;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::AtomicOp;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::MapRef;
use crate::ssa::Size;
use crate::ssa::Value;

/// How often an exchange of a shared minimum or maximum is tried again.
const RETRIES: u32 = 4;

/// What an aggregation is fed.
#[derive(Clone, Copy)]
struct Fed {
    /// The value.
    value: Value,
    /// How often it counts in a histogram; `None` is once.
    weight: Option<Value>,
}

/// Where parts are besides the map itself, and what they are.
struct Place<P> {
    part: P,
    overflow: Option<MapRef>,
    /// With whether no other program takes slots meanwhile.
    front: Option<(Front, bool)>,
}

/// A part of an aggregation.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Its address.
    pub at: Value,
    /// All CPUs feed it.
    pub shared: bool,
    /// Nothing else feeds it meanwhile.
    pub alone: bool,
    /// It has a word that says that it was fed.
    pub keyless: bool,
}

impl Lower<'_, '_> {
    /// Feeds an aggregation.
    pub fn aggregate(
        &mut self,
        map: MapId,
        key: Option<&Expr>,
        value: Option<&Expr>,
        weight: Option<&Expr>,
    ) -> Result<()> {
        let MapValue::Aggregation(kind) = self.map_value_kind(map)?.clone() else {
            return Err(self.model_error("a map that is no aggregation"));
        };
        let mark = self.mark();
        let value = match (&kind, value) {
            (Aggregation::Count, _) => self.f.b.iconst(1),
            (_, Some(value)) => self.scalar(value)?,
            (_, None) => return Err(self.model_error("an aggregation without a value")),
        };
        let weight = weight.map(|weight| self.scalar(weight)).transpose()?;
        let fed = Fed { value, weight };
        match (self.place_of(map, key.is_some())?, key) {
            (MapPlace::Cell(place, index), _) => self.feed_cell(map, (place, index), &kind, fed),
            (MapPlace::SharedCell(place), _) => {
                let at = self.f.b.map_value(place, 0);
                self.feed(Part { at, shared: true, alone: false, keyless: true }, &kind, fed);
            }
            (MapPlace::Keyed { shared, overflow, front, .. }, Some(key)) => {
                self.lookups.forget(map);
                // What all CPUs share is among what it may find.
                let alone = !shared && overflow.is_none() && self.g.alone.contains(&map);
                let part = |at| Part { at, shared, alone, keyless: false };
                let place = Place { part, overflow, front: front.map(|front| (front, alone)) };
                self.with_entry(map, key, |lower, entry| lower.feed_entry(map, entry, &place, &kind, fed))?;
            }
            _ => return Err(self.model_error("an aggregation in the data section")),
        }
        self.release(mark);
        Ok(())
    }

    /// Feeds this CPU's part of a map without keys.
    fn feed_cell(&mut self, map: MapId, (place, index): (MapRef, u32), kind: &Aggregation, fed: Fed) {
        let key = self.word();
        self.f.b.store(key.base, key.off, Size::B4, i64::from(index));
        let at = self.lookup(Entry { map: place, key });
        let end = self.f.b.create_block();
        self.f.b.branch_away(Cond::Eq, at, 0, end);
        let alone = self.g.alone.contains(&map);
        self.feed(Part { at, shared: false, alone, keyless: true }, kind, fed);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }

    /// Feeds the part of a key, which is made when it is missing.
    fn feed_entry(
        &mut self,
        map: MapId,
        entry: Entry,
        place: &Place<impl Fn(Value) -> Part>,
        kind: &Aggregation,
        fed: Fed,
    ) -> Value {
        let [end, miss, again, full, lost] = [(); 5].map(|()| self.f.b.create_block());
        let hit = self.f.b.create_block();
        let at = self.f.b.append_param(hit);
        if let Some((front, alone)) = place.front {
            self.find_in_front(front, entry.key, alone, hit);
        }
        let first = self.lookup(entry);
        self.f.b.branch(Cond::Ne, first, 0, hit, &[first], miss, &[]);

        self.f.b.switch_to(miss);
        let failed = self.make_part(entry, kind, fed.value, (end, again));
        // It is there now, by this CPU or another that was faster; or there is no room.
        self.f.b.switch_to(again);
        let second = self.lookup(entry);
        self.f.b.branch(Cond::Ne, second, 0, hit, &[second], full, &[]);
        self.f.b.switch_to(full);
        if let Some(map) = place.overflow {
            self.find_overflow(Entry { map, ..entry }, failed, hit, lost);
        } else {
            self.f.b.jump(lost, &[]);
        }
        self.f.b.switch_to(lost);
        self.lose(LossKind::Key(map));
        self.f.b.jump(end, &[]);

        self.f.b.switch_to(hit);
        self.feed((place.part)(at), kind, fed);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        self.f.b.iconst(0)
    }

    /// Makes the part of a key, and goes to `fed` if it has the value already, else to `made`; gives 0 or an error.
    fn make_part(&mut self, entry: Entry, kind: &Aggregation, value: Value, (fed, made): (Block, Block)) -> Value {
        match self.first_part(kind, value) {
            Some(part) => {
                let failed = self.update(entry, part, NOEXIST);
                self.f.b.branch(Cond::Eq, failed, 0, fed, &[], made, &[]);
                failed
            }
            None => {
                let failed = self.new_entry(entry);
                self.f.b.jump(made, &[]);
                failed
            }
        }
    }

    /// Makes an entry with a part that was not fed yet; gives 0 or an error.
    fn new_entry(&mut self, entry: Entry) -> Value {
        let zeros = self.zeros();
        self.update(entry, zeros, NOEXIST)
    }

    /// Goes to `hit` with the part of a key for which there was no memory on each CPU; to `lost` if it was not for that, or there is none.
    fn find_overflow(&mut self, entry: Entry, failed: Value, hit: Block, lost: Block) {
        let [out_of_memory, make] = [(); 2].map(|()| self.f.b.create_block());
        self.branch_if_no_memory(failed, out_of_memory, lost);
        self.f.b.switch_to(out_of_memory);
        let known = self.lookup(entry);
        self.f.b.branch(Cond::Ne, known, 0, hit, &[known], make, &[]);
        self.f.b.switch_to(make);
        self.new_entry(entry);
        let made = self.lookup(entry);
        self.f.b.branch(Cond::Ne, made, 0, hit, &[made], lost, &[]);
    }

    /// A part that was fed once, if it is small.
    fn first_part(&mut self, kind: &Aggregation, value: Value) -> Option<Mem> {
        let second = match kind {
            Aggregation::Count | Aggregation::Sum { .. } => None,
            Aggregation::Min { .. } | Aggregation::Max { .. } => Some(1),
            Aggregation::Avg { .. } | Aggregation::Stats { .. } => Some(1),
            Aggregation::Hist { .. }
            | Aggregation::LinearHist { .. }
            | Aggregation::Stddev
            | Aggregation::Quantize
            | Aggregation::LogLinear(_)
            | Aggregation::Series(_) => return None,
        };
        let part = self.alloc_bytes(16);
        self.f.b.store(part.base, part.off, Size::B8, value);
        if let Some(second) = second {
            self.f.b.store(part.base, part.off + 8, Size::B8, second);
        }
        Some(part)
    }

    /// Feeds a part.
    fn feed(&mut self, part: Part, kind: &Aggregation, fed: Fed) {
        let value = fed.value;
        match kind {
            Aggregation::Count => self.add(part, 0, value),
            Aggregation::Sum { .. } => {
                self.add(part, 0, value);
                if part.keyless {
                    self.f.b.store(part.at, 8, Size::B8, 1);
                }
            }
            Aggregation::Avg { .. } | Aggregation::Stats { .. } => {
                let one = self.f.b.iconst(1);
                self.add(part, 0, value);
                self.add(part, 8, one);
            }
            Aggregation::Min { signed } => {
                self.feed_extreme(part, value, if *signed { Cond::Slt } else { Cond::Ult });
            }
            Aggregation::Max { signed } => {
                self.feed_extreme(part, value, if *signed { Cond::Sgt } else { Cond::Ugt });
            }
            Aggregation::Hist { bits } => {
                let bucket = self.hist_bucket(value, *bits);
                self.count_bucket(part, bucket, kind.words(), fed.weight);
            }
            Aggregation::LinearHist { min, max, step } => {
                let bucket = self.linear_bucket(value, *min, *max, *step);
                self.count_bucket(part, bucket, kind.words(), fed.weight);
            }
            Aggregation::Stddev => self.feed_squares(part, value),
            Aggregation::Quantize => {
                let bucket = self.quantize_bucket(value);
                self.count_bucket(part, bucket, kind.words(), fed.weight);
            }
            Aggregation::LogLinear(scale) => {
                let bucket = self.log_linear_bucket(value, scale);
                self.count_bucket(part, bucket, kind.words(), fed.weight);
            }
            Aggregation::Series(series) => self.feed_series(part.at, series, value),
        }
    }

    fn add(&mut self, part: Part, off: i32, value: Value) {
        match part.alone {
            true => drop(self.load_add_store(part.at, off, value)),
            false => self.f.b.atomic(AtomicOp::Add, part.at, off, Size::B8, value),
        }
    }

    /// Adds to a bucket. The comparison never fails; the verifier wants it.
    fn count_bucket(&mut self, part: Part, bucket: Value, words: u32, weight: Option<Value>) {
        let end = self.f.b.create_block();
        self.f.b.branch_away(Cond::Uge, bucket, i64::from(words), end);
        let off = self.f.b.shl(bucket, 3);
        let at = self.f.b.add(part.at, off);
        let by = weight.unwrap_or_else(|| self.f.b.iconst(1));
        self.add(Part { at, ..part }, 0, by);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }

    /// Adds to the number of values, their sum, and the 128 bits of the sum of their squares.
    fn feed_squares(&mut self, part: Part, value: Value) {
        let one = self.f.b.iconst(1);
        self.add(part, 0, one);
        self.add(part, 8, value);
        let (low, high) = self.square(value);
        let old = self.fetch_add(part, 16, low);
        let sum = self.f.b.add(old, low);
        let carry = self.f.b.compare(Cond::Ult, sum, low);
        let high = self.f.b.add(high, carry);
        self.add(part, 24, high);
    }

    /// Adds, and gives what was there before. On kernels without such an atomic operation an interrupt in between may be lost.
    fn fetch_add(&mut self, part: Part, off: i32, by: Value) -> Value {
        if self.g.target.atomic_fetch && !part.alone {
            return self.f.b.atomic_fetch(AtomicOp::Add, part.at, off, Size::B8, by);
        }
        self.load_add_store(part.at, off, by)
    }

    /// Adds in three steps, and gives what was there before.
    fn load_add_store(&mut self, at: Value, off: i32, by: Value) -> Value {
        let old = self.f.b.load(at, off, Size::B8);
        let sum = self.f.b.add(old, by);
        self.f.b.store(at, off, Size::B8, sum);
        old
    }

    /// The square of a signed number: the lower and the upper 64 bits.
    fn square(&mut self, value: Value) -> (Value, Value) {
        let b = &mut self.f.b;
        let sign = b.sar(value, 63);
        let flipped = b.xor(value, sign);
        let magnitude = b.sub(flipped, sign);
        let low = b.ext(magnitude, Size::B4, false);
        let high = b.shr(magnitude, 32);
        let (low_low, cross, high_high) = (b.mul(low, low), b.mul(low, high), b.mul(high, high));
        // The cross product counts twice, shifted by 32: once 33 bits to the left.
        let cross_low = b.shl(cross, 33);
        let cross_high = b.shr(cross, 31);
        let sum = b.add(low_low, cross_low);
        let carry = b.compare(Cond::Ult, sum, low_low);
        let upper = b.add(high_high, cross_high);
        let upper = b.add(upper, carry);
        (sum, upper)
    }

    /// Keeps the value if it is better than the one so far.
    fn feed_extreme(&mut self, part: Part, value: Value, better: Cond) {
        let end = self.f.b.create_block();
        let rounds = if part.shared && self.g.target.atomic_fetch { RETRIES } else { 0 };
        for _ in 0..rounds {
            let old = self.better_than(part, value, better, end);
            let seen = self.f.b.cmpxchg(part.at, 0, Size::B8, old, value);
            let retry = self.f.b.create_block();
            let stored = self.f.b.create_block();
            self.f.b.branch(Cond::Eq, seen, old, stored, &[], retry, &[]);
            self.f.b.switch_to(stored);
            self.f.b.store(part.at, 8, Size::B8, 1);
            self.f.b.jump(end, &[]);
            self.f.b.switch_to(retry);
        }
        self.better_than(part, value, better, end);
        self.f.b.store(part.at, 0, Size::B8, value);
        self.f.b.store(part.at, 8, Size::B8, 1);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }

    /// Goes on if there is no value yet or this one is better, else to `end`; gives the value so far.
    fn better_than(&mut self, part: Part, value: Value, better: Cond, end: Block) -> Value {
        let [compare, go] = [self.f.b.create_block(), self.f.b.create_block()];
        let set = self.f.b.load(part.at, 8, Size::B8);
        let old = self.f.b.load(part.at, 0, Size::B8);
        self.f.b.branch(Cond::Eq, set, 0, go, &[], compare, &[]);
        self.f.b.switch_to(compare);
        self.f.b.branch(better, value, old, go, &[], end, &[]);
        self.f.b.switch_to(go);
        old
    }

    /// What a shared aggregation amounts to, 0 when it was never fed.
    pub fn aggregation_value(&mut self, map: MapId, kind: &Aggregation, key: Option<&Expr>) -> Result<Value> {
        self.of_part(map, key, |lower, at| lower.amount(at, kind))
    }

    /// A word of what a shared aggregation keeps, 0 when it was never fed; `of` is the `MapGet` of the aggregation.
    pub fn fed_word(&mut self, of: &Expr, off: i32) -> Result<Value> {
        let ExprKind::MapGet { map, key } = &of.kind else {
            return Err(self.model_error("what was fed to no aggregation"));
        };
        let mark = self.mark();
        let word = self.of_part(*map, key.as_deref(), |lower, at| Ok(lower.f.b.load(at, off, Size::B8)))?;
        self.release(mark);
        Ok(word)
    }

    /// Something of the part of a shared aggregation, 0 when there is none.
    fn of_part(
        &mut self,
        map: MapId,
        key: Option<&Expr>,
        something: impl Fn(&mut Self, Value) -> Result<Value>,
    ) -> Result<Value> {
        let at = match (self.place_of(map, key.is_some())?, key) {
            (MapPlace::SharedCell(place), _) => {
                let at = self.f.b.map_value(place, 0);
                return something(self, at);
            }
            (MapPlace::Keyed { shared: true, .. }, Some(key)) => self.lookup_key(map, key)?,
            _ => return Err(self.model_error("the value of an aggregation that is kept by CPU")),
        };
        let (end, result) = self.join();
        let found = self.f.b.create_block();
        let zero = self.f.b.iconst(0);
        self.f.b.branch(Cond::Eq, at, 0, end, &[zero], found, &[]);
        self.f.b.switch_to(found);
        let value = something(self, at)?;
        self.f.b.jump(end, &[value]);
        self.f.b.switch_to(end);
        Ok(result)
    }

    /// What a part amounts to.
    pub fn amount(&mut self, at: Value, kind: &Aggregation) -> Result<Value> {
        let first = self.f.b.load(at, 0, Size::B8);
        match kind {
            Aggregation::Count | Aggregation::Sum { .. } | Aggregation::Min { .. } | Aggregation::Max { .. } => {
                Ok(first)
            }
            Aggregation::Avg { signed } | Aggregation::Stats { signed } => {
                let n = self.f.b.load(at, 8, Size::B8);
                // Of nothing, the average is 0: what division by zero gives.
                Ok(if *signed { self.f.b.sdiv(first, n) } else { self.f.b.udiv(first, n) })
            }
            Aggregation::Hist { .. }
            | Aggregation::LinearHist { .. }
            | Aggregation::Stddev
            | Aggregation::Quantize
            | Aggregation::LogLinear(_)
            | Aggregation::Series(_) => Err(self
                .error("a histogram or time series has no single value that a program could use")
                .help("print() it, or use count(), sum() or avg() beside it")),
        }
    }
}
