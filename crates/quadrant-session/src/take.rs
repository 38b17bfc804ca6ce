//! `print(@m); clear(@m);`: what is printed is what goes, and what comes between the two is not lost.
//!
//! User space cannot read a value of a program and set it to zero as one step. So an aggregation that only grows is left alone: what
//! has been shown of it is remembered, and the next look shows the difference. Nothing can be lost on that way; only a sum to which
//! nothing but zeros came looks as if nothing had come. All other maps (those that the script itself reads, which must find them
//! empty; least and greatest values; plain values) are emptied while they are read, entry by entry: what a program adds to an entry
//! between its look-up and its addition, some nanoseconds, is lost when the entry goes in just these.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::HashSet;

use quadrant_bpf::map::Map;
use quadrant_bpf::map::MapKind;
use quadrant_codegen::object::MapRole;
use quadrant_program::Program;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::record::RecordKind;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::value::extend;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

use crate::error::Error;
use crate::kernel;
use crate::kernel::Kernel;

/// Reads a map and empties it.
///
/// # Errors
/// Those of reading and changing it.
pub(crate) fn take(kernel: &Kernel, program: &Program, id: MapId) -> Result<Snapshot, Error> {
    if !only_grows(kernel, program, id) {
        return empty(kernel, program, id);
    }
    let all = kernel::gather(kernel, program, id, Map::snapshot)?;
    let fresh = kernel.shown.rest_of(id, all.clone());
    kernel.shown.replace(id, &all);
    let keyed = program.maps[id.0 as usize].key.is_some();
    if keyed && parts(kernel, id).any(|map| all.len > map.spec().max_entries as usize / 2) {
        remove_idle(kernel, program, id, &all, &fresh)?;
    }
    Ok(fresh)
}

/// Reads and removes; a map without keys is read, then cleared.
fn empty(kernel: &Kernel, program: &Program, id: MapId) -> Result<Snapshot, Error> {
    if program.maps[id.0 as usize].key.is_some() {
        let content = kernel::gather(kernel, program, id, Map::drain)?;
        kernel::free_slots(kernel, id)?;
        return Ok(content);
    }
    let content = kernel::gather(kernel, program, id, Map::snapshot)?;
    kernel::clear(kernel, program, id, false)?;
    Ok(content)
}

/// Makes room: removes the keys to which nothing came since the last take.
fn remove_idle(kernel: &Kernel, program: &Program, id: MapId, all: &Snapshot, fresh: &Snapshot) -> Result<(), Error> {
    let busy: HashSet<&[u8]> = (0..fresh.len).map(|at| fresh.key(at)).collect();
    let front = kernel::in_front(kernel, program, id)?;
    let stays: HashSet<&[u8]> = (0..front.len).map(|at| front.key(at)).collect();
    let is_idle = |key: &&[u8]| !busy.contains(key) && !stays.contains(key);
    let idle: HashSet<&[u8]> = (0..all.len).map(|at| all.key(at)).filter(is_idle).collect();
    kernel.shown.forget_keys(id, &idle);
    kernel::remove(kernel, program, id, &idle)
}

/// Whether the programs do nothing with a map but add to its words, each CPU to its own or all atomically.
fn only_grows(kernel: &Kernel, program: &Program, id: MapId) -> bool {
    let map = &program.maps[id.0 as usize];
    let MapValue::Aggregation(aggregation) = &map.value else { return false };
    let keeps = |map: &Map| matches!(map.spec().kind, MapKind::PercpuHash | MapKind::PercpuArray | MapKind::Hash);
    aggregation.only_adds()
        && parts(kernel, id).next().is_some()
        && parts(kernel, id).all(keeps)
        && !is_read(program, id)
}

/// The kernel's maps that are a map of the script.
fn parts(kernel: &Kernel, id: MapId) -> impl Iterator<Item = &Map> {
    let own = MapRole::of_script(id).into_iter().filter_map(|role| kernel.map(role));
    own.chain(kernel.cell(id).map(|(map, _)| map))
}

