//! D programs that nobody would write: the verifier must take them, and the kernel must do what the user-space machine does.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind, Function, PointPart, TextFunction, VarId};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::probe::Site;
use quadrant_program::program::{Clause, Fault};
use quadrant_program::record::RecordId;
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Seen, in_kernel, in_machine, word};
use crate::faults::aborting;

/// Each has at least the bytes that are copied of it.
const TEXTS: [&[u8]; 3] =
    [b"/usr//lib/../a.b\0", &[0; 16], b"{\"a\": [1, \"x/y\", {\"b\": -12}], \"longer\": \"than the least cap\"}\0"];
const CAPS: [u32; 3] = [16, 64, 256];

struct Generator<'a> {
    numbers: std::slice::Iter<'a, u16>,
    script: Script,
    counts: Vec<VarId>,
    texts: Vec<(VarId, u32)>,
    scratch: VarId,
    global: MapId,
    by_text: Vec<(MapId, u32)>,
    quantized: MapId,
    records: Vec<(RecordId, u32)>,
    /// How many of the arguments that are numbers clauses use.
    args: u16,
}

fn cap(cap: u32) -> Type {
    Type::String { cap }
}

impl<'a> Generator<'a> {
    fn new(numbers: &'a [u16]) -> Generator<'a> {
        let mut script = aborting();
        script.program.config.scratch_bytes = 64;
        let mut var = |ty: Type, shared: bool| {
            let id = script.var(ty);
            script.program.vars[id.0 as usize].shared = shared;
            id
        };
        let counts = vec![var(Type::I64, true), var(Type::I64, false)];
        let texts = CAPS.iter().flat_map(|n| [(*n, true), (*n, false)]);
        let texts = texts.map(|(n, shared)| (var(cap(n), shared), n)).collect();
        let scratch = var(Type::U64, true);
        Generator {
            numbers: numbers.iter(),
            counts,
            texts,
            scratch,
            global: script.scalar(Type::I64),
            by_text: CAPS.map(|n| (script.keyed(cap(n), cap(n)), n)).to_vec(),
            quantized: script.aggregation(Some(Type::Tuple([cap(256), Type::I64].into())), Aggregation::Quantize),
            records: CAPS.map(|n| (script.record(&[Type::I64, cap(n), Type::I64]), n)).to_vec(),
            args: 3,
            script,
        }
    }

    fn below(&mut self, most: u16) -> u16 {
        self.numbers.next().map_or(0, |number| number % most)
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::from(self.below(all.len() as u16))].clone()
    }

    fn number(&mut self, depth: u32) -> Expr {
        let text_number = |function, args| call(Function::Text(function), args, Type::I64);
        match if depth == 0 { self.below(4) } else { self.below(12) } {
            0 => int(i64::from(self.below(100)) - 20),
            1 => expr(ExprKind::Arg(self.below(self.args) as u8 + 3), Type::I64),
            2 => var(self.of(&self.counts.clone()), Type::I64),
            3 => get(self.global, None, Type::I64),
            4 => {
                let op = self.of(&[BinaryOp::Add, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Rem, BinaryOp::Xor]);
                binary(op, self.number(depth - 1), self.number(depth - 1))
            }
            5 => call(Function::Strlen, vec![self.text(depth - 1)], Type::I64),
            6 => call(Function::Strcmp, vec![self.text(depth - 1), self.text(depth - 1)], Type::I64),
            7 => {
                let last = self.below(2) == 0;
                let args = vec![self.text(depth - 1), self.text(0), self.number(0)];
                text_number(TextFunction::Index { last }, args)
            }
            8 => {
                let base = self.of(&[10, 16, 36]);
                text_number(TextFunction::Strtoll, vec![self.text(depth - 1), int(base)])
            }
            9 => {
                // Within what was asked for: what is behind it differs from machine to machine.
                let addr = binary(BinaryOp::Add, var(self.scratch, Type::U64), uint(self.below(9).into()));
                deref(addr, Space::Kernel, Type::I64)
            }
            10 => deref(uint(8), Space::User, Type::I64),
            _ => {
                let (lhs, rhs) = (Box::new(self.text(depth - 1)), Box::new(self.text(0)));
                cast(expr(ExprKind::MemEq { lhs, rhs, negate: false }, Type::Bool), Type::I64)
            }
        }
    }

    fn text(&mut self, depth: u32) -> Expr {
        let n = self.of(&CAPS);
        let go_on = || expr(ExprKind::Str(Arc::from(&b""[..])), cap(0));
        match if depth == 0 { self.below(4) } else { self.below(15) } {
            0 => text(self.of(&["const", "/", "a.b"])),
            1 => {
                let (id, n) = self.of(&self.texts.clone());
                var(id, cap(n))
            }
            2 => user_str(arg(self.below(3) as u8), n),
            3 => expr(ExprKind::Builtin(Builtin::PointText(PointPart::Function)), cap(n)),
            choice => {
                use TextFunction::*;
                let inner = |generator: &mut Self| generator.text(depth - 1);
                let (function, args) = match choice {
                    4 => (Basename, vec![inner(self)]),
                    5 => (Dirname, vec![inner(self)]),
                    6 => (Cleanpath, vec![inner(self)]),
                    7 => (Upper, vec![inner(self)]),
                    8 => (Substr, vec![inner(self), self.number(0), self.number(0)]),
                    9 => (Strtok, vec![inner(self), self.text(0)]),
                    10 => (Strtok, vec![go_on(), text("/,")]),
                    11 => (Json, vec![inner(self), self.text(0)]),
                    12 => (Strstr, vec![inner(self), self.text(0)]),
                    13 => (Strchr { last: self.below(2) == 0 }, vec![inner(self), int(b'/'.into())]),
                    _ => (Lltostr, vec![self.number(depth - 1), int(self.of(&[8, 10, 16]))]),
                };
                call(Function::Text(function), args, cap(n))
            }
        }
    }

