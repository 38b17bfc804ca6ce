//! Instructions of x86 that Linux does not probe, and those that it probes and then does not execute as the program would.

use super::{Class, Elf};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};

/// What the kernel copies of the code at a probe.
const COPIED: u64 = 16;
/// All prefixes.
const PREFIXES: [u8; 11] = [0x66, 0x67, 0xf2, 0xf3, 0x64, 0x65, 0x26, 0x2e, 0x36, 0x3e, 0xf0];
/// Those with which no instruction is probed: `es`, `cs`, `ss`, `ds` (which are also hints, as `notrack`), and `lock`.
const REFUSED: [u8; 5] = [0x26, 0x2e, 0x36, 0x3e, 0xf0];
const SYSTEM_CALL: [u8; 2] = [0x0f, 0x05];
/// The nop of which Linux 7.2 makes a call, and which it probes for all its prefix.
pub(crate) const TEN_BYTE_NOP: [u8; 10] = [0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];

impl Elf {
    /// The instruction at an address, and the code behind it, as far as the kernel looks.
    pub fn code_at(&self, address: u64) -> Option<Vec<u8>> {
        let offset = self.code_offset_of(address)?;
        self.file().read(offset, COPIED.min(self.file().len().checked_sub(offset)?)).ok()
    }
}

/// Whether the kernel takes a probe at the instruction with which the code begins (`arch_uprobe_analyze_insn`).
pub(crate) fn is_probed(class: Class, code: &[u8]) -> bool {
    let prefixes = code.iter().take_while(|byte| PREFIXES.contains(byte)).count();
    let (prefixes, rest) = code.split_at(prefixes);
    let is_refused = match rest {
        _ if class == Class::Narrow => is_refused_narrow(rest),
        [0xc5, _, opcode, ..] | [0xc4, _, _, opcode, ..] | [0x62, _, _, _, opcode, ..] => {
            is_privileged(*opcode) || is_nothing(*opcode)
        }
        [0x40..=0x4f, opcode, ..] | [opcode, ..] => is_privileged(*opcode),
        [] => false,
    };
    !is_refused && !prefixes.iter().any(|prefix| REFUSED.contains(prefix))
}

/// In programs of 32 bits, what is `lds` or `les` with an operand in memory is the prefix of AVX with others.
fn is_refused_narrow(code: &[u8]) -> bool {
    let opcode = match code {
        [0xc5, second, opcode, ..] | [0xc4, second, _, opcode, ..] | [0x62, second, _, _, opcode, ..]
            if *second >= 0xc0 =>
        {
            opcode
        }
        [opcode, ..] => opcode,
        [] => return false,
    };
    is_privileged(*opcode) || matches!(opcode, 0x07 | 0x17 | 0x1f)
}

/// Ports, `int`, `iret`, interrupts on and off, `hlt`. Instructions of AVX with one of these bytes are taken for them.
fn is_privileged(opcode: u8) -> bool {
    matches!(opcode, 0x6c..=0x6f | 0xe4..=0xe7 | 0xec..=0xef | 0xcc..=0xcf | 0xf1 | 0xf4 | 0xfa | 0xfb)
}

/// What is no instruction without a prefix, but some of AVX with one, which the kernel does not tell apart.
fn is_nothing(opcode: u8) -> bool {
    matches!(
        opcode,
        0x06 | 0x07 | 0x0e | 0x16 | 0x17 | 0x1e | 0x1f | 0x27 | 0x2f | 0x37 | 0x3f | 0x60..=0x62 | 0x82 | 0x9a | 0xd4..=0xd6 | 0xea
    )
}

