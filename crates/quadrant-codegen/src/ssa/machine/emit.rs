//! Writes the instructions of one function.

use quadrant_bpf::insn::{Alu, Insn, Reg};

use super::super::code::{Options, RelocKind};
use super::super::error::SsaErrorKind;
use super::super::ir::{Block, Callee, Cond, Edge, Func, FuncRef, Op, Operand, Size, Span, Terminator, Value};
use super::super::layout::arrange;
use super::asm::Assembler;
use super::frame::Frame;
use super::legal::normalize;
use super::moves::{Move, Place, Source, Step, sequence};
use super::reg_file::REGISTERS;
use super::regalloc::{Allocation, allocate};
use super::select::{alu, atomic, jump_cond, reg, swap, width};

/// The code of one function. Positions are relative to its start.
#[derive(Debug)]
pub struct FuncCode {
    /// Instructions.
    pub insns: Vec<Insn>,
    /// What the loader fills in.
    pub relocs: Vec<(u32, RelocKind)>,
    /// Calls and addresses of functions of the module.
    pub func_refs: Vec<(u32, FuncRef)>,
    /// 64-bit immediate loads whose upper half is their own place.
    pub sites: Vec<u32>,
    /// Where the script text changes.
    pub spans: Vec<(u32, Span)>,
    /// Bytes of stack.
    pub stack: u32,
}

/// Turns an optimized function into code.
pub fn emit(mut func: Func, options: &Options) -> Result<FuncCode, SsaErrorKind> {
    normalize(&mut func);
    arrange(&mut func);
    let allocation = allocate(&mut func)?;
    let mut emitter = Emitter::new(&allocation, options);
    let order = &allocation.expanded.func.order;
    for (at, &block) in order.iter().enumerate() {
        emitter.block(block, order.get(at + 1..).unwrap_or_default());
    }
    emitter.finish()
}

struct Emitter<'a> {
    alloc: &'a Allocation,
    func: &'a Func,
    options: &'a Options,
    frame: Frame,
    asm: Assembler,
    relocs: Vec<(u32, RelocKind)>,
    func_refs: Vec<(u32, FuncRef)>,
    sites: Vec<u32>,
    /// Blocks that have become part of the branch before them.
    absorbed: Vec<bool>,
    /// Position of the instruction in hand, as in the liveness analysis.
    at: u32,
    error: Option<SsaErrorKind>,
}

