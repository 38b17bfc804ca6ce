//! What of a five-byte nop is to be known where the kernel makes a call of it.

use super::{Class, Elf, Symbol};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, Register};

/// Length of a call, and so of nops that are made calls.
const CALL: usize = 5;

impl Elf {
    /// Whether the instruction at `address` is one of five bytes that does nothing.
    pub fn has_long_nop(&self, address: u64) -> bool {
        cfg!(target_arch = "x86_64") && self.code_at(address).is_some_and(|code| is_long_nop(self.class, &code))
    }

    /// The instruction of a function before the one at `address`.
    pub fn instruction_before(&self, function: &Symbol<'_>, address: u64) -> Option<u64> {
        let instructions = self.instructions(function).ok()?;
        instructions.iter().map(Instruction::ip).take_while(|ip| *ip < address).last()
    }

    /// The instructions of a function behind the one at `address`.
    pub fn instructions_behind(&self, function: &Symbol<'_>, address: u64) -> Vec<u64> {
        let instructions = self.instructions(function).unwrap_or_default();
        instructions.iter().filter(|one| !one.is_invalid()).map(Instruction::ip).filter(|ip| *ip > address).collect()
    }
}

/// Whether the code begins with an instruction of five bytes that does nothing.
pub(crate) fn is_long_nop(class: Class, code: &[u8]) -> bool {
    let instruction = Decoder::new(class.bits(), code, DecoderOptions::NONE).decode();
    instruction.len() == CALL && does_nothing(&instruction)
}

/// What Linux takes for a nop (`insn_is_nop`), and a little more.
fn does_nothing(one: &Instruction) -> bool {
    let is_own = one.memory_index() == Register::None && one.memory_displacement64() == 0;
    match one.mnemonic() {
        Mnemonic::Nop => true,
        Mnemonic::Jmp => {
            one.flow_control() == FlowControl::UnconditionalBranch && one.near_branch_target() == one.next_ip()
        }
        Mnemonic::Lea => one.op0_register() == one.memory_base() && is_own,
        Mnemonic::Mov | Mnemonic::Xchg => {
            one.op0_register() != Register::None && one.op0_register() == one.op1_register()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_bytes_that_do_nothing() {
        for nop in [
            [0x0f, 0x1f, 0x44, 0, 0],
            [0x66, 0x0f, 0x1f, 0x40, 0],
            [0x66, 0x66, 0x66, 0x66, 0x90],
            [0xe9, 0, 0, 0, 0],
            [0x48, 0x8d, 0x74, 0x26, 0],
        ] {
            assert!(is_long_nop(Class::Wide, &nop), "{nop:x?}");
        }
        for other in
            [[0xe8, 0, 0, 0, 0], [0xe9, 1, 0, 0, 0], [0xb8, 0, 0, 0, 0], [0x90; 5], [0x48, 0x8d, 0x74, 0x26, 1]]
        {
            assert!(!is_long_nop(Class::Wide, &other), "{other:x?}");
        }
    }
}
