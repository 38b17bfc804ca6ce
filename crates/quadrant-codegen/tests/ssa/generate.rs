//! Random modules from a tape of numbers, so that shortening the tape makes smaller modules.

use quadrant_bpf::helper;
use quadrant_codegen::ssa::{
    AtomicOp, BinOp, Block, Cond, Func, FuncBuilder, FuncRef, MapRef, Module, Operand, Size, SsaError, Value, Var,
};

/// The array map with one value of [`AREA`] bytes.
pub const ARRAY: MapRef = MapRef(0);
/// The hash map from 8 bytes to 8 bytes.
pub const HASH: MapRef = MapRef(1);
/// Bytes of the array's value, of the context and of each function's stack area.
pub const AREA: u32 = 64;

/// What a module may contain.
#[derive(Clone, Copy)]
pub struct Style {
    /// Values that each function computes first and uses last.
    pub pressure: usize,
    /// Whether it may ask for the time, which differs from run to run in the kernel.
    pub clock: bool,
}

/// Makes a module: a main program, a function that it calls, a callback.
pub fn module(tape: &[u32], style: Style) -> Result<Module, SsaError> {
    let mut module = Module::new();
    let refs: Vec<FuncRef> = (0..3).map(|_| module.declare_func()).collect();
    let parts: Vec<&[u32]> = tape.chunks(tape.len().div_ceil(3).max(1)).collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    module.define_func(refs[0], function("main", 1, part(0), style, &refs)?);
    module.define_func(refs[1], function("callee", 5, part(1), style, &refs)?);
    module.define_func(refs[2], function("callback", 2, part(2), style, &refs)?);
    Ok(module)
}

fn function(name: &str, params: u8, tape: &[u32], style: Style, refs: &[FuncRef]) -> Result<Func, SsaError> {
    let mut generator = Generator::new(name, params, tape, refs);
    generator.clock = style.clock;
    generator.pressure(style.pressure);
    generator.statements(0);
    generator.end(style.pressure);
    generator.b.finish()
}

const CONSTANTS: [i64; 16] = [
    0,
    1,
    2,
    7,
    8,
    63,
    64,
    -1,
    -8,
    255,
    0x7fff_ffff,
    -0x8000_0000,
    0xffff_ffff,
    0x8000_0000,
    i64::MIN,
    0x1234_5678_9abc_def0,
];
const SIZES: [Size; 4] = [Size::B1, Size::B2, Size::B4, Size::B8];
const CONDS: [Cond; 12] = [
    Cond::Eq,
    Cond::Ne,
    Cond::Ult,
    Cond::Ule,
    Cond::Ugt,
    Cond::Uge,
    Cond::Slt,
    Cond::Sle,
    Cond::Sgt,
    Cond::Sge,
    Cond::Test,
    Cond::Clear,
];
const BINS: [BinOp; 11] = [
    BinOp::Add,
    BinOp::Sub,
    BinOp::Mul,
    BinOp::Div,
    BinOp::Mod,
    BinOp::And,
    BinOp::Or,
    BinOp::Xor,
    BinOp::Shl,
    BinOp::Shr,
    BinOp::Sar,
];
const ATOMICS: [AtomicOp; 5] = [AtomicOp::Add, AtomicOp::Or, AtomicOp::And, AtomicOp::Xor, AtomicOp::Xchg];

struct Generator<'a> {
    b: FuncBuilder,
    tape: std::slice::Iter<'a, u32>,
    refs: &'a [FuncRef],
    name: &'a str,
    /// Numbers that are defined here.
    values: Vec<Value>,
    vars: Vec<Var>,
    /// Addresses of areas of [`AREA`] bytes; the last is read-only.
    areas: Vec<Value>,
    /// Blocks further on that code may leave for.
    exits: Vec<Block>,
    kept: Vec<Value>,
    clock: bool,
    /// Holding the address of a map's value: an update would replace that value.
    holding: bool,
}

impl<'a> Generator<'a> {
    fn new(name: &'a str, params: u8, tape: &'a [u32], refs: &'a [FuncRef]) -> Generator<'a> {
        let mut b = FuncBuilder::new(name, params);
        let slot = b.declare_slot(AREA, 8);
        let stack = b.stack_addr(slot);
        b.zero(stack, 0, AREA);
        let map = b.map_value(ARRAY, 0);
        let mut areas = vec![stack, map];
        let mut values: Vec<Value> = (0..params).map(|at| b.param(at)).collect();
        match name {
            // The context is an area, not a number.
            "main" | "callback" => areas.extend(values.pop()),
            _ => {}
        }
        values.push(b.iconst(5));
        let vars = (0..4).map(|_| b.declare_var()).collect();
        Generator {
            b,
            tape: tape.iter(),
            refs,
            name,
            values,
            vars,
            areas,
            exits: Vec::new(),
            kept: Vec::new(),
            clock: false,
            holding: false,
        }
    }

    fn next(&mut self) -> u32 {
        self.tape.next().copied().unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() as usize % from.len()]
    }

