//! `substr`.

use quadrant_program::expr::Expr;

use crate::lower::error::Result;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::ssa::Cond;
use crate::ssa::Value;

/// Farther than any text reaches.
const WHOLE: i64 = 1 << 40;
/// Farther still, and near enough for sums. D's arguments are 32-bit numbers.
const FAR: i64 = 1 << 41;

impl Lower<'_, '_> {
    /// A number, or the nearest one that is not beyond [`FAR`].
    fn within_reach(&mut self, value: Value) -> Value {
        let [least, most] = [-FAR, FAR].map(|bound| self.f.b.iconst(bound));
        let value = self.f.b.select(Cond::Slt, value, least, least, value);
        self.f.b.select(Cond::Sgt, value, most, most, value)
    }

    /// A negative start counts from the end; one before the text takes as much off a length. A negative length leaves so many bytes off
    /// at the end.
    pub fn store_substr(&mut self, text: &Expr, start: &Expr, length: Option<&Expr>, cap: u32, to: Mem) -> Result<()> {
        let text = self.loaded_text(text)?;
        let first = self.scalar(start)?;
        let first = self.within_reach(first);
        let [start, wanted] = [self.cell(first), self.cell(WHOLE)];
        if let Some(length) = length {
            let length = self.scalar(length)?;
            let length = self.within_reach(length);
            self.cell_set(wanted, length);
        }
        let len = self.cell_get(text.len);
        self.when(Cond::Slt, first, 0, |lower| {
            lower.cell_add(start, len);
            let from = lower.cell_get(start);
            lower.when(Cond::Slt, from, 0, |lower| {
                let length = lower.cell_get(wanted);
                let rest = lower.f.b.add(length, from);
                lower.when(Cond::Sgt, rest, 0, |lower| {
                    lower.cell_set(wanted, rest);
                    lower.cell_set(start, 0);
                });
            });
        });
        let (from, length) = (self.cell_get(start), self.cell_get(wanted));
        self.when(Cond::Slt, length, 0, |lower| {
            let rest = lower.f.b.sub(len, from);
            lower.cell_add(wanted, rest);
        });
        let length = self.cell_get(wanted);
        self.when(Cond::Slt, length, 0, |lower| lower.cell_set(wanted, 0));
        for (cond, bound) in [(Cond::Slt, None), (Cond::Sge, Some(len))] {
            let bound = bound.unwrap_or_else(|| self.f.b.iconst(0));
            self.when(cond, from, bound, |lower| {
                lower.cell_set(start, 0);
                lower.cell_set(wanted, 0);
            });
        }
        let (from, length) = (self.cell_get(start), self.cell_get(wanted));
        self.store_part(text.bytes, from, length, cap, to)
    }
}
