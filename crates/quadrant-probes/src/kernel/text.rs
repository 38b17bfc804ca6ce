//! The kernel's code as it is in memory now, by `/proc/kcore`, to see where its instructions start.

use std::fs::File;
use std::os::unix::fs::FileExt;

use iced_x86::{Decoder, DecoderOptions};

const PATH: &str = "/proc/kcore";

/// An ELF64 header, and one program header.
const HEADER: usize = 64;
const SEGMENT: usize = 56;
const LOADED: u32 = 1;

/// Longest part of a function that is decoded, and the longest instruction.
const MOST: u64 = 1 << 20;
const INSTRUCTION: u64 = 15;

/// Whether an instruction starts `offset` bytes after the start of a function; `None` if the code cannot be read, or has a
/// breakpoint in it, behind which the bytes may be part of a longer instruction.
pub(crate) fn is_boundary(function: u64, offset: u64) -> Option<bool> {
    if !cfg!(target_arch = "x86_64") {
        return Some(offset.is_multiple_of(4));
    }
    let code = read(function, offset.checked_add(INSTRUCTION).filter(|len| *len <= MOST)?)?;
    starts(&code, function, function.checked_add(offset)?)
}

fn starts(code: &[u8], function: u64, wanted: u64) -> Option<bool> {
    for instruction in Decoder::with_ip(64, code, function, DecoderOptions::NONE) {
        if instruction.ip() >= wanted {
            return Some(instruction.ip() == wanted && !instruction.is_invalid());
        }
        let breakpoint = instruction.mnemonic() == iced_x86::Mnemonic::Int3;
        if instruction.is_invalid() || breakpoint {
            return None;
        }
    }
    None
}

/// Bytes of the kernel's memory.
fn read(address: u64, len: u64) -> Option<Vec<u8>> {
    let file = File::open(PATH).ok()?;
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0).ok()?;
    let table = u64_at(&header, 32)?;
    let count = u16::from_le_bytes(header.get(56..58)?.try_into().ok()?);
    let place = (0..u64::from(count)).find_map(|index| {
        let mut segment = [0; SEGMENT];
        file.read_exact_at(&mut segment, table.checked_add(index * SEGMENT as u64)?).ok()?;
        place(&segment, address, len)
    })?;
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    file.read_exact_at(&mut bytes, place).ok()?;
    Some(bytes)
}

/// Where in the file an address is, if it is in that segment.
fn place(segment: &[u8], address: u64, len: u64) -> Option<u64> {
    let kind = u32::from_le_bytes(segment.get(..4)?.try_into().ok()?);
    let (offset, start, size) = (u64_at(segment, 8)?, u64_at(segment, 16)?, u64_at(segment, 32)?);
    let within = address.checked_sub(start)?;
    let fits = within.checked_add(len)? <= size;
    (kind == LOADED && fits).then(|| offset.checked_add(within))?
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// endbr64; push rbp; mov rbp, rsp; ret.
    const CODE: [u8; 9] = [0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xc3];

    #[test]
    fn instructions_start_where_decoding_says() {
        let starts_at: Vec<u64> = (0..9).filter(|at| starts(&CODE, 0x1000, 0x1000 + at) == Some(true)).collect();
        assert_eq!(starts_at, [0, 4, 5, 8]);
        assert_eq!(starts(&CODE, 0x1000, 0x1010), None);
        assert_eq!(starts(&[0xcc, 0x55, 0x55], 0, 2), None);
    }

    #[test]
    fn addresses_are_found_in_their_segment() {
        let mut segment = [0; SEGMENT];
        segment[0] = 1;
        segment[8..16].copy_from_slice(&0x4000_u64.to_le_bytes());
        segment[16..24].copy_from_slice(&0x10_0000_u64.to_le_bytes());
        segment[32..40].copy_from_slice(&0x1000_u64.to_le_bytes());
        assert_eq!(place(&segment, 0x10_0010, 16), Some(0x4010));
        assert_eq!(place(&segment, 0x10_0ff8, 16), None);
        assert_eq!(place(&segment, 0x0f_ffff, 16), None);
        assert_eq!(place(&segment, u64::MAX, 16), None);
        assert_eq!(place(&segment[..20], 0x10_0010, 16), None);
    }
}
