//! `print(@m); clear(@m);` becomes one record: what is printed is what goes, and a full ring buffer cannot lose one of the two.

use quadrant_program::map::MapId;
use quadrant_program::record::{Record, RecordKind};
use quadrant_program::stmt::{Stmt, StmtKind};

/// Joins each `print(@m)` of a body with the `clear(@m)` that follows it, if there is nothing but output of constants between.
pub(super) fn join_clears(body: &mut Vec<Stmt>, records: &mut [Record]) {
    let mut at = 0;
    while at < body.len() {
        if let Some(clear) = printed(&body[at], records).and_then(|map| clear_of(map, &body[at + 1..], records)) {
            body.remove(at + 1 + clear);
            mark(&body[at], records);
        }
        inside(&mut body[at], records);
        at += 1;
    }
}

fn inside(stmt: &mut Stmt, records: &mut [Record]) {
    match &mut stmt.kind {
        StmtKind::If { then, other, .. } => {
            join_clears(then, records);
            join_clears(other, records);
        }
        StmtKind::Block(body) => join_clears(body, records),
        _ => {}
    }
}

/// The map that a statement prints.
fn printed(stmt: &Stmt, records: &[Record]) -> Option<MapId> {
    kind(stmt, records)?.printed()
}

/// Where the map is cleared, if nothing before that could tell the difference.
fn clear_of(map: MapId, rest: &[Stmt], records: &[Record]) -> Option<usize> {
    for (at, stmt) in rest.iter().enumerate() {
        match kind(stmt, records)? {
            RecordKind::Clear(cleared) if *cleared == map => return Some(at),
            RecordKind::PrintMap { map: other, .. } | RecordKind::Zero(other) if *other == map => return None,
            _ => {}
        }
    }
    None
}

/// The record that a statement sends, if that is all it does: it has no arguments.
fn kind<'r>(stmt: &Stmt, records: &'r [Record]) -> Option<&'r RecordKind> {
    match &stmt.kind {
        StmtKind::Emit { record, args } if args.is_empty() => Some(&records[record.0 as usize].kind),
        _ => None,
    }
}

fn mark(stmt: &Stmt, records: &mut [Record]) {
    if let StmtKind::Emit { record, .. } = &stmt.kind
        && let RecordKind::PrintMap { take, .. } = &mut records[record.0 as usize].kind
    {
        *take = true;
    }
}
