//! Keys of maps.
//!
//! A look-up costs by the byte of the key, and a key with a long text is mostly zeros. A map with such keys is two maps: one for the keys
//! whose texts are short, and one for all others. Whoever uses a key tries the short form first.

use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::layout;
use quadrant_program::map::MapId;
use quadrant_program::ty::Type;

use super::error::Result;
use super::globals::MapPlace;
use super::maps::Entry;
use super::memory::Mem;
use super::unit::Lower;
use super::walk;
use super::walk::Node;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// Builds a key and does something with its entry. The value is what that gives.
    pub fn with_entry(
        &mut self,
        map: MapId,
        key: &Expr,
        mut action: impl FnMut(&mut Self, Entry) -> Value,
    ) -> Result<Value> {
        let MapPlace::Keyed { map: place, short, .. } = self.place_of(map, true)? else {
            return Err(self.model_error("a key for a map without keys"));
        };
        let ty = self.g.map(map).and_then(|map| map.key.as_ref());
        let ty = ty.ok_or_else(|| self.model_error("a key for a map without keys"))?;
        let (Some(short), Some(short_ty)) = (short, layout::short_key(ty)) else {
            let key = self.memory_as(key, ty)?;
            return Ok(action(self, Entry { map: place, key }));
        };
        let (end, result) = self.join();
        let long = self.f.b.create_block();
        // What must be evaluated only once is, in its long form.
        let whole = if is_repeatable(key) { None } else { Some(self.memory_as(key, ty)?) };
        let mem = self.alloc(&short_ty);
        match whole {
            Some(whole) => self.shorten(whole, ty, &short_ty, mem, long),
            None => self.branch(|lower| lower.store_short(key, ty, &short_ty, mem, long))?,
        }
        let value = action(self, Entry { map: short, key: mem });
        self.f.b.jump(end, &[value]);
        if self.f.b.is_reachable(long) {
            self.f.b.switch_to(long);
            let value = match whole {
                Some(key) => action(self, Entry { map: place, key }),
                // Long texts are rare: nobody else pays for the memory that they take.
                None => self.with_scratch(|lower| {
                    let key = lower.branch(|lower| lower.memory_as(key, ty))?;
                    Ok(action(lower, Entry { map: place, key }))
                })?,
            };
            self.f.b.jump(end, &[value]);
        }
        self.f.b.switch_to(end);
        Ok(result)
    }

    /// Stores the short form of a key, or goes to `long` when it has none.
    fn store_short(&mut self, e: &Expr, ty: &Type, short: &Type, to: Mem, long: Block) -> Result<()> {
        match (&e.kind, ty, short) {
            (_, Type::String { cap }, Type::String { cap: short }) if short < cap => {
                self.store_short_text(e, *short, to, long)
            }
            (ExprKind::Tuple(values), Type::Tuple(parts), Type::Tuple(shorts)) if values.len() == parts.len() => {
                let mut at = 0;
                for ((value, part), short) in values.iter().zip(parts.iter()).zip(shorts.iter()) {
                    self.store_short(value, part, short, to.at(at), long)?;
                    at += layout::size(short);
                }
                Ok(())
            }
            (_, Type::Tuple(_), _) if ty != short => {
                let whole = self.memory_as(e, ty)?;
                self.shorten(whole, ty, short, to, long);
                Ok(())
            }
            _ => self.store_as(e, ty, to),
        }
    }

    fn store_short_text(&mut self, e: &Expr, cap: u32, to: Mem, long: Block) -> Result<()> {
        match (&e.kind, &e.ty) {
            (ExprKind::Str(text), _) if text.len() as u32 >= cap => {
                self.f.b.jump(long, &[]);
                Ok(())
            }
            (ExprKind::Builtin(Builtin::PointText(part)), _)
                if self.known_point_text(*part).is_some_and(|text| text.len() < cap as usize) =>
            {
                self.store_text(e, cap, to)
            }
            (ExprKind::Str(_) | ExprKind::Builtin(Builtin::Comm), _) => self.store_text(e, cap, to),
            (_, Type::String { cap: own }) if *own <= cap => self.store_text(e, cap, to),
            _ => match self.read_source(e)? {
                Some(source) => self.read_padded_or(source, cap, to, Some(long)),
                None => {
                    let whole = self.memory(e)?;
                    self.shorten(whole, &e.ty, &Type::String { cap }, to, long);
                    Ok(())
                }
            },
        }
    }

    /// Copies a stored key to its short form, or goes to `long` when it has none.
    fn shorten(&mut self, from: Mem, ty: &Type, short: &Type, to: Mem, long: Block) {
        match (ty, short) {
            (Type::String { cap }, Type::String { cap: short }) if short < cap => {
                // A text has no NUL before its end and nothing but NULs behind.
                let last = self.f.b.load(from.base, from.off + *short as i32 - 1, Size::B1);
                self.f.b.branch_away(Cond::Ne, last, 0, long);
                self.copy(to, from, layout::round_up(*short));
            }
            (Type::Tuple(parts), Type::Tuple(shorts)) => {
                let (mut read, mut write) = (0, 0);
                for (part, short) in parts.iter().zip(shorts.iter()) {
                    self.shorten(from.at(read), part, short, to.at(write), long);
                    read += layout::size(part);
                    write += layout::size(short);
                }
            }
            _ => self.copy(to, from, layout::size(ty)),
        }
    }

    /// Copies a short key to its whole form.
    pub fn lengthen(&mut self, from: Mem, ty: &Type, short: &Type, to: Mem) {
        match (ty, short) {
            (Type::Tuple(parts), Type::Tuple(shorts)) => {
                let (mut read, mut write) = (0, 0);
                for (part, short) in parts.iter().zip(shorts.iter()) {
                    self.lengthen(from.at(read), part, short, to.at(write));
                    read += layout::size(short);
                    write += layout::size(part);
                }
            }
            _ => {
                let (len, whole) = (layout::size(short), layout::size(ty));
                self.copy(to, from, len);
                self.zero(to.at(len), whole.saturating_sub(len));
            }
        }
    }
}

/// Whether an expression can be evaluated twice: it changes nothing, and is no work to speak of.
fn is_repeatable(e: &Expr) -> bool {
    let mut repeatable = true;
    walk::expr(e, &mut |node| match node {
        Node::Expr(e) => {
            let changes = matches!(
                e.kind,
                ExprKind::IncDec { .. }
                    | ExprKind::MapDelete { .. }
                    | ExprKind::Block(..)
                    | ExprKind::Call(
                        Function::Text(_) | Function::Args(_) | Function::Alloca(_) | Function::Speculation,
                        _
                    )
            );
            repeatable &= !changes;
        }
        Node::Stmt(_) | Node::End(_) => repeatable = false,
    });
    repeatable
}
