//! Which bytes of a function are instructions for certain: those that execution comes to from its entry.
//!
//! Decoding byte after byte is no proof. Data between instructions may decode to instructions that never run, and from there on the
//! decoder may be out of step with those that do. A breakpoint in the middle of one changes what the program does.

use super::{Class, Elf, Symbol};
use crate::error::{Result, advise, error};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};
use quadrant_program::probe::ProbeError;

/// Most parts of a function that lie elsewhere; compilers make one or two.
const MAX_PARTS: usize = 16;
/// Longest instruction.
const LONGEST: usize = 15;

/// Whether instructions of this processor are known; those of others have one length.
const IS_DECODED: bool = cfg!(target_arch = "x86_64");
const FIXED: u64 = 4;

/// Why it is not certain where instructions start.
#[derive(Clone, Copy)]
enum Doubt {
    /// What instructions of this processor look like.
    Processor,
    /// How long the function is.
    Size,
    /// The bytes at an address are no instruction.
    Invalid(u64),
    /// One instruction begins within another one.
    Overlap(u64),
    /// Nothing is seen to lead to an address: it may be reached by a table of jumps, or be data.
    Unreached(u64),
}

impl Elf {
    /// Whether an instruction starts at `address`.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn is_boundary(&self, function: &Symbol<'_>, address: u64) -> Result<bool> {
        if address == function.address {
            return Ok(true);
        }
        if !IS_DECODED {
            return Ok(address.abs_diff(function.address).is_multiple_of(FIXED));
        }
        let bytes = self.function_bytes(function)?;
        let refused = |doubt: Doubt| {
            doubt.explain(function, "choose a place that a branch leads to, or, in a bpftrace script, --unsafe")
        };
        Flow::of(self.class, &bytes, function.address).starts_at(address).map_err(refused)
    }

    /// The addresses of all instructions of a function.
    ///
    /// # Errors
    /// They are not certain.
    pub fn all_instructions(&self, function: &Symbol<'_>) -> Result<Vec<u64>> {
        let refused = |doubt: Doubt| doubt.explain(function, "name the offsets that you mean, one by one");
        if !IS_DECODED {
            return Err(refused(Doubt::Processor));
        }
        if function.size == 0 {
            return Err(refused(Doubt::Size));
        }
        let bytes = self.function_bytes(function)?;
        let parts = self.cold_parts(function)?;
        Flow::with_parts(self.class, &bytes, function.address, &parts).all().map_err(refused)
    }

    /// What the compiler put elsewhere because it seldom runs: jumps may lead there and back.
    fn cold_parts(&self, function: &Symbol<'_>) -> Result<Vec<(u64, Vec<u8>)>> {
        let symbols = self.symbols()?;
        let is_part = |symbol: &Symbol<'_>| symbol.cold_part_of() == Some(function.name);
        let parts: Vec<Symbol<'_>> = symbols.functions().filter(is_part).take(MAX_PARTS + 1).collect();
        if parts.len() > MAX_PARTS {
            return Err(error(format!("`{}` has more than {MAX_PARTS} cold parts", function.name)));
        }
        parts.iter().map(|part| Ok((part.address, self.function_bytes(part)?))).collect()
    }
}

impl Doubt {
    fn explain(&self, function: &Symbol<'_>, instead: &str) -> ProbeError {
        let place = |address: &u64| match function.name {
            "" => format!("{address:#x}"),
            name => match address.checked_sub(function.address).filter(|offset| *offset < function.size) {
                Some(offset) => format!("`{name}+{offset:#x}`"),
                None => format!("{address:#x}"),
            },
        };
        let why = match self {
            Doubt::Processor => "this processor's instructions are not decoded".to_owned(),
            Doubt::Size => "its size is not known".to_owned(),
            Doubt::Invalid(at) => format!("the bytes at {} are no instruction", place(at)),
            Doubt::Overlap(at) => format!("at {} one instruction starts within another", place(at)),
            Doubt::Unreached(at) => {
                format!(
                    "no branch that can be followed leads to {}, which may be data or be reached by a table",
                    place(at)
                )
            }
        };
        let what = match function.name {
            "" => format!("the code at {:#x}", function.address),
            name => format!("`{name}`"),
        };
        let message = format!("it is not certain where the instructions of {what} start: {why}");
        advise(message, format!("a probe in the middle of one would break the program; {instead}"))
    }
}

