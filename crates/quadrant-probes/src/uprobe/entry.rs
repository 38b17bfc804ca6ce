//! Entries of functions that the kernel must execute in single step, and the place behind them where it need not.
//!
//! A probe replaces an instruction, which the kernel then executes elsewhere, in single step, unless it can do itself what the
//! instruction does. That makes a hit twenty to a hundred times as expensive. `endbr64`, with which functions of many distributions
//! start, is such an instruction, and a `push`, which mostly follows, is not. Between the two nothing happens that a probe could see.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register};
use quadrant_program::probe::Inode;

use crate::elf::{Class, Elf, Symbol};
use crate::target::TargetFile;

/// Longest code of a file that is searched for jumps.
const MAX_CODE: u64 = 32 << 20;
/// Instructions at a function's start that are looked at.
const MAX_SKIPPED: usize = 4;

/// For each of these offsets of functions in a file the one where a probe means the same and costs less; those that have none are left
/// out. Nothing moves in a file that cannot be read, is another one by now, or whose code is too long to be searched.
pub fn cheaper_entries(path: &Path, inode: Inode, offsets: &[u64]) -> BTreeMap<u64, u64> {
    let open = || Elf::parse(TargetFile::open(path).ok()?).ok();
    if !cfg!(target_arch = "x86_64") {
        return BTreeMap::new();
    }
    let Some(elf) = open().filter(|elf| elf.file().inode() == inode && !elf.is_go()) else { return BTreeMap::new() };
    let addresses = offsets.iter().filter_map(|offset| elf.code_address_of(*offset)).collect();
    let Some(known) = Known::of(&elf, &addresses) else { return BTreeMap::new() };
    let found = offsets.iter().filter_map(|offset| Some((*offset, skipped(&elf, &known, *offset)?)));
    let offsets: BTreeMap<u64, u64> = found.collect();
    let address = |(offset, skipped): (&u64, &u64)| Some((elf.code_address_of(*offset)?, *skipped));
    let moved = without_targets(&elf, offsets.iter().filter_map(address).collect()).unwrap_or_default();
    let to = |(from, to): (u64, u64)| Some((elf.code_offset_of(from)?, elf.code_offset_of(to)?));
    moved.into_iter().filter_map(to).collect()
}

/// For each of these addresses of functions that start with a nop the one behind it, where a probe there means the same; those where it
/// does not are left out.
pub(super) fn behind_nops(elf: &Elf, addresses: &HashSet<u64>) -> BTreeMap<u64, u64> {
    if addresses.is_empty() {
        return BTreeMap::new();
    }
    let Some(known) = Known::of(elf, addresses) else { return BTreeMap::new() };
    let length = |address: u64| {
        let function = known.functions.get(&address).filter(|function| function.size > 0)?;
        let instructions = elf.instructions(function).ok()?;
        let [nop, to, ..] = instructions.as_slice() else { return None };
        let ends_well = instructions.iter().all(|instruction| !instruction.is_invalid());
        let moves = ends_well && !may_come_by_table(elf, &known, function, &instructions, to);
        moves.then_some(nop.len() as u64)
    };
    let candidates = addresses.iter().filter_map(|address| Some((*address, length(*address)?)));
    without_targets(elf, candidates.collect()).unwrap_or_default()
}

/// What a file's symbols say of the functions asked for, found in one pass: there can be thousands of them.
struct Known<'a> {
    /// The best symbol at an address.
    functions: HashMap<u64, Symbol<'a>>,
    /// Parts that lie elsewhere, by the name of the function.
    parts: HashMap<&'a str, Vec<Symbol<'a>>>,
}

