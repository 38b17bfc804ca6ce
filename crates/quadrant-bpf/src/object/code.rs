//! What a loaded program has become: the verifier's instructions, and machine code.

use std::os::fd::BorrowedFd;

use super::describe;
use crate::attr;
use crate::error::Result;
use crate::insn::Insn;
use crate::sys;

/// A loaded program from the inside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProgramCode {
    /// The instructions after the verifier's changes; none if the kernel does not show them.
    pub xlated: Vec<Insn>,
    /// The machine code of all functions, one behind the other; none if there is none (no JIT), or it is not shown
    /// (net.core.bpf_jit_harden, kernel.kptr_restrict).
    pub jited: Vec<u8>,
    /// The functions in the machine code, the program's entry first.
    pub functions: Vec<JitedFunction>,
    /// Where instructions come from, if the program was loaded with that.
    pub lines: Vec<CodeLine>,
    /// The BTF object with the texts of the lines; 0 if there is none.
    pub btf_id: u32,
    /// Instructions that the verifier went through, each as often as it did (Linux 5.16; 0 before).
    pub verified: u32,
}

/// A function in the machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JitedFunction {
    /// Its address; 0 if it is hidden.
    pub address: u64,
    /// Bytes of code.
    pub len: u32,
}

/// A place in the source, in the order of the code: `struct bpf_line_info` and the machine code's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeLine {
    /// Index of the first of [`ProgramCode::xlated`] that is from here.
    pub insn: u32,
    /// Address of its machine code; 0 if hidden.
    pub address: u64,
    /// Offset of the file's name in the strings of the BTF object.
    pub file: u32,
    /// Offset of the line's text.
    pub text: u32,
    /// The line's number, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// No program is larger; guards against a kernel that says nonsense.
const MOST_BYTES: u32 = 64 << 20;
/// Functions and lines of a program at most.
const MOST_PARTS: u32 = 1 << 20;

impl ProgramCode {
    /// The code of an open program.
    pub fn of(fd: BorrowedFd<'_>) -> Result<ProgramCode> {
        let mut sizes = attr::ProgInfo::default();
        describe(fd, &mut sizes, "program")?;
        let mut xlated = vec![0u8; sizes.xlated_prog_len.min(MOST_BYTES) as usize];
        let mut jited = vec![0u8; sizes.jited_prog_len.min(MOST_BYTES) as usize];
        let part = |count: u32| count.min(MOST_PARTS) as usize;
        let mut addresses = vec![0u64; part(sizes.nr_jited_ksyms)];
        let mut lengths = vec![0u32; part(sizes.nr_jited_func_lens)];
        let mut lines = vec![[0u32; 4]; part(sizes.nr_line_info)];
        let mut places = vec![0u64; part(sizes.nr_jited_line_info)];
        let mut info = attr::ProgInfo {
            xlated_prog_len: xlated.len() as u32,
            xlated_prog_insns: sys::address_mut(&mut xlated),
            jited_prog_len: jited.len() as u32,
            jited_prog_insns: sys::address_mut(&mut jited),
            nr_jited_ksyms: addresses.len() as u32,
            jited_ksyms: sys::address_mut(&mut addresses),
            nr_jited_func_lens: lengths.len() as u32,
            jited_func_lens: sys::address_mut(&mut lengths),
            nr_line_info: lines.len() as u32,
            line_info: sys::address_mut(&mut lines),
            line_info_rec_size: size_of::<[u32; 4]>() as u32,
            nr_jited_line_info: places.len() as u32,
            jited_line_info: sys::address_mut(&mut places),
            jited_line_info_rec_size: size_of::<u64>() as u32,
            ..Default::default()
        };
        describe(fd, &mut info, "program")?;
        let functions = addresses.into_iter().zip(lengths).map(|(address, len)| JitedFunction { address, len });
        let places = places.into_iter().chain(std::iter::repeat(0));
        Ok(ProgramCode {
            xlated: shown(info.xlated_prog_insns, xlated).chunks_exact(8).filter_map(instruction).collect(),
            jited: shown(info.jited_prog_insns, jited),
            functions: functions.collect(),
            lines: lines.into_iter().zip(places).map(line).collect(),
            btf_id: info.btf_id,
            verified: info.verified_insns,
        })
    }
}

/// The kernel takes the pointer out of the request when it shows nothing.
fn shown(pointer: u64, bytes: Vec<u8>) -> Vec<u8> {
    if pointer == 0 { Vec::new() } else { bytes }
}

fn instruction(bytes: &[u8]) -> Option<Insn> {
    Some(Insn::from_bytes(bytes.try_into().ok()?))
}

fn line(([insn, file, text, place], address): ([u32; 4], u64)) -> CodeLine {
    CodeLine { insn, address, file, text, line: place >> 10, column: place & 0x3ff }
}
