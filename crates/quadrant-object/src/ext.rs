//! `.BTF.ext`: which instruction is which function and line, and what must be relocated by types
//! (Documentation/bpf/btf.rst, "The .BTF.ext section").

use std::collections::HashMap;

use quadrant_types::Btf;

use crate::error::{Error, Result};

const MAGIC: u16 = 0xeb9f;

/// Function, line and CO-RE records of each section by its name.
#[derive(Debug, Default)]
pub(crate) struct Ext {
    pub functions: HashMap<String, Vec<FunctionRecord>>,
    pub lines: HashMap<String, Vec<LineInfo>>,
    pub relocations: HashMap<String, Vec<CoreRecord>>,
}

/// Where a function starts, and the FUNC that it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FunctionRecord {
    /// In instructions from the start of the section.
    pub at: usize,
    pub ty: u32,
}

/// Where an instruction comes from (`struct bpf_line_info`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineInfo {
    /// The instruction, counted from the start of the section or program.
    pub at: usize,
    /// Offset of the file's name in the strings of the type information.
    pub file: u32,
    /// Offset of the line's text there.
    pub text: u32,
    /// Line << 10 | column.
    pub line_column: u32,
}

impl LineInfo {
    /// The line, counted from 1.
    pub fn line(&self) -> u32 {
        self.line_column >> 10
    }
}

/// A CO-RE relocation (`struct bpf_core_relo`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoreRecord {
    /// In instructions from the start of the section.
    pub at: usize,
    pub ty: u32,
    /// Offset of the access string.
    pub access: u32,
    pub kind: u32,
}

impl Ext {
    pub fn parse(data: &[u8], btf: &Btf) -> Result<Ext> {
        let magic = word(data, 0).unwrap_or(0) as u16;
        let header = word(data, 4).unwrap_or(0) as usize;
        if magic != MAGIC || header < 24 {
            return Err(Error::malformed(".BTF.ext has no header that is known"));
        }
        let part = |at: usize| {
            let (offset, len) = (word(data, at)? as usize, word(data, at + 4)? as usize);
            let start = header.checked_add(offset)?;
            data.get(start..start.checked_add(len)?)
        };
        let functions = part(8).ok_or_else(cut)?;
        let lines = part(16).ok_or_else(cut)?;
        let relocations = if header >= 32 { part(24).ok_or_else(cut)? } else { &[] };
        Ok(Ext {
            functions: records(functions, btf, 8, |record| {
                Some(FunctionRecord { at: instruction(record)?, ty: word(record, 4)? })
            })?,
            lines: records(lines, btf, 16, |record| {
                let (file, text) = (word(record, 4)?, word(record, 8)?);
                Some(LineInfo { at: instruction(record)?, file, text, line_column: word(record, 12)? })
            })?,
            relocations: records(relocations, btf, 16, |record| {
                let (ty, access) = (word(record, 4)?, word(record, 8)?);
                Some(CoreRecord { at: instruction(record)?, ty, access, kind: word(record, 12)? })
            })?,
        })
    }
}

/// A part: the size of its records, then for each section its name, how many there are, and they.
fn records<T>(
    part: &[u8],
    btf: &Btf,
    least: usize,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<HashMap<String, Vec<T>>> {
    let mut found: HashMap<String, Vec<T>> = HashMap::new();
    if part.is_empty() {
        return Ok(found);
    }
    let size = word(part, 0).ok_or_else(cut)? as usize;
    if size < least {
        return Err(Error::malformed(format!(".BTF.ext has records of {size} bytes")));
    }
    let mut rest = &part[4..];
    while !rest.is_empty() {
        let (name, count) = (word(rest, 0).ok_or_else(cut)?, word(rest, 4).ok_or_else(cut)? as usize);
        let end = count.checked_mul(size).and_then(|len| len.checked_add(8)).ok_or_else(cut)?;
        let body = rest.get(8..end).ok_or_else(cut)?;
        let section = found.entry(btf.string(name).to_owned()).or_default();
        section.extend(body.chunks_exact(size).filter_map(&read));
        rest = &rest[end..];
    }
    Ok(found)
}

/// Offsets are in bytes, and instructions have eight.
fn instruction(record: &[u8]) -> Option<usize> {
    let offset = word(record, 0)?;
    offset.is_multiple_of(8).then_some(offset as usize / 8)
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk::<4>()?))
}

fn cut() -> Error {
    Error::malformed(".BTF.ext is cut short")
}