    fn text_within(&mut self, n: u32, depth: u32) -> Expr {
        let text = self.text(depth);
        if text.ty.c_size().is_some_and(|own| own <= n) { text } else { cast(text, cap(n)) }
    }

    fn stmt(&mut self, depth: u32) -> Stmt {
        let id = self.scratch;
        let scratch = || var(id, Type::U64);
        match if depth == 0 { self.below(9) } else { self.below(11) } {
            0 => set(self.of(&self.counts.clone()), self.number(2)),
            1 => {
                let (id, n) = self.of(&self.texts.clone());
                set(id, self.text_within(n, 2))
            }
            2 => set_map(self.global, None, self.number(2)),
            3 => {
                let (map, n) = self.of(&self.by_text.clone());
                let key = Some(self.text_within(n, 1));
                set_map(map, key, self.text_within(n, 2))
            }
            4 => {
                let key = tuple(vec![self.text_within(256, 2), self.number(1)]);
                feed(self.quantized, Some(key), Some(self.number(1)))
            }
            5 => {
                let (record, n) = self.of(&self.records.clone());
                emit(record, vec![self.number(1), self.text_within(n, 2), self.number(2)])
            }
            6 => set(
                self.scratch,
                call(Function::Alloca(Fault::NoScratch), vec![uint(16 + u64::from(self.below(24)))], Type::U64),
            ),
            7 => {
                let addr = binary(BinaryOp::Add, scratch(), uint(self.below(70).into()));
                let bytes = self.of(&[1, 4, 8]);
                let value = cast(self.number(1), Type::Int { bytes, signed: true });
                stmt(StmtKind::Store { addr, value })
            }
            8 => {
                let args = vec![arg(self.below(3) as u8), scratch(), uint(self.below(12).into())];
                stmt(StmtKind::Expr(call(Function::Copy(Space::User), args, Type::None)))
            }
            9 => if_else(self.number(2), self.block(depth - 1), self.block(depth - 1)),
            _ => set(self.counts[0], call(Function::Speculation, vec![], Type::I64)),
        }
    }

    fn block(&mut self, depth: u32) -> Vec<Stmt> {
        (0..self.below(3)).map(|_| self.stmt(depth)).collect()
    }

    /// What a clause has allocated is gone at its end: other memory is there.
    fn nothing_allocated(&self) -> Stmt {
        set(self.scratch, uint(0))
    }

    fn finish(mut self) -> Script {
        for _ in 0..3 {
            let predicate = (self.below(3) == 0).then(|| self.number(2));
            let body = std::iter::once(self.nothing_allocated()).chain((0..3).map(|_| self.stmt(1))).collect();
            self.script.clause(predicate, body);
        }
        self.script.merge_last();
        self.script.merge_last();
        let point = self.script.point(Site::Error);
        // The last argument there is the address of the fault, which differs from machine to machine.
        self.args = 2;
        let mut body = vec![self.nothing_allocated(), inc(self.global, None)];
        body.extend(self.block(1));
        self.script.program.clauses.push(Clause { points: vec![point], predicate: None, body, span: Span::default() });
        self.script
    }
}

/// Addresses of scratch memory differ from machine to machine.
fn without_addresses(mut seen: Seen) -> Seen {
    for record in seen.records.iter_mut().filter(|record| record[..4] == [0; 4]) {
        // The place in the program is behind it.
        let address = record.len() - 16..record.len() - 8;
        if word(&record[address.clone()]) > 4096 {
            record[address].fill(0);
        }
    }
    seen
}

#[test]
fn the_kernel_agrees_with_the_machine() {
    let cases = if cfg!(debug_assertions) { 60 } else { 400 };
    let mut runner = TestRunner::new(Config { cases, ..Config::default() });
    let numbers = proptest::collection::vec(any::<u16>(), 20..150);
    let args = proptest::array::uniform3(-3..50i64);
    let result = runner.run(&(numbers, args), |(numbers, args)| {
        let script = Generator::new(&numbers).finish();
        let mut words: Vec<u64> = TEXTS.iter().map(|text| text.as_ptr() as u64).collect();
        words.extend(args.map(|arg| arg as u64));
        let mut env = FakeEnv::default();
        TEXTS.iter().for_each(|text| env.user.put(text.as_ptr() as u64, *text));
        let firings = [(0, words.clone()), (0, words)];
        let expected = in_machine(&script, env, &firings);
        if let Some(seen) = in_kernel(&script, &firings) {
            prop_assert_eq!(without_addresses(seen), without_addresses(expected));
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
