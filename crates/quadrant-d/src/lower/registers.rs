//! `uregs[R_PC]`: registers of the process.

use quadrant_program::expr::ExprKind;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::Lower;
use super::facts::Fact;
use super::translate::Frame;
use super::value::{Int, Value};
use crate::ast;

/// `struct pt_regs` of x86-64, in its order.
const NAMES: [&str; 21] = [
    "R_R15", "R_R14", "R_R13", "R_R12", "R_RBP", "R_RBX", "R_R11", "R_R10", "R_R9", "R_R8", "R_RAX", "R_RCX", "R_RDX",
    "R_RSI", "R_RDI", "R_TRAPNO", "R_RIP", "R_CS", "R_RFL", "R_RSP", "R_SS",
];

/// Other names, of which some do not depend on the machine.
const OTHERS: [(&str, usize); 14] = [
    ("R_PC", 16),
    ("R_SP", 19),
    ("R_FP", 4),
    ("R_PS", 18),
    ("R_R0", 10),
    ("R_R1", 12),
    ("R_EIP", 16),
    ("R_ESP", 19),
    ("R_EBP", 4),
    ("R_EAX", 10),
    ("R_EBX", 5),
    ("R_ECX", 11),
    ("R_EDX", 12),
    ("R_EFL", 18),
];

/// Where the kernel keeps the registers of a process that is in the kernel: at the end of the thread's stack of 16 KiB, below some room
/// that kernels for newer processors leave. The code segment of a process (of 64 bits, or with another bit of 32) tells which it is.
const SAVED: &str = "(*(uint64_t *)((uintptr_t)curthread->stack + 16384 - 168 + 136) & 0xffef) == 0x23
    ? *(uint64_t *)((uintptr_t)curthread->stack + 16384 - 168 + 8 * slot)
    : *(uint64_t *)((uintptr_t)curthread->stack + 16384 - 168 - 16 + 8 * slot)";

impl Lower<'_> {
    /// A register of the process, by its number.
    pub(super) fn register(&mut self, keys: &[ast::Expr], span: Span) -> Option<Value> {
        let [key] = keys else {
            return self.fail(span, "D_PROTO_LEN", "uregs[ ] prototype mismatch: 1 key expected");
        };
        let slot = self.slot(key)?;
        self.consult(Fact::Registers);
        if self.clause.has_registers() {
            return Some(self.typed(ExprKind::Reg(slot as u16 * 8), Type::U64, "uint64_t", span));
        }
        let expr = self.piece_of_d(SAVED);
        let slot = self.number(slot as i64, Int::LONG, span);
        let frame = Frame { names: [("slot".to_owned(), slot)].into(), words: false, at: span };
        self.within(frame, |lower| lower.expr(&expr))
    }

    /// The register's place in `struct pt_regs`.
    fn slot(&mut self, key: &ast::Expr) -> Option<usize> {
        if let ast::ExprKind::Name(name) = &key.kind {
            let other = OTHERS.iter().find(|(known, _)| known == name).map(|(_, slot)| *slot);
            if let Some(slot) = other.or_else(|| NAMES.iter().position(|known| known == name)) {
                return Some(slot);
            }
        }
        let number = self.constant(key)?;
        match usize::try_from(number).ok().filter(|slot| *slot < NAMES.len()) {
            Some(slot) => Some(slot),
            None => self.fail(key.span, "D_ARGS_IDX", format!("index {number} is out of range for uregs[ ]")),
        }
    }
}
