//! Which point fired: its name and its number, as D asks.

use quadrant_codegen::Context;
use quadrant_program::expr::{Builtin, ExprKind, PointPart};
use quadrant_program::map::Aggregation;
use quadrant_program::probe::{PointId, Site};
use quadrant_program::ty::Type;
use quadrant_program::value::{Value, decode_argument};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Kernel, Seen, in_machine};

const NAMES: [&str; 3] = ["syscall:vmlinux:read:entry", "syscall:vmlinux:openat:entry", "syscall:vmlinux:read:return"];
const PARTS: [PointPart; 4] = [PointPart::Provider, PointPart::Module, PointPart::Function, PointPart::Name];
const CAP: u32 = 256;

fn part(part: PointPart) -> quadrant_program::expr::Expr {
    expr(ExprKind::Builtin(Builtin::PointText(part)), Type::String { cap: CAP })
}

/// A clause at the first `count` points: all four parts in a record, the third as a key, the number as a value.
fn script(count: usize) -> (Script, [quadrant_program::map::MapId; 2]) {
    let mut script = Script::new();
    let (by_name, id) =
        (script.aggregation(Some(Type::String { cap: CAP }), Aggregation::Count), script.scalar(Type::U64));
    let record = script.record(&PARTS.map(|_| Type::String { cap: CAP }));
    let body = vec![
        emit(record, PARTS.map(part).to_vec()),
        feed(by_name, Some(part(PointPart::Function)), None),
        set_map(id, None, builtin(Builtin::PointId)),
    ];
    script.clause_in(Context::Registers, None, body);
    for name in &NAMES[1..count] {
        let point = script.point(Site::Begin);
        script.program.points[point.0 as usize].name = (*name).to_owned();
    }
    script.program.points[0].name = NAMES[0].to_owned();
    script.program.point_ids = vec![70, 700, 71];
    script.units[0].points = (0..count as u32).map(PointId).collect();
    (script, [by_name, id])
}

fn texts(record: &[u8]) -> Vec<String> {
    let types = PARTS.map(|_| Type::String { cap: CAP });
    let (offsets, _) = quadrant_program::layout::record_offsets(&types);
    let text = |off: u32| match decode_argument(&types[0], &record[off as usize..], record) {
        Value::Text { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("{other:?}"),
    };
    offsets.into_iter().map(text).collect()
}

fn check(seen: &Seen, maps: [quadrant_program::map::MapId; 2], point: usize) {
    let [by_name, id] = maps;
    let expected: Vec<&str> = NAMES[point].split(':').collect();
    assert_eq!(texts(&seen.records[0]), expected);
    let mut key = expected[2].as_bytes().to_vec();
    key.resize(CAP as usize, 0);
    assert_eq!(seen.words(by_name, &key), Some(vec![1]));
    assert_eq!(seen.number(id), Some([70, 700, 71][point]));
}

#[test]
fn one_point_is_known_when_the_script_is_compiled() {
    let (script, maps) = script(1);
    check(&in_machine(&script, FakeEnv::default(), &[(0, vec![])]), maps, 0);
    Kernel::new(&script);
}

#[test]
fn many_points_are_told_apart_by_a_table() {
    for count in [2, 3] {
        let (script, maps) = script(count);
        for point in 0..count {
            let env = FakeEnv { cookie: point as u64, ..FakeEnv::default() };
            check(&in_machine(&script, env, &[(0, vec![])]), maps, point);
        }
        if quadrant_bpf::features::Features::new().attach_cookie(quadrant_bpf::prog::ProgramKind::Kprobe) {
            Kernel::new(&script);
        }
    }
}