/// Whether the script reads values, sets them to zero, removes keys, or asks which ones are there.
fn is_read(program: &Program, id: MapId) -> bool {
    struct Finder(MapId, bool);
    impl Visitor for Finder {
        fn stmt(&mut self, stmt: &Stmt) {
            if let StmtKind::ForMap { map, .. } = &stmt.kind {
                self.1 |= *map == self.0;
            }
        }

        fn expr(&mut self, expr: &Expr) {
            if let ExprKind::MapGet { map, .. }
            | ExprKind::MapDelete { map, .. }
            | ExprKind::MapHas { map, .. }
            | ExprKind::MapLen(map) = &expr.kind
            {
                self.1 |= *map == self.0;
            }
        }
    }
    let mut finder = Finder(id, program.records.iter().any(|record| record.kind == RecordKind::Zero(id)));
    program.clauses.iter().for_each(|clause| visit::clause(clause, &mut finder));
    finder.1
}

/// Values by their keys.
type Values = HashMap<Vec<u8>, Vec<u8>>;

/// What takes have shown of each map.
#[derive(Debug, Default)]
pub(crate) struct Shown(RefCell<HashMap<MapId, Values>>);

impl Shown {
    /// What is new in a map's content since the last take; all of it if there was none.
    pub(crate) fn rest_of(&self, id: MapId, all: Snapshot) -> Snapshot {
        let shown = self.0.borrow();
        let Some(before) = shown.get(&id) else { return all };
        let sizes = (all.key_size, all.value_size);
        let mut rest = Snapshot { key_size: sizes.0, value_size: sizes.1, ..Snapshot::default() };
        for at in 0..all.len {
            match before.get(all.key(at)) {
                None => rest.push(all.key(at), all.value(at)),
                Some(before) => {
                    let value = difference(all.value(at), before);
                    if value.iter().any(|byte| *byte != 0) {
                        rest.push(all.key(at), &value);
                    }
                }
            }
        }
        rest
    }

    /// What there is now has been shown, or is not to be.
    pub(crate) fn replace(&self, id: MapId, all: &Snapshot) {
        let values = (0..all.len).map(|at| (all.key(at).to_vec(), all.value(at).to_vec())).collect();
        self.0.borrow_mut().insert(id, values);
    }

    /// The map has been emptied.
    pub(crate) fn forget(&self, id: MapId) {
        self.0.borrow_mut().remove(&id);
    }

    fn forget_keys(&self, id: MapId, keys: &HashSet<&[u8]>) {
        if let Some(values) = self.0.borrow_mut().get_mut(&id) {
            values.retain(|key, _| !keys.contains(key.as_slice()));
        }
    }
}

/// Word by word.
fn difference(now: &[u8], before: &[u8]) -> Vec<u8> {
    let words = now.chunks(8).zip(before.chunks(8));
    words.flat_map(|(now, before)| extend(now, false).wrapping_sub(extend(before, false)).to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(entries: &[(u8, u64)]) -> Snapshot {
        let mut snapshot = Snapshot { key_size: 1, value_size: 8, ..Snapshot::default() };
        entries.iter().for_each(|(key, value)| snapshot.push(&[*key], &value.to_ne_bytes()));
        snapshot
    }

    #[test]
    fn what_was_shown_is_not_shown_again() {
        let (shown, id) = (Shown::default(), MapId(0));
        let first = snapshot(&[(1, 5), (2, 7)]);
        assert_eq!(shown.rest_of(id, first.clone()), first);
        shown.replace(id, &first);
        assert_eq!(shown.rest_of(id, snapshot(&[(1, 5), (2, 9), (3, 1)])), snapshot(&[(2, 2), (3, 1)]));
        shown.forget_keys(id, &HashSet::from([&[2u8][..]]));
        assert_eq!(shown.rest_of(id, snapshot(&[(2, 4)])), snapshot(&[(2, 4)]));
        shown.forget(id);
        assert_eq!(shown.rest_of(id, first.clone()), first);
    }
}
