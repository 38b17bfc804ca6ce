//! Every operator on every width, against plain Rust.

use proptest::prelude::*;
use quadrant_codegen::LossKind;
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{in_kernel, in_machine};
use crate::eval::{Eval, narrow};

const OPS: [BinaryOp; 16] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::Rem,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::Shl,
    BinaryOp::Shr,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Lt,
    BinaryOp::Le,
    BinaryOp::Gt,
    BinaryOp::Ge,
];

fn any_type() -> impl Strategy<Value = Type> {
    let width = prop_oneof![Just(1u8), Just(2), Just(4), Just(8), Just(8)];
    (width, any::<bool>()).prop_map(|(bytes, signed)| Type::Int { bytes, signed })
}

fn any_word() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..4u64,
        (0..64u32).prop_map(|bit| 1 << bit),
        (0..64u32).prop_map(|bit| (1u64 << bit).wrapping_neg()),
        Just(i64::MAX as u64),
        Just(u64::from(u32::MAX)),
    ]
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        (any_word(), any_type()).prop_map(|(value, ty)| expr(ExprKind::Int(narrow(value, &ty) as i64), ty)),
        (0..4u8, any_type()).prop_map(|(index, ty)| expr(ExprKind::Arg(index), ty)),
    ]
}

fn boxed(e: Expr) -> Box<Expr> {
    Box::new(e)
}

/// The same value, as a number of another type.
fn as_type(e: Expr, ty: &Type) -> Expr {
    if e.ty == *ty { e } else { cast(e, ty.clone()) }
}

fn tree() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            4 => (0..16usize, inner.clone(), inner.clone(), any_type()).prop_map(|(op, a, b, ty)| {
                binary(OPS[op], as_type(a, &ty), as_type(b, &ty))
            }),
            1 => (0..3u8, inner.clone(), any_type()).prop_map(|(op, e, ty)| {
                let op = [UnaryOp::Neg, UnaryOp::BitNot, UnaryOp::Not][usize::from(op)];
                let e = as_type(e, &ty);
                expr(ExprKind::Unary(op, boxed(e)), if op == UnaryOp::Not { Type::Bool } else { ty })
            }),
            1 => (any::<bool>(), inner.clone(), inner.clone()).prop_map(|(and, a, b)| {
                expr(ExprKind::Logical { and, lhs: boxed(a), rhs: boxed(b) }, Type::Bool)
            }),
            1 => (inner.clone(), inner.clone(), inner.clone(), any_type()).prop_map(|(cond, a, b, ty)| {
                let (then, other) = (boxed(as_type(a, &ty)), boxed(as_type(b, &ty)));
                expr(ExprKind::Ternary { cond: boxed(cond), then, other }, ty)
            }),
            1 => (inner.clone(), prop_oneof![any_type(), Just(Type::Bool)]).prop_map(|(e, ty)| cast(e, ty)),
            1 => (inner, 1..=64u8, any::<u8>(), any::<bool>()).prop_map(|(e, width, shift, signed)| {
                let shift = if width == 64 { 0 } else { shift % (64 - width + 1) };
                let value = boxed(as_type(e, &Type::U64));
                expr(ExprKind::Bits { value, shift, width }, Type::Int { bytes: 8, signed })
            }),
        ]
    })
}

/// A script that stores the value of each expression, its truth, and a sum over a variable of its type.
fn script(trees: &[Expr]) -> Script {
    let mut script = Script::new();
    let mut body = Vec::new();
    for tree in trees {
        let [value, truth] = [script.scalar(Type::I64), script.scalar(Type::I64)];
        body.push(set_map(value, None, as_type(tree.clone(), &Type::I64)));
        body.push(if_else(tree.clone(), vec![set_map(truth, None, int(1))], vec![set_map(truth, None, int(2))]));
    }
    script.clause(None, body);
    script
}

fn check(trees: &[Expr], args: &[u64; 4], seen: &crate::engine::Seen) -> Result<(), TestCaseError> {
    let mut eval = Eval { args, divisions: 0 };
    for (at, tree) in trees.iter().enumerate() {
        let map = |offset| quadrant_program::map::MapId(at as u32 * 2 + offset);
        let value = eval.value(tree);
        eval.value(tree);
        prop_assert_eq!(seen.number(map(0)), Some(value), "{:?}", tree);
        prop_assert_eq!(seen.number(map(1)), Some(if value != 0 { 1 } else { 2 }), "{:?}", tree);
    }
    prop_assert_eq!(seen.lost(LossKind::Division), eval.divisions);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn expressions_in_the_machine(tree in tree(), args in proptest::array::uniform4(any_word())) {
        let trees = [tree];
        let seen = in_machine(&script(&trees), FakeEnv::default(), &[(0, args.to_vec())]);
        check(&trees, &args, &seen)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn expressions_in_the_kernel(trees in proptest::collection::vec(tree(), 1..4), args in proptest::array::uniform4(any_word())) {
        if let Some(seen) = in_kernel(&script(&trees), &[(0, args.to_vec())]) {
            check(&trees, &args, &seen)?;
        }
    }
}

/// The whole parts of a double and a float, and the low half of the first.
fn whole_parts() -> Script {
    let mut script = Script::new();
    let types = [(8, 8, true), (4, 8, true), (8, 4, false)];
    let stmts = types.map(|(bytes, wide, signed)| {
        let map = script.scalar(Type::I64);
        let index = u8::from(bytes == 4);
        let float = cast(expr(ExprKind::Arg(index), Type::U64), Type::Float { bytes });
        set_map(map, None, cast(cast(float, Type::Int { bytes: wide, signed }), Type::I64))
    });
    script.clause(None, stmts.to_vec());
    script
}

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -1e6..1e6,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-(2f64.powi(63))),
        Just(2f64.powi(62)),
        -2.0..2.0
    ]
}

proptest! {
    /// As Rust casts them.
    #[test]
    fn whole_parts_of_floats(double in any_float(), single in any_float()) {
        let single = single as f32;
        let words = vec![double.to_bits(), single.to_bits().into()];
        let seen = in_machine(&whole_parts(), FakeEnv::default(), &[(0, words)]);
        let numbers = [0, 1, 2].map(|map| seen.number(quadrant_program::map::MapId(map)));
        let wanted = [double as i64 as u64, single as i64 as u64, u64::from(double as i64 as u32)];
        prop_assert_eq!(numbers, wanted.map(Some));
    }
}

#[test]
fn division_by_zero_gives_what_is_set_and_is_counted() {
    for by_zero in [0, 1] {
        divide_by_zero(by_zero);
    }
}

#[track_caller]
fn divide_by_zero(by_zero: i64) {
    let mut s = Script::new();
    s.program.config.by_zero = by_zero;
    let maps = [s.scalar(Type::I64), s.scalar(Type::I64)];
    s.clause(
        None,
        vec![
            set_map(maps[0], None, binary(BinaryOp::Div, sarg(0), sarg(1))),
            set_map(maps[1], None, binary(BinaryOp::Rem, sarg(0), sarg(1))),
        ],
    );
    let seen = in_machine(&s, FakeEnv::default(), &[(0, vec![9, 0]), (0, vec![9, 0])]);
    assert_eq!(maps.map(|map| seen.number(map)), [Some(by_zero as u64); 2]);
    assert_eq!(seen.lost(LossKind::Division), 4);
}
