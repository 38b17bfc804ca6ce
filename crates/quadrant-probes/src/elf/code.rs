//! The bytes of functions, what they decode to, and where functions return.

use super::{Elf, Segment, Symbol};
use crate::error::{Result, error};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};

/// Longest function that is decoded.
const MAX_FUNCTION: u64 = 16 << 20;

impl Elf {
    /// The addresses of the instructions by which a function returns to its caller.
    pub fn return_sites(&self, function: &Symbol<'_>) -> Result<Vec<u64>> {
        let instructions = self.instructions(function)?;
        let returns = instructions.iter().filter(|instruction| instruction.flow_control() == FlowControl::Return);
        Ok(returns.map(Instruction::ip).collect())
    }

    /// Whether a function calls others, or goes on in another one; also if it cannot be told.
    pub fn may_call(&self, function: &Symbol<'_>) -> bool {
        let (Ok(code), true) = (self.instructions(function), cfg!(target_arch = "x86_64")) else { return true };
        let end = code.last().map_or(function.address, Instruction::next_ip);
        let inside = function.address..end;
        code.iter().any(|one| match one.flow_control() {
            FlowControl::Next | FlowControl::Return => false,
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                !inside.contains(&one.near_branch_target())
            }
            _ => true,
        })
    }

    /// All code with its addresses, unless that is more than so many bytes.
    pub fn code(&self, most: u64) -> Option<Vec<(u64, Vec<u8>)>> {
        let segments = self.segments.iter().filter(|segment| segment.executable);
        let total = segments.clone().try_fold(0u64, |sum, segment| sum.checked_add(segment.file_size))?;
        let code =
            |segment: &Segment| Some((segment.address, self.file().read(segment.offset, segment.file_size).ok()?));
        if total > most { None } else { segments.map(code).collect() }
    }

    /// Up to the function's end, or to the first bytes that are no instruction: what follows them is not certain.
    pub fn instructions(&self, function: &Symbol<'_>) -> Result<Vec<Instruction>> {
        let bytes = self.function_bytes(function)?;
        let decoder = Decoder::with_ip(self.class.bits(), &bytes, function.address, DecoderOptions::NONE);
        let mut instructions = Vec::new();
        for instruction in decoder {
            let invalid = instruction.is_invalid();
            instructions.push(instruction);
            if invalid {
                break;
            }
        }
        Ok(instructions)
    }

    /// The bytes of a function.
    pub fn function_bytes(&self, function: &Symbol<'_>) -> Result<Vec<u8>> {
        let start = self.code_offset_of(function.address);
        let start = start.ok_or_else(|| self.file().malformed(&format!("`{}` is not in its code", function.name)))?;
        let len = self.function_len(function)?;
        let name = function.name;
        if len > MAX_FUNCTION {
            return Err(error(format!("`{name}` has {len} bytes, of which no more than {MAX_FUNCTION} are decoded")));
        }
        if len > self.file().len().saturating_sub(start) {
            return Err(self.file().malformed(&format!("`{name}` goes beyond the file's end")));
        }
        if function.address.checked_add(len).is_none() {
            return Err(self.file().malformed(&format!("`{name}` goes beyond the last address")));
        }
        self.file().read(start, len)
    }

    /// The symbol's size, or up to the next function, or to the section's end.
    fn function_len(&self, function: &Symbol<'_>) -> Result<u64> {
        if function.size > 0 {
            return Ok(function.size);
        }
        let next = self.symbols()?.next_start(function.address);
        let end = next.or_else(|| self.code_end(function.address));
        Ok(end.map_or(0, |end| end.saturating_sub(function.address)))
    }
}