/// Whether the code of a 64-bit program begins with a system call behind which the program goes astray: the step over it ends one instruction late, so that
/// one is executed where the kernel has copied the code to, as well. Only jumps by a distance, and what does not look at the place, may be.
pub(crate) fn goes_astray(code: &[u8]) -> bool {
    let Some(rest) = code.strip_prefix(&SYSTEM_CALL) else { return false };
    let next: Instruction = Decoder::new(Class::Wide.bits(), rest, DecoderOptions::NONE).decode();
    let goes_on = matches!(
        next.flow_control(),
        FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
    );
    next.is_invalid() || !goes_on || next.is_ip_rel_memory_operand()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_that_the_kernel_does_not_probe() {
        let refused: [&[u8]; 17] = [
            &[0xf0, 0xff, 0x07],
            &[0xf2, 0xf0, 0xff, 0x00],
            &[0x3e, 0xff, 0xe0],
            &[0x2e, 0x74, 0x00],
            &[0x36, 0x90],
            &TEN_BYTE_NOP,
            &[0xec],
            &[0x48, 0xcf],
            &[0xcc],
            &[0xcd, 0x80],
            &[0xf4],
            &[0x66, 0x6f],
            // vmovd, vmovdqu, vpxor of AVX-512, vpaddq, vpunpcklbw
            &[0xc5, 0xf9, 0x6e, 0xc6],
            &[0xc5, 0xfe, 0x6f, 0x06],
            &[0x62, 0xf1, 0x7d, 0x48, 0xef, 0xc0],
            &[0xc4, 0xc1, 0x7d, 0xd4, 0xc0],
            &[0xc5, 0xf9, 0x60, 0xc0],
        ];
        refused.iter().for_each(|code| assert!(!is_probed(Class::Wide, code), "{code:x?}"));
        let probed: [&[u8]; 10] = [
            &[0x64, 0x90],
            &[0xf3, 0x0f, 0x1e, 0xfa],
            &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            &[0x0f, 0x05],
            &[0x0f, 0xae, 0x38],
            &[0xc5, 0xfc, 0x58, 0xc0],
            &[0xc5, 0xf8, 0x77],
            &[0xc4, 0xe2, 0x7d, 0x78, 0xc0],
            &[0xf3, 0xc3],
            &[],
        ];
        probed.iter().for_each(|code| assert!(is_probed(Class::Wide, code), "{code:x?}"));
    }

    #[test]
    fn instructions_of_32_bits_that_the_kernel_does_not_probe() {
        // int $0x80, pop of segments, lock incl, cs, vmovd
        let refused: [&[u8]; 6] =
            [&[0xcd, 0x80], &[0x07], &[0x1f], &[0xf0, 0xff, 0x00], &[0x2e, 0x90], &[0xc5, 0xf9, 0x6e, 0xc6]];
        refused.iter().for_each(|code| assert!(!is_probed(Class::Narrow, code), "{code:x?}"));
        // inc, push of segments, pusha, lds, vpunpcklbw, endbr32
        let probed: [&[u8]; 7] = [
            &[0x41, 0xcc],
            &[0x06],
            &[0x60],
            &[0xc5, 0x06, 0xcc],
            &[0xc5, 0xf9, 0x60, 0xc0],
            &[0xf3, 0x0f, 0x1e, 0xfb],
            &[0x40],
        ];
        probed.iter().for_each(|code| assert!(is_probed(Class::Narrow, code), "{code:x?}"));
    }

    #[test]
    fn system_calls_behind_which_the_program_goes_astray() {
        let astray: [&[u8]; 5] =
            [&[0xc3], &[0x48, 0x8b, 0x05, 1, 0, 0, 0], &[0xe8, 0, 0, 0, 0], &[0xff, 0xe0], &[0x48, 0xb8, 1]];
        astray.iter().for_each(|next| assert!(goes_astray(&[&SYSTEM_CALL, *next].concat()), "{next:x?}"));
        let safe: [&[u8]; 4] = [&[0x48, 0x3d, 1, 0xf0, 0xff, 0xff], &[0xeb, 0], &[0x75, 0], &[0x90]];
        safe.iter().for_each(|next| assert!(!goes_astray(&[&SYSTEM_CALL, *next].concat()), "{next:x?}"));
        assert!(!goes_astray(&[0xc3]));
    }
}
