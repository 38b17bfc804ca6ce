//! Scripts that nobody would write: the verifier must take them, and the kernel must do what the user-space machine does.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind, Function, Place, VarId};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::record::RecordId;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{in_kernel, in_machine};

const TEXTS: [&[u8]; 3] = [b"a text\0", b"\0", b"a text that is longer than the shortest caps\0"];
const CAPS: [u32; 4] = [8, 40, 200, 1024];

/// Numbers that decide what is generated.
struct Tape<'a> {
    numbers: std::slice::Iter<'a, u16>,
}

impl Tape<'_> {
    fn below(&mut self, most: u16) -> u16 {
        self.numbers.next().map_or(0, |number| number % most)
    }

    fn ended(&self) -> bool {
        self.numbers.len() == 0
    }
}

struct Generator<'a> {
    tape: Tape<'a>,
    script: Script,
    numbers: Vec<VarId>,
    texts: Vec<(VarId, u32)>,
    scalar: MapId,
    by_number: MapId,
    by_text: Vec<(MapId, u32)>,
    values: MapId,
    hist: MapId,
    records: Vec<(RecordId, u32)>,
    loops: u32,
}

impl<'a> Generator<'a> {
    fn new(numbers: &'a [u16]) -> Generator<'a> {
        let mut script = Script::new();
        let text = |cap| Type::String { cap };
        Generator {
            tape: Tape { numbers: numbers.iter() },
            numbers: (0..3).map(|_| script.var(Type::I64)).collect(),
            texts: CAPS.map(|cap| (script.var(text(cap)), cap)).to_vec(),
            scalar: script.scalar(Type::I64),
            by_number: script.keyed(Type::I64, Type::I64),
            by_text: CAPS.map(|cap| (script.aggregation(Some(text(cap)), Aggregation::Count), cap)).to_vec(),
            values: script.keyed(Type::I64, text(40)),
            hist: script.aggregation(Some(Type::Tuple([text(16), Type::I64].into())), Aggregation::Hist { bits: 2 }),
            records: CAPS.map(|cap| (script.record(&[Type::I64, text(cap), Type::I64]), cap)).to_vec(),
            loops: 0,
            script,
        }
    }

    fn number(&mut self, depth: u32) -> Expr {
        let choice = if depth == 0 { self.tape.below(4) } else { self.tape.below(9) };
        match choice {
            0 => int(i64::from(self.tape.below(100)) - 20),
            1 => expr(ExprKind::Arg(self.tape.below(3) as u8 + 3), Type::I64),
            2 => var(self.numbers[usize::from(self.tape.below(3))], Type::I64),
            3 => get(self.scalar, None, Type::I64),
            4 => {
                let op = [BinaryOp::Add, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Shr, BinaryOp::Xor];
                let op = op[usize::from(self.tape.below(5))];
                binary(op, self.number(depth - 1), self.number(depth - 1))
            }
            5 => {
                let op = [BinaryOp::Lt, BinaryOp::Eq, BinaryOp::Ge][usize::from(self.tape.below(3))];
                cast(binary(op, self.number(depth - 1), self.number(depth - 1)), Type::I64)
            }
            6 => get(self.by_number, Some(self.number(depth - 1)), Type::I64),
            7 => {
                let (text, _) = self.text();
                call(Function::Strlen, vec![text], Type::I64)
            }
            _ => {
                let (lhs, rhs) = (Box::new(self.text().0), Box::new(self.text().0));
                let equal = expr(ExprKind::MemEq { lhs, rhs, negate: self.tape.below(2) == 0 }, Type::Bool);
                cast(equal, Type::I64)
            }
        }
    }

    fn text(&mut self) -> (Expr, u32) {
        let cap = CAPS[usize::from(self.tape.below(4))];
        match self.tape.below(5) {
            0 => (text("const"), 6),
            1 => {
                let (id, cap) = self.texts[usize::from(self.tape.below(4))];
                (var(id, Type::String { cap }), cap)
            }
            2 => (builtin(Builtin::Comm), 16),
            3 => (get(self.values, Some(self.number(0)), Type::String { cap: 40 }), 40),
            _ => (call(Function::Str(Space::User), vec![arg(self.tape.below(3) as u8)], Type::String { cap }), cap),
        }
    }

    /// A text that fits into `cap`.
    fn text_within(&mut self, cap: u32) -> Expr {
        let (text, own) = self.text();
        if own <= cap { text } else { cast(text, Type::String { cap }) }
    }

    fn block(&mut self, depth: u32) -> Vec<Stmt> {
        let len = self.tape.below(4);
        (0..len).map(|_| self.stmt(depth)).collect()
    }

    fn stmt(&mut self, depth: u32) -> Stmt {
        let choice = if depth == 0 { self.tape.below(8) } else { self.tape.below(13) };
        match choice {
            0 => set(self.numbers[usize::from(self.tape.below(3))], self.number(2)),
            1 => {
                let (id, cap) = self.texts[usize::from(self.tape.below(4))];
                set(id, self.text_within(cap))
            }
            2 => set_map(self.scalar, None, self.number(2)),
            3 => inc(self.by_number, Some(self.number(1))),
            4 => {
                let (map, cap) = self.by_text[usize::from(self.tape.below(4))];
                feed(map, Some(self.text_within(cap)), None)
            }
            5 => {
                let (record, cap) = self.records[usize::from(self.tape.below(4))];
                let args = vec![self.number(1), self.text_within(cap), self.number(1)];
                emit(record, args)
            }
            6 => {
                let key = Some(self.number(1));
                set_map(self.values, key, self.text_within(40))
            }
            7 => {
                let key = tuple(vec![builtin(Builtin::Comm), self.number(1)]);
                feed(self.hist, Some(key), Some(self.number(1)))
            }
            8 => if_else(self.number(2), self.block(depth - 1), self.block(depth - 1)),
            9 => stmt(StmtKind::Unroll { count: u32::from(self.tape.below(3)), body: self.block(depth - 1) }),
            10 if self.loops < 4 => self.range(depth),
            11 => {
                let target = Place::Map { map: self.by_number, key: Some(self.number(1)) };
                stmt(StmtKind::Update(target, BinaryOp::Add, self.number(1)))
            }
            _ => if_else(self.number(1), vec![stmt(StmtKind::Return)], vec![]),
        }
    }

    fn range(&mut self, depth: u32) -> Stmt {
        self.loops += 1;
        let var = self.script.var(Type::I64);
        let end = int(i64::from(self.tape.below(4)));
        let mut body = self.block(depth - 1);
        let leave = [StmtKind::Break, StmtKind::Continue, StmtKind::Return][usize::from(self.tape.below(3))].clone();
        body.push(if_else(self.number(1), vec![stmt(leave)], vec![]));
        body.extend(self.block(depth - 1));
        stmt(StmtKind::ForRange { var, start: int(0), end, body })
    }

    fn finish(mut self) -> Script {
        for _ in 0..2 {
            let predicate = (self.tape.below(3) == 0).then(|| self.number(2));
            let mut body = Vec::new();
            while !self.tape.ended() && body.len() < 12 {
                body.push(self.stmt(3));
            }
            self.script.clause(predicate, body);
        }
        self.script.merge_last();
        self.script
    }
}

fn world() -> FakeEnv {
    let comm = std::fs::read("/proc/thread-self/comm").unwrap_or_default();
    let mut env = FakeEnv { comm: comm.trim_ascii_end().to_vec(), ..FakeEnv::default() };
    TEXTS.iter().for_each(|text| env.user.put(text.as_ptr() as u64, *text));
    env
}

/// Two CPUs keep parts of their own; the records of one run stay in order.
fn firings(numbers: [u64; 3]) -> Vec<(usize, Vec<u64>)> {
    let mut words: Vec<u64> = TEXTS.iter().map(|text| text.as_ptr() as u64).collect();
    words.extend(numbers);
    vec![(0, words.clone()), (0, words)]
}

#[test]
fn the_kernel_agrees_with_the_machine() {
    let cases = if cfg!(debug_assertions) { 100 } else { 600 };
    let mut runner = TestRunner::new(Config { cases, ..Config::default() });
    let numbers = proptest::collection::vec(any::<u16>(), 20..250);
    let args = proptest::array::uniform3(-3..50i64);
    let result = runner.run(&(numbers, args), |(numbers, args)| {
        let script = Generator::new(&numbers).finish();
        let firings = firings(args.map(|arg| arg as u64));
        let expected = in_machine(&script, world(), &firings);
        if let Some(seen) = in_kernel(&script, &firings) {
            prop_assert_eq!(seen, expected);
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
