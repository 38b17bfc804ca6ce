//! Texts in keys take as much room as the longest that is ever stored there, not as much as a text may have.
//!
//! A look-up costs by the byte of the key: `@[execname]` needs 16 bytes of the 256 that a `string` of D has.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::Program;
use crate::action::Action;
use crate::action::ActionKind;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::map::MapId;
use crate::record::RecordKind;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Type;
use crate::visit;
use crate::visit::Visitor;

/// Narrows the texts in the keys of a program's maps.
pub fn keys(program: &mut Program) {
    let mut widths = Widths::default();
    program.clauses.iter().for_each(|clause| visit::clause(clause, &mut widths));
    let joined = joined(program);
    for (map, parts) in widths.parts {
        let key = program.maps.get_mut(map.0 as usize).and_then(|map| map.key.as_mut());
        if let Some(key) = key.filter(|_| !widths.walked.contains(&map) && !joined.contains(&map)) {
            *key = narrowed(key, &parts);
        }
    }
}

/// The maps whose keys are compared with those of others, byte by byte.
fn joined(program: &Program) -> BTreeSet<MapId> {
    let actions = program.records.iter().filter_map(|record| match &record.kind {
        RecordKind::Firing(actions) => Some(actions),
        _ => None,
    });
    let maps = actions.flatten().filter_map(|Action { kind, .. }| match kind {
        ActionKind::Printa { maps, .. } if maps.len() > 1 => Some(maps),
        _ => None,
    });
    maps.flatten().copied().collect()
}

fn narrowed(key: &Type, widths: &[u32]) -> Type {
    match key {
        Type::Tuple(parts) if parts.len() == widths.len() => {
            Type::Tuple(parts.iter().zip(widths).map(|(part, width)| narrowed_text(part, *width)).collect())
        }
        Type::Tuple(_) => key.clone(),
        _ => narrowed_text(key, widths.first().copied().unwrap_or(u32::MAX)),
    }
}

fn narrowed_text(ty: &Type, width: u32) -> Type {
    match ty {
        Type::String { cap } => Type::String { cap: (*cap).min(width.max(1)) },
        _ => ty.clone(),
    }
}

/// For each map the greatest cap of each part of the keys that are used with it.
#[derive(Default)]
struct Widths {
    parts: BTreeMap<MapId, Vec<u32>>,
    /// Maps whose keys become values of their own.
    walked: BTreeSet<MapId>,
}

impl Widths {
    fn note(&mut self, map: MapId, key: Option<&Expr>) {
        let Some(key) = key else { return };
        let used = match &key.kind {
            ExprKind::Tuple(parts) => parts.iter().map(|part| cap(&part.ty)).collect(),
            // Its parts are not in sight.
            _ if matches!(key.ty, Type::Tuple(_)) => {
                self.walked.insert(map);
                return;
            }
            _ => vec![cap(&key.ty)],
        };
        let known = self.parts.entry(map).or_insert_with(|| vec![0; used.len()]);
        if known.len() == used.len() {
            known.iter_mut().zip(used).for_each(|(known, used)| *known = (*known).max(used));
        } else {
            self.walked.insert(map);
        }
    }

    fn note_place(&mut self, place: &Place) {
        if let Place::Map { map, key } = place {
            self.note(*map, key.as_ref());
        }
    }
}

fn cap(ty: &Type) -> u32 {
    match ty {
        Type::String { cap } => *cap,
        _ => u32::MAX,
    }
}

impl Visitor for Widths {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Aggregate { map, key, .. } => self.note(*map, key.as_ref()),
            StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => self.note_place(place),
            StmtKind::ForMap { map, .. } => drop(self.walked.insert(*map)),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::MapGet { map, key } | ExprKind::MapHas { map, key } | ExprKind::MapDelete { map, key } => {
                self.note(*map, key.as_deref());
            }
            ExprKind::IncDec { target, .. } => self.note_place(target),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_get_the_width_that_is_used() {
        let [text, number] = [Type::String { cap: 256 }, Type::U64];
        assert_eq!(narrowed(&text, &[16]), Type::String { cap: 16 });
        assert_eq!(narrowed(&text, &[512]), text);
        assert_eq!(narrowed(&number, &[u32::MAX]), number);
        let pair = Type::Tuple([number.clone(), text].into());
        assert_eq!(narrowed(&pair, &[u32::MAX, 16]), Type::Tuple([number, Type::String { cap: 16 }].into()));
        assert_eq!(narrowed(&pair, &[16]), pair);
    }
}
