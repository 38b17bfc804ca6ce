//! Which register a value would best be in, so that it need not be moved.

use super::super::ir::{BinOp, Func, Op, Operand, Terminator, Value};
use super::legal::Expanded;
use super::live::Liveness;

/// Wishes of all values of a function.
#[derive(Debug)]
pub struct Hints {
    /// The register in which a value is wanted where it dies, or in which it arrives.
    pub fixed: Vec<Option<u8>>,
    /// Values that cannot be in the registers that calls use, so that wishes for these make no sense.
    across_call: Vec<bool>,
    /// Values that are moved into one another have the same representative.
    class: Vec<Value>,
}

impl Hints {
    /// Collects the wishes.
    pub fn of(expanded: &Expanded, live: &Liveness) -> Hints {
        let func = &expanded.func;
        let mut hints = Hints {
            fixed: vec![None; func.values.len()],
            across_call: live.registers.iter().map(|life| life.spans_any(&live.calls, 1)).collect(),
            class: (0..func.values.len() as u32).map(Value).collect(),
        };
        // Backwards, so that wishes pass from results to operands, and the last use counts.
        for &block in func.order.iter().rev() {
            let data = func.block(block);
            if let Some(term) = &data.term {
                hints.terminator(func, term);
            }
            for &inst in data.insts.iter().rev() {
                hints.inst(inst, func.op(inst));
            }
        }
        hints.flatten();
        hints
    }

    /// The representative of the values that should share a register with `value`.
    pub fn class(&self, value: Value) -> Value {
        self.class[value.index()]
    }

    /// Makes every value point straight at its representative, which never has the greater number.
    fn flatten(&mut self) {
        for at in 0..self.class.len() {
            self.class[at] = self.class[self.class[at].index()];
        }
    }

    fn find(&mut self, value: Value) -> Value {
        let mut at = value;
        while self.class[at.index()] != at {
            let up = self.class[self.class[at.index()].index()];
            self.class[at.index()] = up;
            at = up;
        }
        at
    }

    fn inst(&mut self, inst: Value, op: Op) {
        match op {
            Op::Param(index) => self.wish(inst, index + 1),
            Op::Call(_, args) => {
                for (arg, reg) in args.as_slice().iter().zip(1..) {
                    self.wish(*arg, reg);
                }
                self.wish(inst, 0);
            }
            Op::CmpXchg { expected, .. } => {
                self.wish(expected, 0);
                self.wish(inst, 0);
            }
            Op::Bin(bin, lhs, rhs) => {
                self.tie(inst, lhs);
                if let (BinOp::Add | BinOp::Or | BinOp::And | BinOp::Xor | BinOp::Mul, Operand::Value(rhs)) = (bin, rhs)
                {
                    self.pass_on(inst, rhs);
                }
            }
            Op::Neg(value) | Op::Bswap(value, _) | Op::Ext { value, .. } => self.tie(inst, value),
            Op::Atomic { fetch: true, src, .. } => self.tie(inst, src),
            _ => {}
        }
    }

    fn terminator(&mut self, func: &Func, term: &Terminator) {
        if let Terminator::Return(Operand::Value(value)) = term {
            self.wish(*value, 0);
        }
        for edge in term.edges() {
            for (arg, param) in edge.args.iter().zip(&func.block(edge.to).params) {
                self.tie(*param, *arg);
            }
        }
    }

    fn wish(&mut self, value: Value, reg: u8) {
        if !self.across_call[value.index()] {
            self.fixed[value.index()].get_or_insert(reg);
        }
    }

    /// `result` starts as a copy of `source`.
    fn tie(&mut self, result: Value, source: Value) {
        self.pass_on(result, source);
        let (a, b) = (self.find(result), self.find(source));
        self.class[a.max(b).index()] = a.min(b);
    }

    fn pass_on(&mut self, result: Value, source: Value) {
        if let Some(reg) = self.fixed[result.index()] {
            self.wish(source, reg);
        }
    }
}
