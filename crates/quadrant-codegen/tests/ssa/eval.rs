//! A plain evaluator of modules, without any cleverness.

use std::collections::{BTreeMap, HashMap};

use quadrant_bpf::helper;
use quadrant_codegen::ssa::{AtomicOp, BinOp, Callee, Cond, Func, FuncRef, Module, Op, Operand, Size, Value};

use crate::generate::{AREA, ARRAY, HASH};

/// What a run leaves behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Result of the main program.
    pub result: u64,
    /// The array map's value.
    pub array: Vec<u8>,
    /// The hash map.
    pub hash: BTreeMap<u64, u64>,
}

/// What helpers say.
pub struct World {
    pub pid_tgid: u64,
    pub now: u64,
    pub ctx: [u8; AREA as usize],
}

/// Runs the main program.
pub fn evaluate(module: &Module, world: &World) -> Trace {
    let mut machine = Machine { module, world, memory: Vec::new(), hash: BTreeMap::new() };
    let array = machine.area(vec![0; AREA as usize]);
    let ctx = machine.area(world.ctx.to_vec());
    let result = machine.call(FuncRef(0), &[ctx]);
    let hash = machine.hash.iter().map(|(key, addr)| (*key, machine.load(*addr, Size::B8))).collect();
    Trace { result, array: machine.memory[(array >> SHIFT) as usize - 1].clone(), hash }
}

/// Areas are that far apart.
const SHIFT: u32 = 32;

struct Machine<'a> {
    module: &'a Module,
    world: &'a World,
    memory: Vec<Vec<u8>>,
    /// Addresses of the hash map's values.
    hash: BTreeMap<u64, u64>,
}

struct Frame<'a> {
    func: &'a Func,
    values: HashMap<Value, u64>,
    slots: Vec<u64>,
}

impl Frame<'_> {
    fn get(&self, value: Value) -> u64 {
        self.values[&value]
    }

    fn operand(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Value(value) => self.get(value),
            Operand::Imm(imm) => imm as u64,
        }
    }
}

impl<'a> Machine<'a> {
    fn area(&mut self, bytes: Vec<u8>) -> u64 {
        self.memory.push(bytes);
        (self.memory.len() as u64) << SHIFT
    }

    fn bytes(&mut self, addr: u64, len: u32) -> &mut [u8] {
        let offset = (addr & 0xffff_ffff) as usize;
        &mut self.memory[(addr >> SHIFT) as usize - 1][offset..offset + len as usize]
    }