impl<'a> Emitter<'a> {
    fn new(alloc: &'a Allocation, options: &'a Options) -> Emitter<'a> {
        let func = &alloc.expanded.func;
        Emitter {
            alloc,
            func,
            options,
            frame: Frame::of(&alloc.expanded, &alloc.live),
            asm: Assembler::with_labels(func.blocks.len()),
            relocs: Vec::new(),
            func_refs: Vec::new(),
            sites: Vec::new(),
            absorbed: vec![false; func.blocks.len()],
            at: 0,
            error: None,
        }
    }

    fn finish(mut self) -> Result<FuncCode, SsaErrorKind> {
        self.asm.finish();
        let stack = self.frame.checked_size()?;
        let Assembler { insns, spans, .. } = self.asm;
        let Self { relocs, func_refs, sites, .. } = self;
        match self.error {
            Some(error) => Err(error),
            None => Ok(FuncCode { insns, relocs, func_refs, sites, spans, stack }),
        }
    }

    // ---- blocks ----

    fn block(&mut self, block: Block, rest: &[Block]) {
        if self.absorbed[block.index()] {
            return;
        }
        self.asm.bind(block.index());
        self.at = self.alloc.live.block_start[block.index()];
        let data = self.func.block(block);
        if self.func.order.first() == Some(&block) {
            self.asm.set_span(self.first_span());
            self.arrive(&data.insts);
        }
        for &inst in &data.insts {
            let op = self.func.op(inst);
            self.set_span(self.func.values[inst.index()].span);
            if !matches!(op, Op::Param(_)) {
                self.at += 4;
                self.inst(inst, op);
            }
        }
        self.at += 4;
        self.set_span(data.term_span);
        if let Some(term) = &data.term {
            self.terminator(term, rest);
        }
    }

    /// The text of the function's first instruction that comes from any.
    fn first_span(&self) -> Span {
        let insts = self.func.order.iter().flat_map(|block| &self.func.block(*block).insts);
        let spans = insts.map(|inst| self.func.values[inst.index()].span);
        spans.into_iter().find(|span| *span != Span::default()).unwrap_or_default()
    }

    /// Keeps the last known text where there is none.
    fn set_span(&mut self, span: Span) {
        if span != Span::default() {
            self.asm.set_span(span);
        }
    }

    /// Brings the function's parameters from r1, r2, ... to where they live.
    fn arrive(&mut self, insts: &[Value]) {
        let mut moves = Vec::new();
        for &inst in insts {
            if let Op::Param(index) = self.func.op(inst)
                && let Some(to) = self.place(inst)
            {
                moves.push(Move { to, from: Source::Place(Place::Reg(index + 1)) });
            }
        }
        self.moves(&moves, [false; REGISTERS]);
    }

    fn terminator(&mut self, term: &Terminator, rest: &[Block]) {
        match term {
            Terminator::Jump(edge) => {
                let moves = self.edge_moves(edge);
                self.moves(&moves, self.busy());
                self.jump(edge.to, rest);
            }
            Terminator::Branch { cond, lhs, rhs, then, els } => {
                let compare = Compare { cond: *cond, lhs: *lhs, rhs: *rhs };
                if !self.choice(compare, then.to, els.to, rest) {
                    let (then, els) = (self.past_nothing(then.to), self.past_nothing(els.to));
                    self.branch(compare, then, els, rest);
                }
            }
            Terminator::Return(operand) => {
                self.load_operand(Reg::R0, *operand);
                self.asm.push(Insn::exit());
            }
        }
    }

    fn jump(&mut self, to: Block, rest: &[Block]) {
        if self.next_block(rest) != Some(to) {
            self.asm.push_jump(Insn::ja(0), to.index());
        }
    }

    fn next_block(&self, rest: &[Block]) -> Option<Block> {
        rest.iter().copied().find(|block| !self.absorbed[block.index()])
    }

    fn branch(&mut self, compare: Compare, then: Block, els: Block, rest: &[Block]) {
        let negated = jump_cond(compare.cond.negate());
        if self.next_block(rest) == Some(then) && negated.is_some() {
            self.compare_and_jump(Compare { cond: compare.cond.negate(), ..compare }, els);
        } else {
            self.compare_and_jump(compare, then);
            self.jump(els, rest);
        }
    }

    /// `x = cond ? a : b` as `x = a; if cond goto on; x = b; on:`. Whether that was possible.
    fn choice(&mut self, compare: Compare, then: Block, els: Block, rest: &[Block]) -> bool {
        let (Some(first), Some(second)) = (self.moves_only(then), self.moves_only(els)) else { return false };
        if first.to != second.to {
            return false;
        }
        let (then_moves, els_moves) = (self.edge_moves(first), self.edge_moves(second));
        let (early, late, compare) = if self.can_precede(&then_moves, &els_moves, compare) {
            (then_moves, els, compare)
        } else if jump_cond(compare.cond.negate()).is_some() && self.can_precede(&els_moves, &then_moves, compare) {
            (els_moves, then, Compare { cond: compare.cond.negate(), ..compare })
        } else {
            return false;
        };
        if !rest.contains(&late) {
            return false;
        }
        self.absorbed[if late == els { then } else { els }.index()] = true;
        self.moves(&early, self.busy());
        self.compare_and_jump(compare, first.to);
        self.jump(late, rest);
        true
    }

    /// Where a block leads whose arguments already are where they belong; that block is left out.
    fn past_nothing(&mut self, block: Block) -> Block {
        let Some(edge) = self.moves_only(block) else { return block };
        if self.edge_moves(edge).iter().any(|item| item.from != Source::Place(item.to)) {
            return block;
        }
        // It was put on this branch's edge, so nobody else leads to it.
        self.absorbed[block.index()] = true;
        edge.to
    }

    /// The edge of a block that does nothing but pass arguments on.
    fn moves_only(&self, block: Block) -> Option<&'a Edge> {
        let data = self.func.block(block);
        match &data.term {
            Some(Terminator::Jump(edge))
                if data.insts.is_empty() && data.params.is_empty() && !edge.args.is_empty() =>
            {
                Some(edge)
            }
            _ => None,
        }
    }

    /// Whether `early` may happen before the comparison although `late` may follow it.
    fn can_precede(&self, early: &[Move], late: &[Move], compare: Compare) -> bool {
        early.iter().filter(|item| item.from != Source::Place(item.to)).all(|item| {
            let written = Source::Place(item.to);
            matches!(item.to, Place::Reg(_))
                && !self.reads(compare, item.to)
                && late.iter().all(|other| other.from != written)
        })
    }

    fn reads(&self, compare: Compare, place: Place) -> bool {
        let rhs = match compare.rhs {
            Operand::Value(value) => self.place(value),
            Operand::Imm(_) => None,
        };
        self.place(compare.lhs) == Some(place) || rhs == Some(place)
    }

    fn compare_and_jump(&mut self, compare: Compare, to: Block) {
        // Conditions without an instruction were turned round before.
        let Some(cond) = jump_cond(compare.cond) else { return };
        let lhs = self.reg_of(compare.lhs);
        let insn = match compare.rhs {
            Operand::Imm(imm) => Insn::jmp_imm(cond, lhs, imm as i32, 0),
            Operand::Value(value) => Insn::jmp_reg(cond, lhs, self.reg_of(value), 0),
        };
        self.asm.push_jump(insn, to.index());
    }

    fn edge_moves(&self, edge: &Edge) -> Vec<Move> {
        let params = &self.func.block(edge.to).params;
        params
            .iter()
            .zip(&edge.args)
            .filter_map(|(param, arg)| Some(Move { to: self.place(*param)?, from: self.source(*arg) }))
            .collect()
    }

    // ---- instructions ----

    fn inst(&mut self, inst: Value, op: Op) {
        match op {
            Op::Param(_) | Op::BlockParam => {}
            Op::Const(_)
            | Op::Core(..)
            | Op::Site(_)
            | Op::StackAddr(..)
            | Op::MapPtr(_)
            | Op::MapValue(..)
            | Op::FuncAddr(_) => self.make(self.reg_of(inst), op),
            Op::Bin(bin, lhs, rhs) => self.bin(self.reg_of(inst), alu(bin), lhs, rhs),
            Op::Neg(value) => {
                let dst = self.copy_of(inst, value);
                self.asm.push(Insn::neg64(dst));
            }
            Op::Ext { value, size, signed } => self.ext(inst, value, size, signed),
            Op::Bswap(value, size) => {
                let dst = self.copy_of(inst, value);
                self.asm.push(swap(dst, size));
            }
            Op::Load { base, off, size, signed, .. } => self.load(self.reg_of(inst), base, off, size, signed),
            Op::Store { base, off, size, src } => self.store(base, off, size, src),
            Op::Atomic { op, fetch, size, base, off, src } => {
                let src = if fetch { self.copy_of(inst, src) } else { self.reg_of(src) };
                let (base, off) = self.address(base, off);
                self.asm.push(atomic(op, fetch, size, base, off, src));
            }
            Op::CmpXchg { size, base, off, expected, new } => {
                self.load_value(Reg::R0, expected);
                let (base, off) = self.address(base, off);
                self.asm.push(Insn::cmpxchg(width(size), base, off, self.reg_of(new)));
                self.mov(self.reg_of(inst), Reg::R0);
            }
            Op::Call(callee, args) => self.call(inst, callee, args.as_slice()),
        }
    }

    fn bin(&mut self, dst: Reg, op: Alu, lhs: Value, rhs: Operand) {
        match rhs {
            Operand::Imm(imm) => {
                self.load_value(dst, lhs);
                self.asm.push(Insn::alu64_imm(op, dst, imm as i32));
            }
            Operand::Value(rhs) if self.reg_of(rhs) == dst && rhs != lhs => {
                // Only operations whose operands may be exchanged are given this register.
                let lhs = self.reg_of(lhs);
                self.asm.push(Insn::alu64_reg(op, dst, lhs));
            }
            Operand::Value(rhs) => {
                self.load_value(dst, lhs);
                let rhs = if rhs == lhs { dst } else { self.reg_of(rhs) };
                self.asm.push(Insn::alu64_reg(op, dst, rhs));
            }
        }
    }

    fn ext(&mut self, inst: Value, value: Value, size: Size, signed: bool) {
        let dst = self.reg_of(inst);
        match (size, signed) {
            (Size::B8, _) => self.load_value(dst, value),
            (Size::B4, false) => {
                let src = self.any_register(dst, value);
                self.asm.push(Insn::mov32(dst, src));
            }
            (_, false) => {
                self.load_value(dst, value);
                self.asm.push(Insn::alu64_imm(Alu::And, dst, size.mask() as i32));
            }
            (_, true) if self.options.sign_extending_insns => {
                let src = self.any_register(dst, value);
                self.asm.push(Insn::movsx64(dst, src, size.bytes() as i16 * 8));
            }
            (_, true) => {
                self.load_value(dst, value);
                self.extend_sign(dst, size);
            }
        }
    }

    fn extend_sign(&mut self, dst: Reg, size: Size) {
        let shift = 64 - size.bytes() as i32 * 8;
        self.asm.push(Insn::alu64_imm(Alu::Lsh, dst, shift));
        self.asm.push(Insn::alu64_imm(Alu::Arsh, dst, shift));
    }

    fn load(&mut self, dst: Reg, base: Value, off: i32, size: Size, signed: bool) {
        let (base, off) = self.address(base, off);
        let signed = signed && size != Size::B8;
        if signed && self.options.sign_extending_insns {
            self.asm.push(Insn::ldxs(width(size), dst, base, off));
            return;
        }
        self.asm.push(Insn::ldx(width(size), dst, base, off));
        if signed {
            self.extend_sign(dst, size);
        }
    }

    fn store(&mut self, base: Value, off: i32, size: Size, src: Operand) {
        let (base, off) = self.address(base, off);
        let insn = match src {
            Operand::Imm(imm) => Insn::st(width(size), base, off, imm as i32),
            Operand::Value(value) => Insn::stx(width(size), base, off, self.reg_of(value)),
        };
        self.asm.push(insn);
    }

    fn call(&mut self, inst: Value, callee: Callee, args: &[Value]) {
        let moves: Vec<Move> =
            args.iter().zip(1..).map(|(arg, to)| Move { to: Place::Reg(to), from: self.source(*arg) }).collect();
        self.moves(&moves, self.busy());
        match callee {
            Callee::Helper(helper, _) => self.asm.push(Insn::call_helper(helper)),
            Callee::Func(func) => {
                self.asm.push(Insn::call_func(0));
                self.func_refs.push((self.asm.insns.len() as u32 - 1, func));
            }
            Callee::Kfunc(kfunc) => {
                self.asm.push(Insn::call_kfunc(0, 0));
                self.relocs.push((self.asm.insns.len() as u32 - 1, RelocKind::Kfunc(kfunc)));
            }
            Callee::Import(function) => {
                self.asm.push(Insn::call_func(0));
                self.relocs.push((self.asm.insns.len() as u32 - 1, RelocKind::Import(function)));
            }
        }
        self.mov(self.reg_of(inst), Reg::R0);
    }

    // ---- operands ----

    /// The address of a memory access as register and distance.
    fn address(&mut self, base: Value, off: i32) -> (Reg, i16) {
        let (base, off) = match self.func.op(base) {
            Op::StackAddr(slot, distance) if self.place(base).is_none() => {
                (Reg::FP, self.frame.offset(slot, distance.saturating_add(off)))
            }
            _ => (self.reg_of(base), off),
        };
        let off = i16::try_from(off).unwrap_or_else(|_| {
            self.error.get_or_insert(SsaErrorKind::FrameTooBig(off.unsigned_abs()));
            0
        });
        (base, off)
    }

    /// Where `value` lives; `None` if it is made where it is used.
    fn place(&self, value: Value) -> Option<Place> {
        match self.alloc.regs[value.index()] {
            Some(reg) => Some(Place::Reg(reg)),
            None => self.alloc.expanded.home(value).map(|slot| Place::Frame(self.frame.offset(slot, 0))),
        }
    }

    fn source(&self, value: Value) -> Source {
        self.place(value).map_or(Source::Make(self.func.op(value)), Source::Place)
    }

    /// The register of a value that was given one.
    fn reg_of(&self, value: Value) -> Reg {
        reg(self.alloc.regs[value.index()].unwrap_or(0))
    }

    /// The register of `value`, or `dst` after loading it there.
    fn any_register(&mut self, dst: Reg, value: Value) -> Reg {
        match self.place(value) {
            Some(Place::Reg(number)) => reg(number),
            _ => {
                self.load_value(dst, value);
                dst
            }
        }
    }

    /// The register of `inst`, with `value` in it.
    fn copy_of(&mut self, inst: Value, value: Value) -> Reg {
        let dst = self.reg_of(inst);
        self.load_value(dst, value);
        dst
    }

    fn load_operand(&mut self, dst: Reg, operand: Operand) {
        match operand {
            Operand::Value(value) => self.load_value(dst, value),
            Operand::Imm(imm) => self.make(dst, Op::Const(imm)),
        }
    }

    fn load_value(&mut self, dst: Reg, value: Value) {
        match self.source(value) {
            Source::Place(place) => self.copy(Place::Reg(dst.number()), place),
            Source::Make(op) => self.make(dst, op),
        }
    }

    fn mov(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            self.asm.push(Insn::mov64(dst, src));
        }
    }

    /// The registers that are occupied when the instruction in hand begins.
    fn busy(&self) -> [bool; REGISTERS] {
        std::array::from_fn(|number| !self.alloc.file.is_free_at(number, self.at))
    }

    fn moves(&mut self, moves: &[Move], busy: [bool; REGISTERS]) {
        let frame = &mut self.frame;
        for step in sequence(moves, busy, |which| frame.scratch(which)) {
            match step {
                Step::Copy { to, from } => self.copy(to, from),
                Step::Make(number, op) => self.make(reg(number), op),
                Step::StoreImm(off, imm) => self.asm.push(Insn::st(width(Size::B8), Reg::FP, off as i16, imm)),
            }
        }
    }

    fn copy(&mut self, to: Place, from: Place) {
        // Distances of homes are within the 512 bytes that are checked at the end.
        match (to, from) {
            (Place::Reg(to), Place::Reg(from)) => self.mov(reg(to), reg(from)),
            (Place::Reg(to), Place::Frame(off)) => {
                self.asm.push(Insn::ldx(width(Size::B8), reg(to), Reg::FP, off as i16))
            }
            (Place::Frame(off), Place::Reg(from)) => {
                self.asm.push(Insn::stx(width(Size::B8), Reg::FP, off as i16, reg(from)))
            }
            (Place::Frame(_), Place::Frame(_)) => {}
        }
    }

    /// Makes a constant or an address in `dst`.
    fn make(&mut self, dst: Reg, op: Op) {
        match op {
            Op::Const(imm) => self.constant(dst, imm),
            Op::Core(core, value) => {
                self.asm.push(Insn::mov64_imm(dst, value));
                self.relocs.push((self.asm.insns.len() as u32 - 1, RelocKind::Core(core)));
            }
            Op::StackAddr(slot, off) => {
                let off = self.frame.offset(slot, off);
                self.asm.push(Insn::mov64(dst, Reg::FP));
                self.asm.push(Insn::alu64_imm(Alu::Add, dst, off));
            }
            Op::Site(low) => {
                let at = self.asm.push_wide(Insn::ld_imm64(dst, low.into()));
                self.sites.push(at as u32);
            }
            Op::MapPtr(map) => self.wide(Insn::ld_map_fd(dst, 0), RelocKind::Map(map)),
            Op::MapValue(map, off) => self.wide(Insn::ld_map_value(dst, 0, off), RelocKind::MapValue(map)),
            Op::FuncAddr(func) => {
                let at = self.asm.push_wide(Insn::ld_func(dst, 0));
                self.func_refs.push((at as u32, func));
            }
            _ => {}
        }
    }

    fn wide(&mut self, pair: [Insn; 2], kind: RelocKind) {
        let at = self.asm.push_wide(pair);
        self.relocs.push((at as u32, kind));
    }

    fn constant(&mut self, dst: Reg, imm: i64) {
        if let Ok(imm) = i32::try_from(imm) {
            self.asm.push(Insn::mov64_imm(dst, imm));
        } else if let Ok(imm) = u32::try_from(imm) {
            self.asm.push(Insn::mov32_imm(dst, imm as i32));
        } else {
            self.asm.push_wide(Insn::ld_imm64(dst, imm as u64));
        }
    }
}

/// The comparison of a branch.
#[derive(Clone, Copy)]
struct Compare {
    cond: Cond,
    lhs: Value,
    rhs: Operand,
}
