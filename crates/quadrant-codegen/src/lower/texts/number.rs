//! Numbers as text and back: `lltostr`, `strtoll`.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;

use super::Text;
use crate::lower::cells::Bytes;
use crate::lower::cells::Cell;
use crate::lower::error::Result;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Bytes for the longest number, 64 binary digits, and what may be before it.
const ROOM: u32 = 72;

/// A number that is read.
#[derive(Clone, Copy)]
struct Reading {
    base: u64,
    /// Its magnitude so far.
    magnitude: Cell,
    /// Not zero after a minus sign.
    negative: Cell,
    /// What may come next.
    state: Cell,
}

/// Blanks, or what follows.
const BLANKS: i64 = 0;
/// A digit, and in base 16 a zero that may start `0x`.
const FIRST: i64 = 1;
/// The `x` of `0x`, or a digit.
const PREFIX: i64 = 2;
/// Digits.
const DIGITS: i64 = 3;

impl Lower<'_, '_> {
    /// A number as text: signed in base 10, with `0` before it in base 8 and `0x` in base 16.
    pub fn store_number_text(&mut self, number: &Expr, base: Option<&Expr>, cap: u32, to: Mem) -> Result<()> {
        let base = self.base(base)?;
        let number = self.scalar(number)?;
        let place = self.bytes(ROOM);
        let memory = self.bytes_memory(place);
        self.f.b.store(memory.base, memory.off + ROOM as i32 - 1, Size::B1, 0);
        let negative = if base == 10 { self.f.b.shr(number, 63) } else { self.f.b.iconst(0) };
        let mask = self.f.b.neg(negative);
        let flipped = self.f.b.xor(number, mask);
        let mut rest = self.f.b.sub(flipped, mask);
        let first = ROOM as i64 - 1;
        let mut start = self.f.b.iconst(first - 1);
        for at in 1..=digits(base) {
            if at > 1 {
                // A digit counts unless all that are left are zeros: then the rest is 0.
                let negated = self.f.b.neg(rest);
                let any = self.f.b.or(rest, negated);
                let counts = self.f.b.shr(any, 63);
                start = self.f.b.sub(start, counts);
            }
            let digit = self.f.b.umod(rest, base as i64);
            let byte = self.digit(digit, base);
            self.f.b.store(memory.base, memory.off + (first - at) as i32, Size::B1, byte);
            rest = self.f.b.udiv(rest, base as i64);
        }
        let start = self.cell(start);
        self.number_prefix(place, start, number, negative, base);
        let start = self.cell_get(start);
        self.store_part(place, start, i64::from(ROOM), cap, to)
    }

    fn number_prefix(&mut self, place: Bytes, start: Cell, number: Value, negative: Value, base: u64) {
        let push = |lower: &mut Self, byte: u8| {
            lower.cell_add(start, -1);
            let at = lower.cell_get(start);
            lower.set_byte(place, at, i64::from(byte));
        };
        match base {
            16 => {
                push(self, b'x');
                push(self, b'0');
            }
            8 => self.when(Cond::Ne, number, 0, |lower| push(lower, b'0')),
            10 => self.when(Cond::Ne, negative, 0, |lower| push(lower, b'-')),
            _ => {}
        }
    }

    /// The character of a digit.
    pub fn digit(&mut self, digit: Value, base: u64) -> Value {
        let byte = self.f.b.add(digit, i64::from(b'0'));
        if base <= 10 {
            return byte;
        }
        // 9 less a digit is negative for letters.
        let nine = self.f.b.iconst(9);
        let distance = self.f.b.sub(nine, digit);
        let is_letter = self.f.b.shr(distance, 63);
        let up = self.f.b.mul(is_letter, i64::from(b'a') - i64::from(b'9') - 1);
        self.f.b.add(byte, up)
    }

