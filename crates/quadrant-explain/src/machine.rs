//! Machine code of loaded programs, disassembled.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use quadrant_bpf::object::JitedFunction;
use quadrant_bpf::object::ProgramCode;

#[cfg(target_arch = "aarch64")]
use arm64::instructions;
#[cfg(target_arch = "x86_64")]
use x86::instructions;

/// An instruction.
struct Instruction {
    /// Its address.
    address: u64,
    /// As assemblers write it.
    text: String,
    /// Where it jumps or calls to.
    target: Option<u64>,
}

/// The last line of the source that starts at an address.
type Lines = HashMap<u64, usize>;

/// The machine code of all functions. `line` says what an entry of [`ProgramCode::lines`] is, `symbol` what is at an address of the
/// kernel.
pub fn machine_code(
    code: &ProgramCode,
    line: &dyn Fn(usize) -> String,
    symbol: &dyn Fn(u64) -> Option<String>,
) -> String {
    let mut text = String::new();
    let mut start = 0;
    let lines: Lines = code.lines.iter().enumerate().map(|(index, line)| (line.address, index)).collect();
    for function in &code.functions {
        let end = (start + function.len as usize).min(code.jited.len());
        let name = symbol(function.address).unwrap_or_default();
        let _ = writeln!(text, "{:#x} {name}: ({} bytes)", function.address, function.len);
        one_function(&mut text, &lines, *function, &code.jited[start.min(end)..end], line, symbol);
        start = end;
    }
    text
}

fn one_function(
    text: &mut String,
    lines: &Lines,
    function: JitedFunction,
    bytes: &[u8],
    line: &dyn Fn(usize) -> String,
    symbol: &dyn Fn(u64) -> Option<String>,
) {
    let inside = function.address..function.address + u64::from(function.len);
    for instruction in instructions(bytes, function.address) {
        let said = lines.get(&instruction.address).map(|index| line(*index));
        if let Some(said) = said.filter(|said| !said.is_empty()) {
            let _ = writeln!(text, "; {said}");
        }
        let _ = writeln!(text, "{:5x}: {}", instruction.address - function.address, instruction.told(&inside, symbol));
    }
}

impl Instruction {
    /// With targets in the function as distances from its start, and others by their names.
    fn told(&self, inside: &Range<u64>, symbol: &dyn Fn(u64) -> Option<String>) -> String {
        match self.target {
            Some(target) if inside.contains(&target) => {
                self.text.replace(&format!("{target:#x}"), &format!("{:x}", target - inside.start))
            }
            Some(target) => symbol(target).map_or(self.text.clone(), |name| format!("{}  # {name}", self.text)),
            None => self.text.clone(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter, GasFormatter};

    use super::Instruction;

    pub(super) fn instructions(bytes: &[u8], address: u64) -> Vec<Instruction> {
        let mut formatter = GasFormatter::new();
        formatter.options_mut().set_space_after_operand_separator(true);
        formatter.options_mut().set_uppercase_hex(false);
        formatter.options_mut().set_branch_leading_zeros(false);
        formatter.options_mut().set_signed_immediate_operands(true);
        let decoder = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE);
        let told = |instruction: iced_x86::Instruction| {
            let mut text = String::new();
            formatter.format(&instruction, &mut text);
            let leaves = matches!(
                instruction.flow_control(),
                FlowControl::Call | FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
            );
            let target = leaves.then(|| instruction.near_branch_target()).filter(|target| *target != 0);
            Instruction { address: instruction.ip(), text, target }
        };
        decoder.into_iter().map(told).collect()
    }
}

#[cfg(target_arch = "aarch64")]
mod arm64 {
    use yaxpeax_arch::{Decoder, U8Reader};
    use yaxpeax_arm::armv8::a64::{InstDecoder, Opcode, Operand};

    use super::Instruction;

    pub(super) fn instructions(bytes: &[u8], address: u64) -> Vec<Instruction> {
        let words = bytes.chunks_exact(4).zip((address..).step_by(4));
        words.map(|(word, address)| instruction(word, address)).collect()
    }

    fn instruction(word: &[u8], address: u64) -> Instruction {
        match InstDecoder::default().decode(&mut U8Reader::new(word)) {
            Ok(decoded) => {
                let target = match (decoded.opcode, decoded.operands[0]) {
                    (Opcode::B | Opcode::BL, Operand::PCOffset(by)) => Some(address.wrapping_add_signed(by)),
                    _ => None,
                };
                Instruction { address, text: decoded.to_string(), target }
            }
            Err(_) => Instruction { address, text: format!(".word {word:02x?}"), target: None },
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use quadrant_bpf::object::CodeLine;

    use super::*;

    #[test]
    fn functions_lines_and_targets() {
        // push %rbp; je +1; nop; call; leave; ret
        let jited = [0x55, 0x74, 0x01, 0x90, 0xe8, 0xf7, 0x0f, 0, 0, 0xc9, 0xc3].to_vec();
        let functions = vec![JitedFunction { address: 0x1000, len: 11 }];
        let lines = vec![CodeLine { insn: 0, address: 0x1001, file: 0, text: 0, line: 1, column: 1 }];
        let code = ProgramCode { jited, functions, lines, ..ProgramCode::default() };
        let symbol = |address: u64| (address == 0x2000).then(|| "helper".to_owned());
        let text = machine_code(&code, &|index| format!("line {index}"), &symbol);
        let expected = "0x1000 : (11 bytes)\n    0: push %rbp\n; line 0\n    1: je 4\n    3: nop\n    4: call 0x2000  # helper\n    9: leave\n    a: ret\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn code_that_is_not_shown_is_nothing() {
        let functions = vec![JitedFunction { address: 0, len: 11 }];
        let code = ProgramCode { functions, ..ProgramCode::default() };
        assert_eq!(machine_code(&code, &|_| String::new(), &|_| None), "0x0 : (11 bytes)\n");
        assert_eq!(machine_code(&ProgramCode::default(), &|_| String::new(), &|_| None), "");
    }
}
