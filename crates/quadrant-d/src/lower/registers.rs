//! `uregs[R_PC]`: registers of the process.

use quadrant_program::arch::{AARCH64, Arch, native};
use quadrant_program::expr::ExprKind;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::Lower;
use super::facts::Fact;
use super::translate::Frame;
use super::value::{Int, Value};
use crate::ast;
use crate::message::counted;

/// Names of registers in D, without `R_`, that are not those of [`Arch::registers`]; some do not depend on the machine.
const OTHERS_X86_64: &[(&str, &str)] = &[
    ("fp", "bp"),
    ("ps", "flags"),
    ("rfl", "flags"),
    ("efl", "flags"),
    ("trapno", "orig_ax"),
    ("r0", "ax"),
    ("r1", "dx"),
];
const OTHERS_AARCH64: &[(&str, &str)] = &[("fp", "r29"), ("lr", "r30"), ("ps", "pstate")];

/// Where the kernel keeps the registers of a process that is in the kernel: at the end of the thread's stack of 16 KiB, below some room
/// that kernels for newer processors leave. The code segment of a process (of 64 bits, or with another bit of 32) tells which it is.
const SAVED: &str = "(*(uint64_t *)((uintptr_t)curthread->stack + 16384 - 168 + 136) & 0xffef) == 0x23
    ? *(uint64_t *)((uintptr_t)curthread->stack + 16384 - 168 + 8 * slot)
    : *(uint64_t *)((uintptr_t)curthread->stack + 16384 - 168 - 16 + 8 * slot)";

impl Lower<'_> {
    /// A register of the process, by its number.
    pub(super) fn register(&mut self, keys: &[ast::Expr], span: Span) -> Option<Value> {
        let [key] = keys else {
            let got = counted(keys.len(), "arg");
            return self.fail(span, "D_PROTO_LEN", format!("uregs[ ] prototype mismatch: {got} passed, 1 expected"));
        };
        let offset = self.register_offset(key)?;
        self.consult(Fact::Registers);
        if self.clause.has_registers() {
            return Some(self.typed(ExprKind::Reg(offset), Type::U64, "uint64_t", span));
        }
        if *native() == AARCH64 {
            return self.fail(span, "D_IDENT_BADREF", "uregs[ ] is there only in probes of processes on this machine");
        }
        let expr = self.piece_of_d(SAVED);
        let slot = self.number(i64::from(offset / 8), Int::LONG, span);
        let frame = Frame { names: [("slot".to_owned(), slot)].into(), words: false, at: span };
        self.within(frame, |lower| lower.expr(&expr))
    }

    /// The register's place in `struct pt_regs`.
    fn register_offset(&mut self, key: &ast::Expr) -> Option<u16> {
        if let ast::ExprKind::Name(name) = &key.kind
            && let Some(offset) = named(native(), name)
        {
            return Some(offset);
        }
        let number = self.constant_index(key, "uregs")?;
        let offset = number.checked_mul(8).and_then(|offset| u16::try_from(offset).ok());
        match offset.filter(|offset| native().registers.iter().any(|(_, known)| known == offset)) {
            Some(offset) => Some(offset),
            None => self.fail(key.span, "D_ARGS_IDX", format!("index {number} is out of range for uregs[ ]")),
        }
    }
}

/// The place of `R_RAX`, `R_EAX`, `R_X0`, `R_PC`.
fn named(arch: &Arch, name: &str) -> Option<u16> {
    let name = name.strip_prefix("R_")?.to_ascii_lowercase();
    let (others, long, short) = match *arch == AARCH64 {
        true => (OTHERS_AARCH64, &["x"][..], "r"),
        false => (OTHERS_X86_64, &["r", "e"][..], ""),
    };
    let other = others.iter().find(|(known, _)| *known == name).map(|(_, register)| (*register).to_owned());
    let shortened = long.iter().filter_map(|long| Some(format!("{short}{}", name.strip_prefix(long)?)));
    let names: Vec<String> = other.into_iter().chain([name.clone()]).chain(shortened).collect();
    let offset = |name: &String| arch.registers.iter().find(|(known, _)| known == name).map(|(_, offset)| *offset);
    names.iter().find_map(offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::arch::X86_64;

    #[test]
    fn names_of_each_machine() {
        let of = |arch, names: &[&str]| names.iter().map(|name| named(arch, name)).collect::<Vec<_>>();
        let names = ["R_RAX", "R_EAX", "R_R0", "R_R1", "R_R15", "R_RBP", "R_FP", "R_SP", "R_PC", "R_RFL", "R_TRAPNO"];
        let places = [80, 80, 80, 96, 0, 32, 32, 152, 128, 144, 120];
        assert_eq!(of(&X86_64, &names), places.map(Some));
        let names = ["R_X0", "R_R1", "R_X30", "R_LR", "R_FP", "R_SP", "R_PC", "R_PS"];
        assert_eq!(of(&AARCH64, &names), [0, 8, 240, 240, 232, 248, 256, 264].map(Some));
        assert_eq!(of(&X86_64, &["R_X0", "RAX", "R_"]), [None; 3]);
    }
}
