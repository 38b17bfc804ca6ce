//! Maps that are cleared there and then, and those whose tables are too big for that.

use quadrant_program::expr::ExprKind;
use quadrant_program::probe::Site;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::in_machine;

/// Whether a program at a point clears a map with room for so many keys itself; if not, it orders that.
fn clears_itself(site: Site, keys: u32, counts: bool) -> bool {
    let mut script = Script::new();
    script.program.config.max_map_keys = Some(keys);
    let map = script.keyed(Type::U64, Type::U64);
    let out = script.scalar(Type::I64);
    let clear = script.record_kind(RecordKind::Clear(map), &[]);
    let count = counts.then(|| set_map(out, None, expr(ExprKind::MapLen(map), Type::I64)));
    let stored = set_map(map, Some(arg(0)), arg(0));
    script.clause(None, [stored].into_iter().chain(count).chain([emit(clear, vec![])]).collect());
    script.program.points[0].site = site;
    let seen = in_machine(&script, FakeEnv::default(), &[(0, vec![5])]);
    assert_eq!(seen.maps[&map.0].is_empty(), seen.records.is_empty(), "cleared, or ordered to be");
    seen.records.is_empty()
}

/// The kernel looks through the whole table.
#[test]
fn only_maps_with_small_tables_are_cleared_where_a_process_waits() {
    let interval = || Site::Interval { period_ns: 1 };
    assert!(clears_itself(interval(), 4096, false));
    assert!(!clears_itself(interval(), 4097, false));
    assert!(clears_itself(interval(), 4097, true), "the clause walks over it all the same");
    for site in [Site::Begin, Site::End, Site::Test] {
        assert!(clears_itself(site, 1 << 20, false), "nobody waits");
    }
}