    fn value(&mut self) -> Value {
        let back = self.next() as usize % self.values.len().min(24);
        self.values[self.values.len() - 1 - back]
    }

    fn operand(&mut self) -> Operand {
        match self.next() % 3 {
            0 => Operand::Imm(self.pick(&CONSTANTS)),
            _ => Operand::Value(self.value()),
        }
    }

    /// An aligned place of that width, perhaps with part of the distance in an addition.
    fn place(&mut self, size: Size, writable: bool) -> (Value, i32) {
        let end = if writable && self.name == "main" { self.areas.len() - 1 } else { self.areas.len() };
        let area = self.next() as usize % end;
        let area = self.areas[area];
        let off = (self.next() % (AREA / size.bytes()) * size.bytes()) as i32;
        let split = self.next() as i32 & 7;
        if split == 0 { (self.b.add(area, off), 0) } else { (area, off) }
    }

    /// Whether `base` is memory that nobody writes.
    fn is_context(&self, base: Value) -> bool {
        self.name == "main" && self.areas.last() == Some(&base)
    }

    fn pressure(&mut self, count: usize) {
        for at in 0..count {
            let value = self.b.load_with(
                self.areas[self.areas.len() - 1],
                (at as i32 * 8) % AREA as i32,
                Size::B8,
                false,
                false,
            );
            let value = self.b.mul(value, at as i64 * 2 + 3);
            self.kept.push(value);
            self.values.push(value);
        }
    }

    fn end(&mut self, pressure: usize) {
        let mut sum = self.value();
        if pressure > 0 {
            for at in 0..self.kept.len() {
                sum = self.b.xor(sum, self.kept[at]);
                sum = self.b.mul(sum, 31);
            }
        }
        for at in 0..self.vars.len() {
            let value = self.b.use_var(self.vars[at]);
            sum = self.b.add(sum, value);
        }
        // A callback must return 0 or 1.
        let sum = if self.name == "callback" { self.b.and(sum, 1) } else { sum };
        self.b.ret(sum);
    }

    fn statements(&mut self, depth: u32) {
        while self.tape.len() > 0 {
            match self.next() % 24 {
                0 if depth > 0 => return,
                0..=2 if depth < 4 => self.branch(depth),
                3 if depth < 3 => self.early_exit(depth),
                4 => self.select(),
                5..=7 => self.set_var(),
                8 => self.call(),
                9 => self.hash_map(depth),
                10 | 11 => self.store(),
                12 => self.atomic(),
                13 => self.copy(),
                _ => self.arithmetic(),
            }
        }
    }

    fn arithmetic(&mut self) {
        let lhs = self.value();
        let value = match self.next() % 20 {
            0 => self.b.neg(lhs),
            1 => self.b.not(lhs),
            2 => {
                let (size, signed) = (self.pick(&SIZES), self.next() & 1 == 0);
                self.b.ext(lhs, size, signed)
            }
            3 => {
                let size = self.pick(&SIZES[1..]);
                self.b.bswap(lhs, size)
            }
            4..=6 => {
                let (size, signed) = (self.pick(&SIZES), self.next() & 1 == 0);
                let (base, off) = self.place(size, false);
                let invariant = self.is_context(base);
                self.b.load_with(base, off, size, signed, invariant)
            }
            7 => {
                let rhs = self.operand();
                self.b.sdiv(lhs, rhs)
            }
            8 => {
                let rhs = self.operand();
                self.b.smod(lhs, rhs)
            }
            9 => {
                let imm = self.pick(&CONSTANTS);
                self.b.iconst(imm)
            }
            10 => self.b.call(helper::GET_CURRENT_PID_TGID, &[]),
            11 if self.clock => self.b.call(helper::KTIME_GET_NS, &[]),
            12 | 13 => self.use_var(),
            _ => {
                let (op, rhs) = (self.pick(&BINS), self.operand());
                self.b.bin(op, lhs, rhs)
            }
        };
        self.values.push(value);
    }

    fn use_var(&mut self) -> Value {
        let var = self.pick_var();
        self.b.use_var(var)
    }

    fn pick_var(&mut self) -> Var {
        let at = self.next() as usize % self.vars.len();
        self.vars[at]
    }

    fn set_var(&mut self) {
        let (var, value) = (self.pick_var(), self.value());
        self.b.def_var(var, value);
    }

