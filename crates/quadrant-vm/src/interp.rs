//! Executes instructions.

use quadrant_bpf::insn::{
    Alu, Atomic, CALL, CALL_HELPER, CALL_KFUNC, CALL_PSEUDO, EXIT, FETCH, Imm64, Insn, JA, SRC_REG, class, mode,
};

use crate::alu::{alu, condition};
use crate::env::Env;
use crate::error::{Step, VmErrorKind};
use crate::vm::Vm;

/// Bytes of a stack frame.
const STACK: usize = 512;
/// Register number of the frame pointer.
const FP: usize = 10;
/// Bits of an operation code that say how memory is accessed.
const MODE: u8 = 0xe0;
/// Bits of an operation code that say how wide the access is.
const WIDTH: u8 = 0x18;
/// What stands for the address of the function at instruction 0; others follow.
const FUNCTIONS: u64 = 0xffff_7000_0000_0000;

/// Registers; those that were never written are `None`.
type Regs = [Option<u64>; 11];

/// One run of a program.
pub(crate) struct Run<'a, E> {
    pub vm: &'a mut Vm<E>,
    insns: &'a [Insn],
    /// Instructions that may still be executed.
    pub left: u64,
    /// The instruction in hand.
    pub at: usize,
    frames: usize,
}

impl<'a, E: Env> Run<'a, E> {
    pub fn new(vm: &'a mut Vm<E>, insns: &'a [Insn], budget: u64) -> Run<'a, E> {
        Run { vm, insns, left: budget, at: 0, frames: 0 }
    }

    /// Runs the main program.
    pub fn enter(&mut self, args: &[u64]) -> Step<u64> {
        let mut regs: [Option<u64>; 5] = [None; 5];
        for (reg, arg) in regs.iter_mut().zip(args) {
            *reg = Some(*arg);
        }
        self.call(0, regs)
    }

    /// Runs the function at instruction `start` to its end.
    pub fn call(&mut self, start: usize, args: [Option<u64>; 5]) -> Step<u64> {
        if self.frames == crate::MAX_FRAMES {
            return Err(VmErrorKind::TooDeep);
        }
        let stack = self.vm.memory.add_uninitialized(STACK);
        let mut regs: Regs = [None; 11];
        regs[1..6].copy_from_slice(&args);
        regs[FP] = Some(stack + STACK as u64);
        self.frames += 1;
        let result = self.execute(start, &mut regs);
        self.frames -= 1;
        self.vm.memory.remove(stack);
        result
    }

    /// Runs a callback whose address a program gave.
    pub fn call_back(&mut self, addr: u64, args: &[u64]) -> Step<u64> {
        let start = addr.checked_sub(FUNCTIONS).and_then(|at| usize::try_from(at).ok());
        let start = start.filter(|at| *at < self.insns.len()).ok_or(VmErrorKind::BadArgument("callback"))?;
        let mut regs = [None; 5];
        for (reg, arg) in regs.iter_mut().zip(args) {
            *reg = Some(*arg);
        }
        let caller = self.at;
        let result = self.call(start, regs)?;
        self.at = caller;
        Ok(result)
    }

    fn execute(&mut self, start: usize, regs: &mut Regs) -> Step<u64> {
        let mut pc = start;
        loop {
            let insn = *self.insns.get(pc).ok_or(VmErrorKind::BadJump(pc as i64))?;
            self.at = pc;
            self.left = self.left.checked_sub(1).ok_or(VmErrorKind::OutOfBudget)?;
            let next = match insn.class() {
                class::ALU | class::ALU64 => self.arithmetic(insn, regs).map(|()| pc + 1),
                class::LD => self.wide_immediate(insn, pc, regs).map(|()| pc + 2),
                class::LDX => self.load(insn, regs).map(|()| pc + 1),
                class::ST | class::STX => self.store(insn, regs).map(|()| pc + 1),
                _ if insn.code == class::JMP | EXIT => return read(regs, 0),
                _ if insn.code == class::JMP | CALL => self.call_insn(insn, pc, regs).map(|()| pc + 1),
                _ => jump(insn, pc, regs),
            };
            pc = next?;
        }
    }

    fn arithmetic(&mut self, insn: Insn, regs: &mut Regs) -> Step<()> {
        let operation = insn.code & 0xf0;
        check_immediate(insn, operation)?;
        let by_register = insn.code & SRC_REG != 0 && operation != quadrant_bpf::insn::END;
        let src = if by_register { read(regs, insn.src())? } else { i64::from(insn.imm) as u64 };
        let dst = if operation == Alu::Mov.code() { 0 } else { read(regs, insn.dst())? };
        write(regs, insn.dst(), alu(insn, dst, src)?)
    }

    fn wide_immediate(&mut self, insn: Insn, pc: usize, regs: &mut Regs) -> Step<()> {
        if !insn.is_wide() {
            return Err(VmErrorKind::BadInstruction(insn.code));
        }
        let high = self.insns.get(pc + 1).ok_or(VmErrorKind::BadJump(pc as i64 + 1))?.imm;
        let source = insn.src();
        let value = if source == Imm64::Value as u8 {
            u64::from(high as u32) << 32 | u64::from(insn.imm as u32)
        } else if source == Imm64::MapFd as u8 {
            self.map_handle(insn.imm)?
        } else if source == Imm64::MapValue as u8 {
            self.map_value(insn.imm, high)?
        } else if source == Imm64::Func as u8 {
            let target = pc as i64 + 1 + i64::from(insn.imm);
            FUNCTIONS.wrapping_add(target as u64)
        } else {
            return Err(VmErrorKind::BadInstruction(insn.code));
        };
        write(regs, insn.dst(), value)
    }

    fn map_handle(&self, number: i32) -> Step<u64> {
        let map = usize::try_from(number).ok().and_then(|at| self.vm.maps.get(at));
        map.map(|map| map.handle).ok_or(VmErrorKind::BadArgument("map number"))
    }

    fn map_value(&self, number: i32, off: i32) -> Step<u64> {
        let map = usize::try_from(number).ok().and_then(|at| self.vm.maps.get(at));
        let map = map.filter(|map| map.is_array() && !map.spec.kind.is_percpu() && (off as u32) < map.spec.value_size);
        let first = map.and_then(|map| map.lookup(&0u32.to_ne_bytes(), 0));
        first.map(|addr| addr + u64::from(off as u32)).ok_or(VmErrorKind::BadArgument("address in a map's value"))
    }

    fn load(&mut self, insn: Insn, regs: &mut Regs) -> Step<()> {
        let len = width(insn);
        let value = self.vm.memory.read_uint(address(regs, insn.src(), insn.off)?, len)?;
        let value = match (insn.code & MODE, len) {
            (mode::MEM, _) => value,
            (mode::MEMSX, 1) => value as i8 as u64,
            (mode::MEMSX, 2) => value as i16 as u64,
            (mode::MEMSX, 4) => value as i32 as u64,
            _ => return Err(VmErrorKind::BadInstruction(insn.code)),
        };
        write(regs, insn.dst(), value)
    }

    fn store(&mut self, insn: Insn, regs: &mut Regs) -> Step<()> {
        let addr = address(regs, insn.dst(), insn.off)?;
        match (insn.class(), insn.code & MODE) {
            (class::ST, mode::MEM) => self.vm.memory.write_uint(addr, width(insn), i64::from(insn.imm) as u64),
            (class::STX, mode::MEM) => self.vm.memory.write_uint(addr, width(insn), read(regs, insn.src())?),
            (class::STX, mode::ATOMIC) => self.atomic(insn, addr, regs),
            _ => Err(VmErrorKind::BadInstruction(insn.code)),
        }
    }

    fn atomic(&mut self, insn: Insn, addr: u64, regs: &mut Regs) -> Step<()> {
        let len = width(insn);
        if len < 4 || !addr.is_multiple_of(len as u64) {
            return Err(VmErrorKind::BadAccess(addr, len));
        }
        let old = self.vm.memory.read_uint(addr, len)?;
        let src = read(regs, insn.src())?;
        let (kind, fetch) = (insn.imm & !FETCH, insn.imm & FETCH != 0);
        let is = |op: Atomic| kind == op as i32;
        let new = match () {
            () if is(Atomic::Add) => old.wrapping_add(src),
            () if is(Atomic::Or) => old | src,
            () if is(Atomic::And) => old & src,
            () if is(Atomic::Xor) => old ^ src,
            () if kind == 0xe0 && fetch => src,
            () if kind == 0xf0 && fetch => return self.compare_exchange(addr, len, old, src, regs),
            () => return Err(VmErrorKind::BadInstruction(insn.code)),
        };
        self.vm.memory.write_uint(addr, len, new)?;
        if fetch { write(regs, insn.src(), old) } else { Ok(()) }
    }

    fn compare_exchange(&mut self, addr: u64, len: usize, old: u64, new: u64, regs: &mut Regs) -> Step<()> {
        let expected = read(regs, 0)?;
        let same = if len == 4 { old as u32 == expected as u32 } else { old == expected };
        if same {
            self.vm.memory.write_uint(addr, len, new)?;
        }
        write(regs, 0, old)
    }

    fn call_insn(&mut self, insn: Insn, pc: usize, regs: &mut Regs) -> Step<()> {
        let args: [Option<u64>; 5] = std::array::from_fn(|at| regs[at + 1]);
        let result = match insn.src() {
            CALL_HELPER => crate::helpers::call(self, insn.imm as u32, args)?,
            CALL_PSEUDO => {
                let target = pc as i64 + 1 + i64::from(insn.imm);
                let start = usize::try_from(target).map_err(|_| VmErrorKind::BadJump(target))?;
                self.call(start, args)?
            }
            CALL_KFUNC => {
                let args = args.map(|arg| arg.unwrap_or(0));
                let result = self.vm.env.kfunc(insn.imm as u32, args);
                result.ok_or(VmErrorKind::UnknownFunction(insn.imm as u32))?
            }
            _ => return Err(VmErrorKind::BadInstruction(insn.code)),
        };
        self.at = pc;
        regs[1..6].fill(None);
        write(regs, 0, result)
    }
}