impl<'a> Known<'a> {
    fn of(elf: &'a Elf, addresses: &HashSet<u64>) -> Option<Known<'a>> {
        let mut known = Known { functions: HashMap::new(), parts: HashMap::new() };
        for symbol in elf.symbols().ok()?.functions() {
            if let Some(function) = symbol.cold_part_of() {
                known.parts.entry(function).or_default().push(symbol);
            }
            if addresses.contains(&symbol.address) {
                let best = known.functions.entry(symbol.address).or_insert(symbol);
                if symbol.rank() < best.rank() {
                    *best = symbol;
                }
            }
        }
        Some(known)
    }

    fn parts_of(&self, function: &Symbol<'_>) -> &[Symbol<'a>] {
        self.parts.get(function.name).map_or(&[], Vec::as_slice)
    }
}

/// How many bytes a probe on a function at this offset may move on, if no jump leads there.
fn skipped(elf: &Elf, known: &Known<'_>, offset: u64) -> Option<u64> {
    let address = elf.code_address_of(offset)?;
    let function = known.functions.get(&address).filter(|function| function.size > 0)?;
    let bytes = elf.function_bytes(function).ok()?;
    // Most functions start with a `push`, and need not be decoded.
    if is_emulated(elf.class(), &bytes) {
        return None;
    }
    let instructions = elf.instructions(function).ok()?;
    let emulated =
        |instruction: &Instruction| is_emulated(elf.class(), &bytes[(instruction.ip() - address) as usize..]);
    let at = instructions.iter().take(MAX_SKIPPED + 1).position(emulated)?;
    let ends_well = instructions.iter().all(|instruction| !instruction.is_invalid());
    let moves = at > 0 && ends_well && instructions[..at].iter().all(|one| leaves_all(elf.class(), one));
    let to = instructions[at];
    (moves && !may_come_by_table(elf, known, function, &instructions, &to)).then(|| to.ip() - address)
}

/// Whether a jump to a computed place could lead to an instruction of the function. Where parts of a function that lie elsewhere have
/// no names, such a jump would not be seen: then only a `push` is certain, since no loop begins before what the function saves.
fn may_come_by_table(
    elf: &Elf,
    known: &Known<'_>,
    function: &Symbol<'_>,
    instructions: &[Instruction],
    to: &Instruction,
) -> bool {
    if elf.section(".symtab").is_none() {
        return to.mnemonic() != Mnemonic::Push || instructions.iter().any(is_computed);
    }
    let computes = |symbol: &Symbol<'_>| {
        // What cannot be read, or not to its end, may do anything.
        let jumps = |code: Vec<Instruction>| code.iter().any(|one| is_computed(one) || one.is_invalid());
        elf.instructions(symbol).map_or(true, jumps)
    };
    instructions.iter().any(is_computed) || known.parts_of(function).iter().any(computes)
}

/// Whether the kernel does what the instruction does, without a step: `push` of a register, `nop`, `call`, `jmp` and conditional
/// jumps, all without prefixes (arch/x86/kernel/uprobes.c).
fn is_emulated(class: Class, code: &[u8]) -> bool {
    match code {
        [0x50..=0x57 | 0x90 | 0xe8 | 0xe9 | 0xeb | 0x70..=0x7f, ..] | [0x0f, 0x80..=0x8f, ..] => true,
        [0x41, 0x50..=0x57, ..] => class == Class::Wide,
        _ => false,
    }
}

/// A jump to a computed place, which may be any.
fn is_computed(instruction: &Instruction) -> bool {
    instruction.flow_control() == FlowControl::IndirectBranch
}

/// Whether a probe behind the instruction sees what it would have seen before it: no memory is touched, it cannot fail, and nothing
/// is written but flags and the registers that have no arguments. In programs of 32 bits all may have some: compilers hand over those of
/// a function that only they call in registers.
fn leaves_all(class: Class, instruction: &Instruction) -> bool {
    if matches!(instruction.mnemonic(), Mnemonic::Endbr64 | Mnemonic::Endbr32 | Mnemonic::Nop) {
        return true;
    }
    if class == Class::Narrow {
        return false;
    }
    let plain = matches!(
        instruction.mnemonic(),
        Mnemonic::Mov
            | Mnemonic::Movzx
            | Mnemonic::Movsx
            | Mnemonic::Movsxd
            | Mnemonic::Lea
            | Mnemonic::Xor
            | Mnemonic::Test
            | Mnemonic::Cmp
    );
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(instruction);
    let spared = |register: Register| matches!(register.full_register(), Register::RAX | Register::R11);
    let written =
        info.used_registers().iter().filter(|used| !matches!(used.access(), OpAccess::Read | OpAccess::CondRead));
    plain && info.used_memory().is_empty() && written.clone().all(|used| spared(used.register()))
}

