//! Comparing texts of up to 64 KB, which takes a loop.

use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::ty::Type;
use quadrant_vm::{FakeEnv, FakeMemory};

use crate::build::*;
use crate::engine::in_machine;

const CAP: u32 = 1 << 16;
const FIRST: u64 = 0x10_0000;
const SECOND: u64 = 0x30_0000;

/// Two texts, the second with another byte at some place; `None` for none.
fn texts(len: usize, other: Option<usize>) -> FakeEnv {
    let mut text = vec![b'b'; len];
    text.push(0);
    let mut second = text.clone();
    if let Some(at) = other {
        second[at] = b'a';
    }
    let mut user = FakeMemory::default();
    user.put(FIRST, text);
    user.put(SECOND, second);
    FakeEnv { user, ..FakeEnv::default() }
}

fn pair() -> [Expr; 2] {
    [user_str(arg(0), CAP), user_str(arg(1), CAP)]
}

#[test]
fn long_texts_are_compared_to_their_last_byte() {
    const MOST: usize = 59_999;
    let mut script = Script::new();
    let [equal, order, cut] = [Type::Bool, Type::I64, Type::I64].map(|ty| script.scalar(ty));
    let [lhs, rhs] = pair().map(Box::new);
    let equality = expr(ExprKind::MemEq { lhs, rhs, negate: false }, Type::Bool);
    let whole = call(Function::Strcmp, pair().to_vec(), Type::I64);
    let mut part = pair().to_vec();
    part.push(int(MOST as i64));
    let part = call(Function::Strncmp, part, Type::I64);
    script.clause(None, vec![set_map(equal, None, equality), set_map(order, None, whole), set_map(cut, None, part)]);
    for (len, other) in [
        (65_000, None),
        (65_000, Some(0)),
        (65_000, Some(MOST - 1)),
        (65_000, Some(MOST)),
        (65_000, Some(64_999)),
        (5, None),
        (5, Some(4)),
    ] {
        let seen = in_machine(&script, texts(len, other), &[(0, vec![FIRST, SECOND])]);
        let before = |most: usize| u64::from(other.is_some_and(|at| at < most));
        assert_eq!(seen.number(equal), Some(1 - before(usize::MAX)), "{len} {other:?}");
        assert_eq!(seen.number(order), Some(before(usize::MAX)), "{len} {other:?}");
        assert_eq!(seen.number(cut), Some(before(MOST)), "{len} {other:?}");
    }
}