    fn load(&self, addr: u64, size: Size) -> u64 {
        let offset = (addr & 0xffff_ffff) as usize;
        let bytes = &self.memory[(addr >> SHIFT) as usize - 1][offset..offset + size.bytes() as usize];
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    fn store(&mut self, addr: u64, size: Size, value: u64) {
        let len = size.bytes();
        self.bytes(addr, len).copy_from_slice(&value.to_le_bytes()[..len as usize]);
    }

    fn call(&mut self, at: FuncRef, args: &[u64]) -> u64 {
        let func = self.module.funcs[at.index()].as_ref().expect("defined");
        let slots = func.slots.iter().map(|slot| self.area(vec![0; slot.size as usize])).collect();
        let mut frame = Frame { func, values: HashMap::new(), slots };
        let mut block = func.order[0];
        loop {
            for &inst in &func.block(block).insts {
                let value = self.op(&frame, func.op(inst), args);
                frame.values.insert(inst, value);
            }
            let edge = match func.block(block).term.as_ref().expect("terminated") {
                quadrant_codegen::ssa::ir::Terminator::Jump(edge) => edge,
                quadrant_codegen::ssa::ir::Terminator::Branch { cond, lhs, rhs, then, els } => {
                    if holds(*cond, frame.get(*lhs), frame.operand(*rhs)) { then } else { els }
                }
                quadrant_codegen::ssa::ir::Terminator::Return(value) => return frame.operand(*value),
            };
            let args: Vec<u64> = edge.args.iter().map(|arg| frame.get(*arg)).collect();
            frame.values.extend(frame.func.block(edge.to).params.iter().copied().zip(args));
            block = edge.to;
        }
    }

    fn op(&mut self, frame: &Frame<'_>, op: Op, args: &[u64]) -> u64 {
        let at = |base: Value, off: i32| frame.get(base).wrapping_add(off as u64);
        match op {
            Op::Const(imm) => imm as u64,
            Op::Core(_, value) => i64::from(value) as u64,
            Op::Site(low) => low.into(),
            Op::Param(index) => args[usize::from(index)],
            Op::BlockParam => unreachable!("not an instruction"),
            Op::Bin(op, lhs, rhs) => arithmetic(op, frame.get(lhs), frame.operand(rhs)),
            Op::Neg(value) => 0u64.wrapping_sub(frame.get(value)),
            Op::Ext { value, size, signed } => extend(frame.get(value), size, signed),
            Op::Bswap(value, size) => match size {
                Size::B1 => unreachable!("no such width"),
                Size::B2 => u64::from((frame.get(value) as u16).swap_bytes()),
                Size::B4 => u64::from((frame.get(value) as u32).swap_bytes()),
                Size::B8 => frame.get(value).swap_bytes(),
            },
            Op::Load { base, off, size, signed, .. } => extend(self.load(at(base, off), size), size, signed),
            Op::Store { base, off, size, src } => {
                self.store(at(base, off), size, frame.operand(src));
                0
            }
            Op::Atomic { op, size, base, off, src, .. } => {
                let (addr, src) = (at(base, off), frame.get(src));
                let old = self.load(addr, size);
                self.store(addr, size, update(op, old, src));
                old
            }
            Op::CmpXchg { size, base, off, expected, new } => {
                let addr = at(base, off);
                let old = self.load(addr, size);
                if old == extend(frame.get(expected), size, false) {
                    self.store(addr, size, frame.get(new));
                }
                old
            }
            Op::StackAddr(slot, off) => frame.slots[slot.index()].wrapping_add(off as u64),
            Op::MapPtr(map) => map.0.into(),
            Op::MapValue(map, off) => {
                assert_eq!(map, ARRAY);
                (1 << SHIFT) + u64::from(off)
            }
            Op::FuncAddr(func) => func.0.into(),
            Op::Call(callee, values) => {
                let values: Vec<u64> = values.as_slice().iter().map(|value| frame.get(*value)).collect();
                match callee {
                    Callee::Helper(number, _) => self.helper(number, &values),
                    Callee::Func(func) => self.call(func, &values),
                    Callee::Kfunc(_) | Callee::Import(_) => unreachable!("not generated"),
                }
            }
        }
    }

    fn helper(&mut self, number: u32, args: &[u64]) -> u64 {
        match number {
            helper::GET_CURRENT_PID_TGID => self.world.pid_tgid,
            helper::KTIME_GET_NS => self.world.now,
            helper::MAP_LOOKUP_ELEM => {
                assert_eq!(args[0], HASH.0.into());
                let key = self.load(args[1], Size::B8);
                self.hash.get(&key).copied().unwrap_or(0)
            }
            helper::MAP_UPDATE_ELEM => {
                let (key, value) = (self.load(args[1], Size::B8), self.load(args[2], Size::B8));
                let addr = match self.hash.get(&key) {
                    Some(addr) => *addr,
                    None => self.area(vec![0; 8]),
                };
                self.hash.insert(key, addr);
                self.store(addr, Size::B8, value);
                0
            }
            helper::LOOP => {
                for index in 0..args[0] {
                    if self.call(FuncRef(args[1] as u32), &[index, args[2]]) != 0 {
                        return index + 1;
                    }
                }
                args[0]
            }
            other => unreachable!("helper {other} is not generated"),
        }
    }
}

fn arithmetic(op: BinOp, lhs: u64, rhs: u64) -> u64 {
    match op {
        BinOp::Add => lhs.wrapping_add(rhs),
        BinOp::Sub => lhs.wrapping_sub(rhs),
        BinOp::Mul => lhs.wrapping_mul(rhs),
        BinOp::Div if rhs == 0 => 0,
        BinOp::Div => lhs / rhs,
        BinOp::Mod if rhs == 0 => lhs,
        BinOp::Mod => lhs % rhs,
        BinOp::And => lhs & rhs,
        BinOp::Or => lhs | rhs,
        BinOp::Xor => lhs ^ rhs,
        BinOp::Shl => lhs << (rhs % 64),
        BinOp::Shr => lhs >> (rhs % 64),
        BinOp::Sar => (lhs as i64 >> (rhs % 64)) as u64,
    }
}

fn extend(value: u64, size: Size, signed: bool) -> u64 {
    match (size, signed) {
        (Size::B1, false) => value as u8 as u64,
        (Size::B2, false) => value as u16 as u64,
        (Size::B4, false) => value as u32 as u64,
        (Size::B1, true) => value as i8 as u64,
        (Size::B2, true) => value as i16 as u64,
        (Size::B4, true) => value as i32 as u64,
        (Size::B8, _) => value,
    }
}

fn update(op: AtomicOp, old: u64, src: u64) -> u64 {
    match op {
        AtomicOp::Add => old.wrapping_add(src),
        AtomicOp::Or => old | src,
        AtomicOp::And => old & src,
        AtomicOp::Xor => old ^ src,
        AtomicOp::Xchg => src,
    }
}

fn holds(cond: Cond, lhs: u64, rhs: u64) -> bool {
    let (signed_lhs, signed_rhs) = (lhs as i64, rhs as i64);
    match cond {
        Cond::Eq => lhs == rhs,
        Cond::Ne => lhs != rhs,
        Cond::Ult => lhs < rhs,
        Cond::Ule => lhs <= rhs,
        Cond::Ugt => lhs > rhs,
        Cond::Uge => lhs >= rhs,
        Cond::Slt => signed_lhs < signed_rhs,
        Cond::Sle => signed_lhs <= signed_rhs,
        Cond::Sgt => signed_lhs > signed_rhs,
        Cond::Sge => signed_lhs >= signed_rhs,
        Cond::Test => lhs & rhs != 0,
        Cond::Clear => lhs & rhs == 0,
    }
}
