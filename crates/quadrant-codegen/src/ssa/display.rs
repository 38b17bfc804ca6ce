//! The textual form of functions and programs, for `explain` and for tests.

use std::fmt::{self, Display, Formatter};

use super::code::{Code, RelocKind};
use super::ir::{AtomicOp, BinOp, Block, Callee, Cond, Edge, Func, Module, Op, Operand, Size, Terminator, Value};

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl Display for Block {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Value(value) => value.fmt(f),
            Operand::Imm(imm) => imm.fmt(f),
        }
    }
}

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, func) in self.funcs.iter().enumerate() {
            match func {
                Some(func) => write!(f, "f{at} {func}")?,
                None => writeln!(f, "f{at} not defined")?,
            }
        }
        Ok(())
    }
}

impl Display for Func {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}({}):", self.name, self.params)?;
        for (at, slot) in self.slots.iter().enumerate() {
            writeln!(f, "  s{at}: {} bytes, aligned to {}", slot.size, slot.align)?;
        }
        for &block in &self.order {
            self.write_block(f, block)?;
        }
        Ok(())
    }
}

impl Func {
    fn write_block(&self, f: &mut Formatter<'_>, block: Block) -> fmt::Result {
        let data = self.block(block);
        writeln!(f, "{block}{}:", Parenthesized(&data.params))?;
        for &inst in &data.insts {
            let op = self.op(inst);
            match op {
                Op::Store { .. } | Op::Atomic { fetch: false, .. } => writeln!(f, "  {op}")?,
                _ => writeln!(f, "  {inst} = {op}")?,
            }
        }
        match &data.term {
            Some(term) => writeln!(f, "  {term}"),
            None => writeln!(f, "  (open)"),
        }
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Op::Const(imm) => write!(f, "{imm}"),
            Op::Site(low) => write!(f, "site {low:#x}"),
            Op::Core(core, value) => write!(f, "core {} ({value})", core.0),
            Op::Param(index) => write!(f, "param {index}"),
            Op::BlockParam => write!(f, "block param"),
            Op::Bin(op, lhs, rhs) => write!(f, "{lhs} {} {rhs}", bin_name(*op)),
            Op::Neg(value) => write!(f, "-{value}"),
            Op::Ext { value, size, signed } => write!(f, "{}{} {value}", sign(*signed), size.bytes() * 8),
            Op::Bswap(value, size) => write!(f, "bswap{} {value}", size.bytes() * 8),
            Op::StackAddr(slot, off) => write!(f, "&s{} + {off}", slot.0),
            Op::MapPtr(map) => write!(f, "map {}", map.0),
            Op::MapValue(map, off) => write!(f, "&map {} + {off}", map.0),
            Op::FuncAddr(func) => write!(f, "&f{}", func.0),
            Op::Call(callee, args) => write!(f, "{callee}{}", Parenthesized(args.as_slice())),
            memory => write_memory(f, memory),
        }
    }
}

fn write_memory(f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
    match op {
        Op::Load { base, off, size, signed, invariant } => {
            let constant = if *invariant { " invariant" } else { "" };
            write!(f, "{}{}{constant}", sign(*signed), Memory(*size, *base, *off))
        }
        Op::Store { base, off, size, src } => write!(f, "{} = {src}", Memory(*size, *base, *off)),
        Op::Atomic { op, size, base, off, src, .. } => {
            write!(f, "atomic {} {} {src}", Memory(*size, *base, *off), atomic_name(*op))
        }
        Op::CmpXchg { size, base, off, expected, new } => {
            write!(f, "cmpxchg {} {expected} -> {new}", Memory(*size, *base, *off))
        }
        _ => Ok(()),
    }
}

impl Display for Callee {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Callee::Helper(helper, _) => write!(f, "helper {helper}"),
            Callee::Func(func) => write!(f, "f{}", func.0),
            Callee::Kfunc(kfunc) => write!(f, "kfunc {}", kfunc.0),
            Callee::Import(function) => write!(f, "imported {}", function.0),
        }
    }
}

impl Display for Edge {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.to, Parenthesized(&self.args))
    }
}

impl Display for Terminator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Terminator::Jump(edge) => write!(f, "jump {edge}"),
            Terminator::Branch { cond, lhs, rhs, then, els } => {
                write!(f, "if {lhs} {} {rhs} then {then} else {els}", cond_name(*cond))
            }
            Terminator::Return(operand) => write!(f, "return {operand}"),
        }
    }
}

impl Display for Code {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut relocs = self.relocs.iter().peekable();
        let mut funcs = self.funcs.iter().peekable();
        let mut second_half = false;
        for (at, insn) in self.insns.iter().enumerate() {
            if let Some(func) = funcs.next_if(|func| func.at as usize == at) {
                writeln!(f, "{}: stack {}", func.name, func.stack)?;
            }
            if std::mem::take(&mut second_half) {
                continue;
            }
            second_half = insn.is_wide();
            write!(f, "{at:5}: {}", quadrant_bpf::disasm::line(&self.insns, at))?;
            match relocs.next_if(|reloc| reloc.at as usize == at) {
                Some(reloc) => writeln!(f, "  ; {}", reloc.kind)?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl Display for RelocKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            RelocKind::Map(map) => write!(f, "map {}", map.0),
            RelocKind::MapValue(map) => write!(f, "value of map {}", map.0),
            RelocKind::Core(core) => write!(f, "core {}", core.0),
            RelocKind::Kfunc(kfunc) => write!(f, "kfunc {}", kfunc.0),
            RelocKind::Import(function) => write!(f, "imported {}", function.0),
        }
    }
}

/// Nothing, or values in parentheses.
struct Parenthesized<'a>(&'a [Value]);

impl Display for Parenthesized<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else { return Ok(()) };
        write!(f, "({first}")?;
        rest.iter().try_for_each(|value| write!(f, ", {value}"))?;
        write!(f, ")")
    }
}

/// A memory operand.
struct Memory(Size, Value, i32);

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{} + {}]", self.0.bytes() * 8, self.1, self.2)
    }
}

fn sign(signed: bool) -> &'static str {
    if signed { "i" } else { "u" }
}

fn bin_name(op: BinOp) -> &'static str {
    match op {
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::Mul => "*",
        BinOp::Div => "/",
        BinOp::Mod => "%",
        BinOp::And => "&",
        BinOp::Or => "|",
        BinOp::Xor => "^",
        BinOp::Shl => "<<",
        BinOp::Shr => ">>",
        BinOp::Sar => "s>>",
    }
}

fn atomic_name(op: AtomicOp) -> &'static str {
    match op {
        AtomicOp::Add => "+=",
        AtomicOp::Or => "|=",
        AtomicOp::And => "&=",
        AtomicOp::Xor => "^=",
        AtomicOp::Xchg => "<->",
    }
}

fn cond_name(cond: Cond) -> &'static str {
    match cond {
        Cond::Eq => "==",
        Cond::Ne => "!=",
        Cond::Ult => "<",
        Cond::Ule => "<=",
        Cond::Ugt => ">",
        Cond::Uge => ">=",
        Cond::Slt => "s<",
        Cond::Sle => "s<=",
        Cond::Sgt => "s>",
        Cond::Sge => "s>=",
        Cond::Test => "has",
        Cond::Clear => "lacks",
    }
}
