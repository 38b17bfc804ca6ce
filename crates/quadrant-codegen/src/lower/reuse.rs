//! Look-ups that need not be made twice: a predicate that reads `@start[tid]` before a body that reads it again.
//!
//! A look-up is remembered when every way through the clause makes it and its key cannot change while the program runs; it is
//! forgotten when the program changes the map.

use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::map::MapId;
use quadrant_program::ty::Space;

use super::error::Result;
use super::unit::Lower;
use crate::ssa::Value;

/// Look-ups that were made on every way to where the clause is now.
#[derive(Default)]
pub(super) struct Lookups {
    known: Vec<Known>,
    /// Branches around what is lowered now.
    pub branches: u32,
}

struct Known {
    map: MapId,
    key: Expr,
    place: Value,
}

impl Lookups {
    /// What is known after a loop: nothing, its body may have changed any map.
    pub fn after_loop(self) -> Lookups {
        Lookups { known: Vec::new(), branches: self.branches }
    }

    /// What is known of a key.
    pub fn known(&self, map: MapId, key: &Expr) -> Option<Value> {
        self.known.iter().find(|known| known.map == map && same_key(&known.key, key)).map(|known| known.place)
    }

    /// Forgets what is known of a map that changes.
    pub fn forget(&mut self, map: MapId) {
        self.known.retain(|known| known.map != map);
    }
}

impl Lower<'_, '_> {
    /// The address of the value of a key, or 0; made now or known from before.
    pub fn known_lookup(
        &mut self,
        map: MapId,
        key: &Expr,
        make: impl FnOnce(&mut Self) -> Result<Value>,
    ) -> Result<Value> {
        if let Some(place) = self.lookups.known(map, key) {
            return Ok(place);
        }
        let place = make(self)?;
        if self.lookups.branches == 0 && is_fixed(key) {
            self.lookups.known.push(Known { map, key: key.clone(), place });
        }
        Ok(place)
    }

    /// Lowers something that only some ways through the clause reach.
    pub fn branch<T>(&mut self, lower: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.lookups.branches += 1;
        let result = lower(self);
        self.lookups.branches -= 1;
        result
    }
}

/// Whether an expression has the same value throughout a run.
fn is_fixed(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Int(_) | ExprKind::Str(_) | ExprKind::Arg(_) | ExprKind::Retval | ExprKind::Reg(_) => true,
        ExprKind::ContextAddr(_) | ExprKind::Core(_) => true,
        ExprKind::Builtin(builtin) => {
            !matches!(builtin, Builtin::Nsecs(_) | Builtin::Elapsed | Builtin::Rand | Builtin::Jiffies)
        }
        ExprKind::Deref { addr, space: Space::Context } => is_fixed(addr),
        ExprKind::Cast(inner) | ExprKind::Unary(_, inner) => is_fixed(inner),
        ExprKind::Binary(_, a, b) => is_fixed(a) && is_fixed(b),
        ExprKind::Ternary { cond, then, other } => is_fixed(cond) && is_fixed(then) && is_fixed(other),
        ExprKind::Tuple(parts) => parts.iter().all(is_fixed),
        _ => false,
    }
}

/// Whether two fixed expressions are the same, wherever they stand.
fn same_key(a: &Expr, b: &Expr) -> bool {
    if a.ty != b.ty {
        return false;
    }
    match (&a.kind, &b.kind) {
        (ExprKind::Deref { addr: a, space: s }, ExprKind::Deref { addr: b, space: t }) => s == t && same_key(a, b),
        (ExprKind::Cast(a), ExprKind::Cast(b)) => same_key(a, b),
        (ExprKind::Unary(op, a), ExprKind::Unary(other, b)) => op == other && same_key(a, b),
        (ExprKind::Binary(op, a, b), ExprKind::Binary(other, c, d)) => op == other && same_key(a, c) && same_key(b, d),
        (
            ExprKind::Ternary { cond, then, other },
            ExprKind::Ternary { cond: same_cond, then: same_then, other: same_other },
        ) => same_key(cond, same_cond) && same_key(then, same_then) && same_key(other, same_other),
        (ExprKind::Tuple(a), ExprKind::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_key(a, b)),
        (a, b) => a == b,
    }
}