/// The instructions that execution comes to.
struct Flow<'a> {
    class: Class,
    bytes: &'a [u8],
    start: u64,
    /// Of the instruction at each byte; 0 where none is known to start.
    lengths: Vec<u8>,
    /// Where execution seems to come to and no instruction is.
    invalid: Option<u64>,
    /// What is wrong with a part that lies elsewhere.
    elsewhere: Option<Doubt>,
}

impl<'a> Flow<'a> {
    fn of(class: Class, bytes: &'a [u8], start: u64) -> Self {
        Self::with_parts(class, bytes, start, &[])
    }

    /// Parts of the function that lie elsewhere are followed from where a branch leads into them.
    fn with_parts(class: Class, bytes: &'a [u8], start: u64, parts: &'a [(u64, Vec<u8>)]) -> Self {
        let mut whole = Self::new(class, bytes, start);
        let mut parts: Vec<Self> = parts.iter().map(|(start, bytes)| Self::new(class, bytes, *start)).collect();
        let mut open = vec![start];
        while let Some(address) = open.pop() {
            let mut all = std::iter::once(&mut whole).chain(&mut parts);
            if let Some(flow) = all.find(|flow| flow.has(address)) {
                flow.follow(address, &mut open);
            }
        }
        // Of a part that is not understood it is not known where it leads.
        whole.elsewhere = parts.iter().find_map(|part| part.wrong());
        whole
    }

    fn new(class: Class, bytes: &'a [u8], start: u64) -> Self {
        Self { class, bytes, start, lengths: vec![0; bytes.len()], invalid: None, elsewhere: None }
    }

    /// One instruction after the other until one that goes elsewhere, or that was seen before.
    fn follow(&mut self, address: u64, open: &mut Vec<u64>) {
        for instruction in self.decode(address) {
            let at = (instruction.ip() - self.start) as usize;
            if self.lengths[at] > 0 {
                break;
            }
            if instruction.is_invalid() {
                self.invalid = self.invalid.or(Some(instruction.ip()));
                break;
            }
            self.lengths[at] = instruction.len() as u8;
            let target = target_of(&instruction);
            open.extend(target);
            if !goes_on(&instruction, target.is_some_and(|target| target != self.start && self.has(target))) {
                break;
            }
        }
    }

