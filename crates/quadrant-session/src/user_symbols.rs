//! Where a program has addresses of processes that are to be named.

use std::collections::BTreeSet;

use quadrant_codegen::object::Unit;
use quadrant_program::Program;
use quadrant_program::expr::Expr;
use quadrant_program::layout;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::program::Clause;
use quadrant_program::record::Record;
use quadrant_program::ty::Type;
use quadrant_program::value;
use quadrant_program::value::Value;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

use crate::plan::Planned;

/// Whether anything that the program keeps or sends has such addresses.
pub(crate) fn any(program: &Program) -> bool {
    program.config.named_process.is_some() || has_types(program)
}

/// Whether types say so.
fn has_types(program: &Program) -> bool {
    program.records.iter().any(|record| in_record(program, record)) || program.maps.iter().any(in_map)
}

/// Whether a record may have such addresses.
pub(crate) fn in_record(program: &Program, record: &Record) -> bool {
    program.config.names_numbers || record.args.iter().any(in_type)
}

/// Whether keys or values of a map have such addresses.
pub(crate) fn in_map(map: &Map) -> bool {
    map.key.as_ref().is_some_and(in_type) || value_type(map).is_some_and(in_type)
}

/// The type of a map's values; `None` for aggregations.
pub(crate) fn value_type(map: &Map) -> Option<&Type> {
    match &map.value {
        MapValue::Plain(ty) => Some(ty),
        MapValue::Aggregation(_) => None,
    }
}

/// Whether values of a type have such addresses.
pub(crate) fn in_type(ty: &Type) -> bool {
    match ty {
        Type::Stack(stack) => stack.user,
        Type::Symbol { user, .. } => *user,
        Type::Tuple(parts) => parts.iter().any(in_type),
        _ => false,
    }
}

/// The one process whose addresses the program can have; `None` when it can be any.
pub(crate) fn only_process(program: &Program, units: &[Planned]) -> Option<u32> {
    match program.config.named_process {
        Some(named) if !has_types(program) => Some(named),
        Some(named) => only_probed(program, units).filter(|only| *only == named),
        None => only_probed(program, units),
    }
}

fn only_probed(program: &Program, units: &[Planned]) -> Option<u32> {
    let takes = |unit: &&Unit| unit.all_clauses().any(|clause| in_clause(&program.clauses[clause]));
    let mut pids = units.iter().map(|planned| &planned.unit).filter(takes).map(|unit| unit.pid);
    let first = pids.next()??;
    pids.all(|pid| pid == Some(first)).then_some(first)
}

fn in_clause(clause: &Clause) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn expr(&mut self, expr: &Expr) {
            self.0 |= in_type(&expr.ty);
        }
    }
    let mut finder = Finder(false);
    visit::clause(clause, &mut finder);
    finder.0
}

/// Adds the processes that a stored value has addresses of.
pub(crate) fn processes(ty: &Type, bytes: &[u8], found: &mut BTreeSet<u32>) {
    match value::decode(ty, bytes) {
        Value::Stack(kind, id, pid) if kind.user && id != layout::STACK_LOST && id != layout::STACK_EMPTY => {
            found.insert(pid);
        }
        Value::UserSymbol(_, pid) => {
            found.insert(pid);
        }
        Value::Tuple(parts, bytes) => {
            let mut at = 0;
            for part in parts {
                let size = layout::size(part) as usize;
                processes(part, bytes.get(at..at + size).unwrap_or_default(), found);
                at += size;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use quadrant_program::ty::StackMode;
    use quadrant_program::ty::StackType;
    use quadrant_program::ty::SymbolPart;

    use super::*;

    const USTACK: Type = Type::Stack(StackType { user: true, limit: 127, mode: StackMode::Bpftrace });
    const KSTACK: Type = Type::Stack(StackType { user: false, limit: 127, mode: StackMode::Bpftrace });

    fn pair(id: u32, pid: u32) -> [u8; 8] {
        (u64::from(pid) << 32 | u64::from(id)).to_ne_bytes()
    }

    #[test]
    fn only_addresses_of_processes_count() {
        assert!(in_type(&USTACK) && in_type(&Type::Symbol { user: true, part: SymbolPart::Symbol }));
        assert!(
            !in_type(&KSTACK)
                && !in_type(&Type::Symbol { user: false, part: SymbolPart::Symbol })
                && !in_type(&Type::U64)
        );
        let inner = Type::Tuple(Arc::from([Type::U64, USTACK]));
        assert!(in_type(&Type::Tuple(Arc::from([KSTACK, inner]))));
    }

    #[test]
    fn processes_are_found_in_the_depth_of_keys() {
        let inner = Type::Tuple(Arc::from([Type::U64, Type::Symbol { user: true, part: SymbolPart::Symbol }]));
        let key = Type::Tuple(Arc::from([KSTACK, USTACK, inner]));
        let symbol = [0x1000u64.to_ne_bytes(), 9u64.to_ne_bytes()].concat();
        let bytes = [&pair(1, 7)[..], &pair(2, 8), &5u64.to_ne_bytes(), &symbol].concat();
        let mut found = BTreeSet::new();
        processes(&key, &bytes, &mut found);
        assert_eq!(found, BTreeSet::from([8, 9]));
        for cut in 0..bytes.len() {
            processes(&key, &bytes[..cut], &mut found);
        }
        let mut none = BTreeSet::new();
        processes(&USTACK, &pair(layout::STACK_EMPTY, 8), &mut none);
        assert!(none.is_empty());
    }
}
