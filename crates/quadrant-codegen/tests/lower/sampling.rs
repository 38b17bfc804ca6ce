//! Firings that are left out are counted; without the wish for it, programs are as ever.

use quadrant_codegen::{Context, LossKind, Target};
use quadrant_program::expr::ExprKind;
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::probe::Site;
use quadrant_program::sampling::{Obstacle, obstacle};
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Kernel, Machine, object_for};

const FIRINGS: u64 = 10_007;

fn sampled() -> Target {
    Target { sampling: true, ..target() }
}

/// A clause at a place that fires by itself.
fn busy(script: &mut Script, body: Vec<Stmt>) {
    script.clause_in(Context::Registers, None, body);
    let point = script.program.clauses.last().expect("a clause").points[0];
    script.program.points[point.0 as usize].site = Site::PerfEvent { kind: 1, config: 0, period: 1 };
}

fn counting() -> (Script, MapId) {
    let mut script = Script::new();
    let map = script.aggregation(None, Aggregation::Count);
    busy(&mut script, vec![feed(map, None, None)]);
    (script, map)
}

#[test]
fn what_is_left_out_and_what_counts_are_all_firings() {
    let (script, map) = counting();
    let firings = vec![(0, vec![]); FIRINGS as usize];
    for every in [1, 2, 16, 1024] {
        let mut machine = Machine::with_target(&script, FakeEnv::default(), &sampled());
        machine.sample(every);
        let seen = machine.run(&script, &firings);
        let (counted, skipped) = (seen.cell(map)[0], seen.lost(LossKind::Skipped));
        assert_eq!(counted + skipped, FIRINGS);
        // Ten standard deviations.
        let (expected, doubt) = (FIRINGS / every, 10 * (FIRINGS / every).isqrt());
        assert!(counted.abs_diff(expected) <= if every == 1 { 0 } else { doubt }, "{counted} with 1 in {every}");
    }
}

#[test]
fn the_kernel_takes_such_programs() {
    Kernel::with_target(&counting().0, &sampled());
}

#[test]
fn without_a_limit_nothing_is_added() {
    let (script, _) = counting();
    let lengths = [target(), sampled()].map(|target| object_for(&script, &target).programs[0].insns.len());
    assert!(lengths[0] < lengths[1], "{lengths:?}");
    assert_eq!(object_for(&script, &target()).data.sampling, None);
}

#[test]
fn what_a_firing_leaves_for_another_stands_in_the_way() {
    let number = |script: &mut Script| script.scalar(Type::U64);
    let obstacle_of = |make: &dyn Fn(&mut Script, MapId) -> Vec<Stmt>| {
        let mut script = Script::new();
        let map = number(&mut script);
        let body = make(&mut script, map);
        busy(&mut script, body);
        obstacle(&script.program)
    };
    let carried = Some(Obstacle::Map(MapId(0)));
    assert_eq!(obstacle_of(&|_, map| vec![set_map(map, None, uint(1))]), None);
    assert_eq!(obstacle_of(&|_, map| vec![inc(map, None)]), None);
    let read = |map| stmt(StmtKind::Expr(get(map, None, Type::U64)));
    assert_eq!(obstacle_of(&|_, map| vec![set_map(map, None, uint(1)), read(map)]), carried);
    assert_eq!(obstacle_of(&|_, map| vec![read(map)]), None);
    let delete = |map| stmt(StmtKind::Expr(expr(ExprKind::MapDelete { map, key: None }, Type::Bool)));
    assert_eq!(obstacle_of(&|_, map| vec![delete(map)]), carried);
    // The number of a step is used.
    assert_eq!(
        obstacle_of(&|s, map| {
            let other = s.scalar(Type::U64);
            vec![set_map(other, None, inc_expr(map, None, 1, true))]
        }),
        carried
    );
    assert_eq!(obstacle_of(&|_, _| vec![stmt(StmtKind::Stop)]), Some(Obstacle::Effects));
}