    /// From an address within the function; what goes beyond its end is invalid.
    fn decode(&self, address: u64) -> Decoder<'a> {
        let bytes = self.bytes.get((address - self.start) as usize..).unwrap_or_default();
        Decoder::with_ip(self.class.bits(), bytes, address, DecoderOptions::NONE)
    }

    fn has(&self, address: u64) -> bool {
        address.checked_sub(self.start).is_some_and(|offset| offset < self.bytes.len() as u64)
    }

    /// Known instructions, by offset and length.
    fn known(&self) -> impl Iterator<Item = (usize, usize)> {
        let all = self.lengths.iter().enumerate().map(|(at, length)| (at, usize::from(*length)));
        all.filter(|(_, length)| *length > 0)
    }

    /// Ranges of offsets that no instruction covers.
    fn gaps(&self) -> Vec<(usize, usize)> {
        let (mut gaps, mut end) = (Vec::new(), 0);
        for (at, length) in self.known().chain([(self.bytes.len(), 0)]) {
            if at > end {
                gaps.push((end, at));
            }
            end = end.max(at + length);
        }
        gaps
    }

    /// Whether an offset lies behind the start of a known instruction and before its end.
    fn is_inside(&self, offset: usize) -> bool {
        (1..LONGEST).any(|back| offset.checked_sub(back).is_some_and(|at| usize::from(self.lengths[at]) > back))
    }

    /// What a gap decodes to; `None` if it does not end where the gap does.
    fn decode_gap(&self, (from, to): (usize, usize)) -> Option<Vec<Instruction>> {
        let bytes = &self.bytes[from..to];
        let decoder = Decoder::with_ip(self.class.bits(), bytes, self.start + from as u64, DecoderOptions::NONE);
        let instructions: Vec<Instruction> = decoder.into_iter().collect();
        instructions.iter().all(|instruction| !instruction.is_invalid()).then_some(instructions)
    }

    /// Where nothing leads to, the decoder's word is taken for one place if it stays in step.
    fn starts_at(&self, address: u64) -> std::result::Result<bool, Doubt> {
        let offset = address.checked_sub(self.start).map(|offset| offset as usize);
        let Some(offset) = offset.filter(|offset| *offset < self.lengths.len()) else { return Ok(false) };
        if self.lengths[offset] > 0 || self.is_inside(offset) {
            return Ok(!self.is_inside(offset));
        }
        let gap = self.gaps().into_iter().find(|(from, to)| (*from..*to).contains(&offset)).unwrap_or_default();
        let instructions = self.decode_gap(gap).ok_or(Doubt::Unreached(self.start + gap.0 as u64))?;
        Ok(instructions.iter().any(|instruction| instruction.ip() == address))
    }

    /// What execution seems to come to and cannot be.
    fn wrong(&self) -> Option<Doubt> {
        let overlap = || self.known().find(|(at, _)| self.is_inside(*at));
        let overlap = || overlap().map(|(at, _)| Doubt::Overlap(self.start + at as u64));
        self.invalid.map(Doubt::Invalid).or_else(overlap)
    }

    /// Nothing but padding may be left over.
    fn all(&self) -> std::result::Result<Vec<u64>, Doubt> {
        if let Some(doubt) = self.wrong().or(self.elsewhere) {
            return Err(doubt);
        }
        for gap in self.gaps() {
            let is_padding = self.decode_gap(gap).is_some_and(|found| found.iter().all(is_padding));
            if !is_padding {
                return Err(Doubt::Unreached(self.start + gap.0 as u64));
            }
        }
        Ok(self.known().map(|(at, _)| self.start + at as u64).collect())
    }
}

/// Where a branch or call leads, if the instruction says so.
fn target_of(instruction: &Instruction) -> Option<u64> {
    let is_near = matches!(instruction.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64);
    (instruction.op_count() > 0 && is_near).then(|| instruction.near_branch_target())
}

/// Whether the next instruction may be executed afterwards. A call of a place within the function often skips data.
fn goes_on(instruction: &Instruction, calls_inside: bool) -> bool {
    match instruction.flow_control() {
        FlowControl::UnconditionalBranch
        | FlowControl::IndirectBranch
        | FlowControl::Return
        | FlowControl::Exception => false,
        FlowControl::Call => !calls_inside,
        _ => !matches!(instruction.mnemonic(), Mnemonic::Hlt | Mnemonic::Int3),
    }
}