/// Of addresses, and how far a probe may move from each, those behind which no jump or call of the file leads: each way to the new place
/// comes by the old one.
fn without_targets(elf: &Elf, mut candidates: BTreeMap<u64, u64>) -> Option<BTreeMap<u64, u64>> {
    let mut behind: BTreeMap<u64, u64> = BTreeMap::new();
    for (address, skipped) in &candidates {
        behind.extend((1..=*skipped).map(|into| (address.wrapping_add(into), *address)));
    }
    let marks = Marks::of(&behind)?;
    for (address, code) in elf.code(MAX_CODE)? {
        let reached = targets(address, &code).filter(|target| marks.has(*target));
        for origin in reached.filter_map(|target| behind.get(&target)) {
            candidates.remove(origin);
        }
    }
    Some(candidates.into_iter().map(|(address, skipped)| (address, address + skipped)).collect())
}

/// Addresses as bits: there are millions of questions.
struct Marks {
    first: u64,
    words: Vec<u64>,
}

impl Marks {
    /// `None` if they are too far from each other.
    fn of(addresses: &BTreeMap<u64, u64>) -> Option<Marks> {
        let (first, last) = (*addresses.keys().next()?, *addresses.keys().next_back()?);
        let span = last.checked_sub(first).filter(|span| *span <= 2 * MAX_CODE)?;
        let mut words = vec![0; (span / 64) as usize + 1];
        for address in addresses.keys() {
            let bit = address - first;
            words[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Some(Marks { first, words })
    }

    fn has(&self, address: u64) -> bool {
        let bit = address.wrapping_sub(self.first);
        self.words.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}

/// Everything that could be the target of a direct jump or call in the code, whatever is an instruction there and what is not.
fn targets(address: u64, code: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let near = code.windows(4).enumerate().map(move |(at, bytes)| {
        let distance = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        address.wrapping_add(at as u64 + 4).wrapping_add_signed(distance.into())
    });
    let short = code.windows(2).enumerate().filter(|(_, bytes)| matches!(bytes[0], 0x70..=0x7f | 0xe0..=0xe3 | 0xeb));
    near.chain(
        short.map(move |(at, bytes)| address.wrapping_add(at as u64 + 2).wrapping_add_signed((bytes[1] as i8).into())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_testing::Folder;

    /// Functions in assembly, each with what the kernel need not step at the given distance, or 0.
    #[cfg(target_arch = "x86_64")]
    const FUNCTIONS: [(&str, &str, u64); 12] = [
        ("marked", "endbr64; push %rbp; pop %rbp; ret", 4),
        ("copied", "mov %rdi, %rax; push %rbx; pop %rbx; ret", 3),
        ("both", "endbr64; xor %eax, %eax; test %rdi, %rdi; je 1f; 1: ret", 9),
        ("pushes", "push %rbp; pop %rbp; ret", 0),
        ("no_gain", "endbr64; sub $8, %rsp; add $8, %rsp; ret", 0),
        ("writes", "mov $1, %edi; push %rbp; pop %rbp; ret", 0),
        ("reads", "mov (%rdi), %rax; push %rbp; pop %rbp; ret", 0),
        ("changes_stack", "sub $8, %rsp; push %rbp; pop %rbp; add $8, %rsp; ret", 0),
        ("loops", "endbr64; 1: push %rbp; pop %rbp; dec %edi; jg 1b; ret", 0),
        ("entered", "endbr64; push %rbp; pop %rbp; ret", 0),
        ("enters", "nop; jmp entered + 4", 0),
        ("computed", "endbr64; push %rbp; pop %rbp; lea computed(%rip), %rax; jmp *%rax", 0),
    ];

    #[cfg(target_arch = "x86_64")]
    fn source() -> String {
        let one = |(name, code, _): (&str, &str, u64)| {
            format!(
                "__asm__(\".globl {name}\\n.type {name}, @function\\n.balign 64\\n{name}: {code}\\n.size {name}, . - {name}\\n\");\n"
            )
        };
        FUNCTIONS.map(one).concat() + "int main(void) { return 0; }"
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn probes_move_only_where_that_means_the_same() {
        let folder = Folder::new("entries");
        let Some(program) = folder.compile("entries", &source(), &["-O1", "-w"]) else { return };
        let elf = Elf::parse(TargetFile::open(&program).unwrap()).unwrap();
        let offset = |name: &str| {
            let symbol = elf.symbols().unwrap().named(name).next().unwrap();
            elf.code_offset_of(symbol.address).unwrap()
        };
        let offsets: Vec<u64> = FUNCTIONS.map(|(name, ..)| offset(name)).to_vec();
        let cheaper = cheaper_entries(&program, elf.file().inode(), &offsets);
        for ((name, _, distance), at) in FUNCTIONS.iter().zip(&offsets) {
            let wanted = Some(at + distance).filter(|_| *distance > 0);
            assert_eq!(cheaper.get(at), wanted.as_ref(), "{name}");
        }
        // In the middle of a function the place is what was asked for.
        assert_eq!(cheaper_entries(&program, elf.file().inode(), &[offset("no_gain") + 4]), BTreeMap::new());
        // Another file by now.
        assert_eq!(cheaper_entries(&program, Inode::default(), &offsets), BTreeMap::new());
    }

    /// Any register may have an argument there, and `41` before a `push` is an instruction of its own.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn in_programs_of_32_bits_probes_move_behind_marks_only() {
        let functions = [
            ("marked", "endbr32; push %ebp; pop %ebp; ret", 4),
            ("copied", "mov %ecx, %eax; push %ebx; pop %ebx; ret", 0),
            ("counts", "inc %ecx; push %ebx; pop %ebx; ret", 0),
        ];
        let one = |(name, code, _): &(&str, &str, u64)| {
            format!(
                "__asm__(\".globl {name}\\n.type {name}, @function\\n{name}: {code}\\n.size {name}, . - {name}\\n\");\n"
            )
        };
        let folder = Folder::new("narrow-entries");
        let flags = ["-m32", "-nostdlib", "-static", "-no-pie", "-ffreestanding", "-w", "-Wl,-e,marked"];
        let source: String = functions.iter().map(one).collect();
        let Some(program) = folder.compile("entries", &source, &flags) else { return };
        let elf = Elf::parse(TargetFile::open(&program).unwrap()).unwrap();
        let address = |name: &str| elf.symbols().unwrap().named(name).next().unwrap().address;
        let offsets = functions.map(|(name, ..)| elf.code_offset_of(address(name)).unwrap());
        let cheaper = cheaper_entries(&program, elf.file().inode(), &offsets);
        for ((name, _, distance), at) in functions.iter().zip(offsets) {
            assert_eq!(cheaper.get(&at).copied(), Some(at + distance).filter(|_| *distance > 0), "{name}");
        }
    }

    #[test]
    fn what_is_no_program_has_no_entries() {
        let folder = Folder::new("entries-hostile");
        let file = folder.write("text", b"\x7fELF and nothing more");
        let inode = TargetFile::open(&file).unwrap().inode();
        assert_eq!(cheaper_entries(&file, inode, &[0, 4, u64::MAX]), BTreeMap::new());
    }
}