    /// A text as a number, as C's `strtoll` reads it.
    pub fn strtoll(&mut self, text: &Expr, base: Option<&Expr>) -> Result<Value> {
        let base = self.base(base)?;
        let text = self.loaded_text(text)?;
        let [magnitude, negative, state] = [(); 3].map(|()| self.cell(0));
        let reading = Reading { base, magnitude, negative, state };
        let len = self.cell_get(text.len);
        self.repeat(len, |lower, at, stop| {
            lower.number_step(text, reading, at, stop);
            Ok(())
        })?;
        let (magnitude, negative) = (self.cell_get(magnitude), self.cell_get(negative));
        // One more than the greatest stands for all that are too great.
        let over = self.f.b.shr(magnitude, 63);
        let positive = self.f.b.sub(magnitude, over);
        let opposite = self.f.b.neg(magnitude);
        Ok(self.f.b.select(Cond::Ne, negative, 0, opposite, positive))
    }

    fn number_step(&mut self, text: Text, reading: Reading, at: Value, stop: Block) {
        let byte = self.byte(text.bytes, at);
        let state = self.cell_get(reading.state);
        self.when(Cond::Eq, state, BLANKS, |lower| lower.before_digits(reading, byte));
        let state = self.cell_get(reading.state);
        if reading.base == 16 {
            self.when(Cond::Eq, state, FIRST, |lower| {
                lower.cell_set(reading.state, DIGITS);
                lower.when(Cond::Eq, byte, i64::from(b'0'), |lower| lower.cell_set(reading.state, PREFIX));
            });
            self.when(Cond::Eq, state, PREFIX, |lower| {
                lower.cell_set(reading.state, DIGITS);
                let letter = lower.f.b.or(byte, 0x20);
                lower.when(Cond::Eq, letter, i64::from(b'x'), |lower| lower.f.b.ret(0));
            });
        }
        let digit = self.digit_value(byte);
        self.f.b.branch_away(Cond::Uge, digit, reading.base as i64, stop);
        self.add_digit(reading, digit);
    }

    /// Blanks and a sign; returns if the byte is one of them.
    fn before_digits(&mut self, reading: Reading, byte: Value) {
        self.when(Cond::Eq, byte, i64::from(b' '), |lower| lower.f.b.ret(0));
        let control = self.f.b.sub(byte, i64::from(b'\t'));
        self.when(Cond::Ule, control, 4, |lower| lower.f.b.ret(0));
        self.cell_set(reading.state, FIRST);
        self.when(Cond::Eq, byte, i64::from(b'-'), |lower| {
            lower.cell_set(reading.negative, 1);
            lower.f.b.ret(0);
        });
        self.when(Cond::Eq, byte, i64::from(b'+'), |lower| lower.f.b.ret(0));
    }

    /// The value of a digit in any base; 36 or more for other bytes.
    fn digit_value(&mut self, byte: Value) -> Value {
        const NONE: i64 = 255;
        let decimal = self.f.b.sub(byte, i64::from(b'0'));
        let lower = self.f.b.or(byte, 0x20);
        let letter = self.f.b.sub(lower, i64::from(b'a'));
        let value = self.f.b.add(letter, 10);
        let none = self.f.b.iconst(NONE);
        let value = self.f.b.select(Cond::Ult, letter, 26, value, none);
        self.f.b.select(Cond::Ult, decimal, 10, decimal, value)
    }

    fn add_digit(&mut self, reading: Reading, digit: Value) {
        const OVER: i64 = i64::MIN;
        let magnitude = self.cell_get(reading.magnitude);
        // The greatest magnitude that has room for another digit.
        let limit = self.f.b.iconst(OVER);
        let room = self.f.b.sub(limit, digit);
        let most = self.f.b.udiv(room, reading.base as i64);
        let product = self.f.b.mul(magnitude, reading.base as i64);
        let sum = self.f.b.add(product, digit);
        let sum = self.f.b.select(Cond::Ugt, magnitude, most, limit, sum);
        self.cell_set(reading.magnitude, sum);
    }

    fn base(&self, base: Option<&Expr>) -> Result<u64> {
        match base.map(|base| &base.kind) {
            None => Ok(10),
            Some(ExprKind::Int(base @ 2..=36)) => Ok(*base as u64),
            Some(_) => Err(self.error("the base must be a constant from 2 to 36")),
        }
    }
}

/// Digits of the greatest number.
fn digits(base: u64) -> i64 {
    std::iter::successors(Some(u64::MAX), |rest| Some(rest / base).filter(|rest| *rest > 0)).count() as i64
}
