//! Writing `.BTF.ext` (Documentation/bpf/btf.rst).

use super::{Code, Draft, INSN};

const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;
const HEADER: u32 = 32;

/// The section's bytes; names of sections become texts of the type information.
pub fn section(draft: &mut Draft, codes: &[Code]) -> Vec<u8> {
    let names: Vec<u32> = codes.iter().map(|code| draft.types.text(&code.name)).collect();
    let functions = part(codes, &names, |(index, start)| vec![[start * INSN, draft.functions[index].ty]]);
    let lines = part(codes, &names, |(index, start)| {
        let place = |line: &[u32; 4]| [(start + line[0]) * INSN, line[1], line[2], line[3]];
        draft.functions[index].lines.iter().map(place).collect()
    });
    let adjusted = part(codes, &names, |(index, start)| {
        let record = |it: &super::Adjusted| [(start + it.at) * INSN, it.ty, it.access, it.kind];
        draft.functions[index].adjusted.iter().map(record).collect()
    });
    let mut out = MAGIC.to_le_bytes().to_vec();
    out.extend([VERSION, 0]);
    out.extend(HEADER.to_le_bytes());
    let mut offset = 0;
    for part in [&functions, &lines, &adjusted] {
        let len = part.len() as u32;
        out.extend([offset, len].into_iter().flat_map(u32::to_le_bytes));
        offset += len;
    }
    out.extend([functions, lines, adjusted].concat());
    out
}

/// The size of its records, then for each section that has any its name, how many there are, and they. Nothing without records.
fn part<const WORDS: usize>(
    codes: &[Code],
    names: &[u32],
    records: impl Fn((usize, u32)) -> Vec<[u32; WORDS]>,
) -> Vec<u8> {
    let mut words = vec![WORDS as u32 * 4];
    for (code, name) in codes.iter().zip(names) {
        let found: Vec<[u32; WORDS]> = code.functions.iter().flat_map(|function| records(*function)).collect();
        if !found.is_empty() {
            words.extend([*name, found.len() as u32]);
            words.extend(found.into_iter().flatten());
        }
    }
    let words = if words.len() > 1 { words } else { Vec::new() };
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}