    fn select(&mut self) {
        let (cond, lhs, rhs) = (self.pick(&CONDS), self.value(), self.operand());
        let value = match self.next() % 2 {
            0 => self.b.compare(cond, lhs, rhs),
            _ => {
                let (then, els) = (self.value(), self.value());
                self.b.select(cond, lhs, rhs, then, els)
            }
        };
        self.values.push(value);
    }

    fn store(&mut self) {
        let size = self.pick(&SIZES);
        let ((base, off), src) = (self.place(size, true), self.operand());
        self.b.store(base, off, size, src);
    }

    fn copy(&mut self) {
        let (src, dst) = (self.place(Size::B8, false), self.place(Size::B8, true));
        let room = |off: i32| AREA - off as u32 % AREA;
        let longest = if src.1 == 0 || dst.1 == 0 { 8 } else { room(src.1).min(room(dst.1)) };
        let len = self.next() % longest + 1;
        self.b.copy(dst.0, dst.1, src.0, src.1, len);
    }

    fn atomic(&mut self) {
        let size = self.pick(&[Size::B4, Size::B8]);
        let ((base, off), src) = (self.place(size, true), self.value());
        match self.next() % 3 {
            0 => {
                let op = self.pick(&ATOMICS[..4]);
                self.b.atomic(op, base, off, size, src);
            }
            1 => {
                let op = self.pick(&ATOMICS);
                let old = self.b.atomic_fetch(op, base, off, size, src);
                self.values.push(old);
            }
            _ => {
                let expected = match self.next() % 2 {
                    0 => self.value(),
                    _ => self.b.load(base, off, size),
                };
                let old = self.b.cmpxchg(base, off, size, expected, src);
                self.values.push(old);
            }
        }
    }

    fn call(&mut self) {
        if self.name != "main" || self.holding {
            return;
        }
        let value = match self.next() % 2 {
            0 => {
                let args: Vec<Value> = (0..5).map(|_| self.value()).collect();
                self.b.call_func(self.refs[1], &args)
            }
            _ => {
                let rounds = self.next() % 4;
                let rounds = self.b.iconst(rounds.into());
                let callback = self.b.func_addr(self.refs[2]);
                let zero = self.b.iconst(0);
                self.b.call(helper::LOOP, &[rounds, callback, self.areas[0], zero])
            }
        };
        self.values.push(value);
    }

    /// An update of the hash map, or a look-up and a change in place.
    fn hash_map(&mut self, depth: u32) {
        let key = self.value();
        let key = self.b.and(key, 3);
        self.b.store(self.areas[0], 0, Size::B8, key);
        let map = self.b.map_ptr(HASH);
        if self.next() & 1 == 0 && !self.holding {
            let value = self.value();
            self.b.store(self.areas[0], 8, Size::B8, value);
            let (value, flags) = (self.b.add(self.areas[0], 8), self.b.iconst(0));
            let result = self.b.call(helper::MAP_UPDATE_ELEM, &[map, self.areas[0], value, flags]);
            self.values.push(result);
            return;
        }
        let found = self.b.call(helper::MAP_LOOKUP_ELEM, &[map, self.areas[0]]);
        let join = self.b.create_block();
        self.b.branch_away(Cond::Eq, found, 0, join);
        let known = self.values.len();
        let old = self.b.load(found, 0, Size::B8);
        self.values.push(old);
        if depth < 3 {
            let outer = std::mem::replace(&mut self.holding, true);
            self.statements(depth + 1);
            self.holding = outer;
        }
        let new = self.value();
        self.b.store(found, 0, Size::B8, new);
        self.b.jump(join, &[]);
        self.values.truncate(known);
        self.b.switch_to(join);
    }

    fn branch(&mut self, depth: u32) {
        let (then, els, join) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let result = self.b.append_param(join);
        let (cond, lhs, rhs) = (self.pick(&CONDS), self.value(), self.operand());
        self.b.branch(cond, lhs, rhs, then, &[], els, &[]);
        let known = self.values.len();
        for side in [then, els] {
            self.b.switch_to(side);
            self.statements(depth + 1);
            let value = self.value();
            self.b.jump(join, &[value]);
            self.values.truncate(known);
        }
        self.b.switch_to(join);
        self.values.push(result);
    }

    /// Statements that leave for a common exit in several places.
    fn early_exit(&mut self, depth: u32) {
        let exit = self.b.create_block();
        self.exits.push(exit);
        let known = self.values.len();
        for _ in 0..3 {
            let exit = self.next() as usize % self.exits.len();
            let exit = self.exits[exit];
            let (cond, lhs, rhs) = (self.pick(&CONDS), self.value(), self.operand());
            self.b.branch_away(cond, lhs, rhs, exit);
            self.arithmetic();
            self.set_var();
        }
        self.statements(depth + 1);
        self.exits.pop();
        self.b.jump(exit, &[]);
        self.values.truncate(known);
        self.b.switch_to(exit);
    }
}