/// Refuses constants that the kernel refuses.
fn check_immediate(insn: Insn, operation: u8) -> Step<()> {
    if insn.code & SRC_REG != 0 {
        return Ok(());
    }
    let is = |op: Alu| operation == op.code();
    let bits = if insn.class() == class::ALU64 { 64 } else { 32 };
    if (is(Alu::Div) || is(Alu::Mod)) && insn.imm == 0 {
        return Err(VmErrorKind::BadArgument("division by the constant 0"));
    }
    if (is(Alu::Lsh) || is(Alu::Rsh) || is(Alu::Arsh)) && !(0..bits).contains(&insn.imm) {
        return Err(VmErrorKind::BadArgument("constant shift count"));
    }
    Ok(())
}

fn jump(insn: Insn, pc: usize, regs: &Regs) -> Step<usize> {
    let distance = match insn.code {
        code if code == class::JMP | JA => i64::from(insn.off),
        code if code == class::JMP32 | JA => i64::from(insn.imm),
        _ => {
            let by_register = insn.code & SRC_REG != 0;
            let src = if by_register { read(regs, insn.src())? } else { i64::from(insn.imm) as u64 };
            let taken = condition(insn, read(regs, insn.dst())?, src)?;
            if taken { i64::from(insn.off) } else { 0 }
        }
    };
    let target = pc as i64 + 1 + distance;
    usize::try_from(target).map_err(|_| VmErrorKind::BadJump(target))
}

fn read(regs: &Regs, number: u8) -> Step<u64> {
    regs.get(usize::from(number)).copied().flatten().ok_or_else(|| VmErrorKind::Uninitialized(format!("r{number}")))
}

fn write(regs: &mut Regs, number: u8, value: u64) -> Step<()> {
    if usize::from(number) >= FP {
        return Err(VmErrorKind::FramePointer);
    }
    regs[usize::from(number)] = Some(value);
    Ok(())
}

fn address(regs: &Regs, number: u8, off: i16) -> Step<u64> {
    Ok(read(regs, number)?.wrapping_add(i64::from(off) as u64))
}

fn width(insn: Insn) -> usize {
    match insn.code & WIDTH {
        0x00 => 4,
        0x08 => 2,
        0x10 => 1,
        _ => 8,
    }
}