fn is_padding(instruction: &Instruction) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Nop | Mnemonic::Int3 | Mnemonic::Ud2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 0x1000;

    fn offsets(bytes: &[u8]) -> Option<Vec<u64>> {
        let flow = Flow::of(Class::Wide, bytes, START);
        flow.all().ok().map(|all| all.into_iter().map(|address| address - START).collect())
    }

    fn starts(bytes: &[u8]) -> Vec<Option<bool>> {
        let flow = Flow::of(Class::Wide, bytes, START);
        (0..bytes.len() as u64).map(|offset| flow.starts_at(START + offset).ok()).collect()
    }

    /// `nop; jmp 1f; movabs's first bytes as data; 1: six nops; mov $7, %eax; ret`.
    const OUT_OF_STEP: [u8; 17] =
        [0x90, 0xeb, 2, 0x48, 0xb8, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xb8, 7, 0, 0, 0, 0xc3];

    #[test]
    fn whole_functions() {
        assert_eq!(offsets(&[0x90, 0x74, 1, 0xc3, 0x90, 0xc3]), Some(vec![0, 1, 3, 4, 5]));
        // A loop, padding behind a jump, and a call that never returns.
        assert_eq!(offsets(&[0xeb, 2, 0x66, 0x90, 0x90, 0xe8, 0, 1, 0, 0]), Some(vec![0, 4, 5]));
        assert_eq!(offsets(&[0xff, 0xe0]), Some(vec![0]));
        assert_eq!(offsets(&[]), Some(vec![]));
    }

    /// `jne cold; ret; 1: push %rax; ret`, and, elsewhere, `cold: jmp 1b`.
    #[test]
    fn a_jump_back_from_a_part_that_lies_elsewhere() {
        let code = [0x0f, 0x85, 0xfa, 0x0f, 0, 0, 0xc3, 0x50, 0xc3];
        let all =
            |cold: &[u8]| Flow::with_parts(Class::Wide, &code, START, &[(START + 0x1000, cold.to_vec())]).all().ok();
        assert_eq!(all(&[0xe9, 2, 0xf0, 0xff, 0xff]), Some([0, 6, 7, 8].map(|offset| START + offset).to_vec()));
        for (cold, what) in [
            ([0xe9, 3, 0xf0, 0xff, 0xff], "leads elsewhere"),
            ([0xe9, 1, 0xf0, 0xff, 0xff], "leads to what was reached"),
            ([0xff, 0xe0, 0, 0, 0], "by a table"),
            ([0x06, 0, 0, 0, 0], "no instruction"),
            ([0xe9, 0xfd, 0xef, 0xff, 0xff], "into the middle of an instruction"),
        ] {
            assert_eq!(all(&cold), None, "{what}");
        }
        assert_eq!(offsets(&code), None);
    }

    #[test]
    fn functions_with_anything_else() {
        for (bytes, what) in [
            (OUT_OF_STEP.as_slice(), "data that begins a long instruction"),
            (&[0x90, 0xeb, 2, 6, 6, 0x90, 0xc3], "data that is no instruction"),
            (&[0x90, 0xeb, 2, 0x89, 0xc8, 0x90, 0xc3], "data that is an instruction"),
            (&[0xff, 0xe0, 0x89, 0xc8, 0xc3], "behind a jump through a table"),
            (&[0xe8, 2, 0, 0, 0, 0x89, 0xc8, 0x58, 0xc3], "a call that skips data"),
            (&[0x74, 1, 0xf0, 0x0f, 0xb1, 0x0f, 0xc3], "a jump behind a prefix"),
            (&[0x90, 0x06, 0xc3], "no instruction"),
            (&[0x90, 0xb8, 1], "cut off"),
            (&[0x90, 0xc3, 0x48], "cut off behind the end"),
        ] {
            assert_eq!(offsets(bytes), None, "{what}");
        }
    }

    #[test]
    fn single_places() {
        let certain = [0, 1, 5, 6, 7, 8, 9, 10, 11, 16];
        for (offset, start) in starts(&OUT_OF_STEP).into_iter().enumerate() {
            let wanted = if (3..5).contains(&offset) { None } else { Some(certain.contains(&offset)) };
            assert_eq!(start, wanted, "{offset}");
        }
        // What a table leads to.
        assert_eq!(
            starts(&[0xff, 0xe0, 0x89, 0xc8, 0xc3]),
            [Some(true), Some(false), Some(true), Some(false), Some(true)]
        );
        // Two ways to read the same bytes: a breakpoint on the inner one would break the outer.
        assert_eq!(starts(&[0x74, 1, 0xf0, 0x0f, 0xb1, 0x0f, 0xc3])[2..4], [Some(true), Some(false)]);
    }
}
