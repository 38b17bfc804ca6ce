//! Maps that are cleared there and then, and those whose tables are too big for that.

use quadrant_program::expr::ExprKind;
use quadrant_program::probe::Site;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::in_machine;

/// What a clause does with a map that it clears.
#[derive(Clone, Copy)]
enum Look {
    Away,
    Counts,
    /// Before and after.
    Stores,
}

/// Whether a program at a point clears a map with room for so many keys itself; if not, it orders that.
fn clears_itself(site: Site, keys: u32, look: Look) -> bool {
    let mut script = Script::new();
    script.program.config.max_map_keys = Some(keys);
    let map = script.keyed(Type::U64, Type::U64);
    let out = script.scalar(Type::I64);
    let clear = script.record_kind(RecordKind::Clear(map), &[]);
    let stored = || set_map(map, Some(arg(0)), arg(0));
    let body = match look {
        Look::Away => vec![stored(), emit(clear, vec![])],
        Look::Counts => vec![stored(), set_map(out, None, expr(ExprKind::MapLen(map), Type::I64)), emit(clear, vec![])],
        Look::Stores => vec![stored(), emit(clear, vec![]), stored()],
    };
    script.clause(None, body);
    script.program.points[0].site = site;
    let seen = in_machine(&script, FakeEnv::default(), &[(0, vec![5])]);
    seen.records.is_empty()
}

/// The kernel looks through the whole table.
#[test]
fn only_maps_with_small_tables_are_cleared_where_a_process_waits() {
    let interval = || Site::Interval { period_ns: 1 };
    assert!(clears_itself(interval(), 4096, Look::Away));
    assert!(!clears_itself(interval(), 4097, Look::Away));
    assert!(!clears_itself(interval(), 4097, Look::Stores));
    assert!(clears_itself(interval(), 4097, Look::Counts), "the clause walks over it all the same");
    for site in [Site::Begin, Site::End, Site::Test] {
        assert!(clears_itself(site.clone(), 1 << 20, Look::Stores), "nobody waits, and what is stored behind it stays");
        assert!(!clears_itself(site, 1 << 20, Look::Away), "nobody sees it");
    }
}
