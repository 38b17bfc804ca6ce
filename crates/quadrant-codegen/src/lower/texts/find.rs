//! Finding a byte or a text in a text: `strchr`, `strrchr`, `strstr`, `index`, `rindex`.

use quadrant_program::expr::Expr;

use super::Text;
use crate::lower::cells::Cell;
use crate::lower::error::Result;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Value;

/// Most rounds of a loop (`BPF_MAX_LOOPS`).
const ROUNDS_MAX: i64 = 1 << 23;

impl Lower<'_, '_> {
    /// `strchr`, `strrchr`.
    pub fn store_from_byte(&mut self, text: &Expr, byte: &Expr, last: bool, cap: u32, to: Mem) -> Result<()> {
        let text = self.loaded_text(text)?;
        let wanted = self.scalar(byte)?;
        let wanted = self.f.b.and(wanted, 0xff);
        let [wanted, found] = [self.cell(wanted), self.cell(-1)];
        let len = self.cell_get(text.len);
        self.repeat(len, |lower, at, stop| {
            let byte = lower.byte(text.bytes, at);
            let wanted = lower.cell_get(wanted);
            lower.when(Cond::Eq, byte, wanted, |lower| {
                lower.cell_set(found, at);
                if !last {
                    lower.f.b.jump(stop, &[]);
                }
            });
            Ok(())
        })?;
        self.store_rest(text, found, cap, to)
    }

    /// `strstr`.
    pub fn store_from_part(&mut self, text: &Expr, part: &Expr, cap: u32, to: Mem) -> Result<()> {
        let (text, part) = (self.loaded_text(text)?, self.loaded_text(part)?);
        let start = self.f.b.iconst(0);
        let found = self.find_part(text, part, start, false)?;
        self.store_rest(text, found, cap, to)
    }

    /// `index`, `rindex`. For `index`, a start before the text is at its start; for `rindex`, one behind it is at its end, and before
    /// it there is nothing.
    pub fn index(&mut self, text: &Expr, part: &Expr, start: Option<&Expr>, last: bool) -> Result<Value> {
        let (text, part) = (self.loaded_text(text)?, self.loaded_text(part)?);
        let (len, part_len) = (self.cell_get(text.len), self.cell_get(part.len));
        let most = self.f.b.sub(len, part_len);
        let start = match start {
            Some(start) => {
                let start = self.scalar(start)?;
                let zero = self.f.b.iconst(0);
                match last {
                    true => self.f.b.select(Cond::Sgt, start, most, most, start),
                    false => self.f.b.select(Cond::Slt, start, 0, zero, start),
                }
            }
            None if last => most,
            None => self.f.b.iconst(0),
        };
        let found = self.find_part(text, part, start, last)?;
        Ok(self.cell_get(found))
    }

    /// Stores what starts at a place; nothing if that is -1.
    fn store_rest(&mut self, text: Text, found: Cell, cap: u32, to: Mem) -> Result<()> {
        let found = self.cell_get(found);
        let len = self.cell_get(text.len);
        // Behind the last byte there is a NUL.
        let start = self.f.b.select(Cond::Slt, found, 0, len, found);
        self.store_part(text.bytes, start, i64::from(cap), cap, to)
    }

    /// The first (or last) place from `start` on (or back) where a part is; -1 when there is none.
    ///
    /// One loop: a round compares one byte, and goes on in the part or to the next place.
    fn find_part(&mut self, text: Text, part: Text, start: Value, last: bool) -> Result<Cell> {
        let [at, matched, found] = [self.cell(start), self.cell(0), self.cell(-1)];
        let (len, part_len) = (self.cell_get(text.len), self.cell_get(part.len));
        let most = self.f.b.sub(len, part_len);
        let most = self.cell(most);
        let places = self.f.b.add(len, 1);
        let each = self.f.b.add(part_len, 1);
        let rounds = self.f.b.mul(places, each);
        let rounds = if i64::from(text.cap + 1) * i64::from(part.cap + 1) > ROUNDS_MAX {
            self.lose_if(LossKind::Loop, Cond::Ugt, rounds, ROUNDS_MAX);
            let limit = self.f.b.iconst(ROUNDS_MAX);
            self.f.b.select(Cond::Ugt, rounds, ROUNDS_MAX, limit, rounds)
        } else {
            rounds
        };
        self.repeat(rounds, |lower, _, stop| {
            let (here, so_far) = (lower.cell_get(at), lower.cell_get(matched));
            let most = lower.cell_get(most);
            lower.f.b.branch_away(Cond::Sgt, here, most, stop);
            lower.f.b.branch_away(Cond::Slt, here, 0, stop);
            let part_len = lower.cell_get(part.len);
            lower.when(Cond::Eq, so_far, part_len, |lower| {
                lower.cell_set(found, here);
                lower.f.b.jump(stop, &[]);
            });
            let place = lower.f.b.add(here, so_far);
            let byte = lower.byte(text.bytes, place);
            let wanted = lower.byte(part.bytes, so_far);
            lower.when(Cond::Eq, byte, wanted, |lower| {
                lower.cell_add(matched, 1);
                lower.f.b.ret(0);
            });
            lower.cell_set(matched, 0);
            lower.cell_add(at, if last { -1 } else { 1 });
            Ok(())
        })?;
        Ok(found)
    }
}
