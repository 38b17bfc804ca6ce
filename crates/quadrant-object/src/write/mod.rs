//! Making objects that libbpf, bpftool and [`crate::Object`] load.
//!
//! A [`Draft`] is what shall be in the file: programs and the functions that they pass to helpers, maps and variables by their types,
//! and for each instruction that depends on the kernel's types a record. Everything has its type in [`Draft::types`] already.

mod elf;
mod ext;

use object::SectionKind;
use object::write::{SectionId, SymbolId};
use quadrant_bpf::btf::Btf;
use quadrant_bpf::insn::Insn;

use crate::error::Result;
use elf::File;

/// What shall be in an object.
#[derive(Debug, Default)]
pub struct Draft {
    /// All types. The sections `.maps` and `.data` are described here, too.
    pub types: Btf,
    /// Programs first, then (without a section) the functions that they refer to.
    pub functions: Vec<Function>,
    /// Definitions of maps, all in one section.
    pub maps: Vec<Variable>,
    /// Variables, all in one section.
    pub variables: Vec<Variable>,
    /// What is in the section of variables.
    pub data: Vec<u8>,
}

/// A program, or a function that programs refer to.
#[derive(Debug, Default)]
pub struct Function {
    /// The section that says where it is attached; `None` for a function that is no program.
    pub section: Option<String>,
    /// Its name, which no other function has.
    pub name: String,
    /// Its FUNC.
    pub ty: u32,
    /// Its instructions.
    pub insns: Vec<Insn>,
    /// What instructions refer to.
    pub references: Vec<(u32, Target)>,
    /// Where instructions come from: `struct bpf_line_info`, counted in instructions of the function.
    pub lines: Vec<[u32; 4]>,
    /// Instructions that depend on the kernel's types, counted in instructions of the function.
    pub adjusted: Vec<Adjusted>,
}

/// What an instruction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A map, by its index in [`Draft::maps`].
    Map(usize),
    /// The section of variables; the instruction has the offset in it.
    Data,
    /// A function, by its index in [`Draft::functions`].
    Function(usize),
}

/// A variable, or the definition of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name, which no other has.
    pub name: String,
    /// Bytes from the start of the section.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
}

/// An instruction that depends on the kernel's types: `struct bpf_core_relo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The instruction.
    pub at: u32,
    /// The type.
    pub ty: u32,
    /// Place in the type information's strings of the way to the member: `0:1:2`.
    pub access: u32,
    /// `enum bpf_core_relo_kind`.
    pub kind: u32,
}

/// Functions that are no programs.
const TEXT: &str = ".text";
/// Definitions of maps.
const MAPS: &str = ".maps";
/// Variables.
const DATA: &str = ".data";
/// The kernel lets programs under it call every helper.
const LICENSE: &[u8] = b"GPL\0";
/// Relocation of a 64-bit immediate, and of a call.
const WIDE: u32 = 1;
const CALL: u32 = 10;

/// Functions of one section, one behind the other.
struct Code {
    name: String,
    /// Index of each in the draft, and where it starts, in instructions.
    functions: Vec<(usize, u32)>,
}

/// The file's bytes.
///
/// # Errors
/// What the draft holds does not fit into a file.
pub fn write(mut draft: Draft) -> Result<Vec<u8>> {
    let codes = codes(&draft.functions);
    let ext = ext::section(&mut draft, &codes);
    let mut file = File::new();
    let sections: Vec<SectionId> =
        codes.iter().map(|code| file.code(&code.name, bytes(&draft, code, &codes))).collect();
    let text = codes.iter().position(|code| code.name == TEXT).map(|at| file.start(sections[at]));
    file.section("license", SectionKind::Data, LICENSE.to_vec());
    let maps = maps(&mut file, &draft.maps);
    let data = (!draft.data.is_empty()).then(|| variables(&mut file, &mut draft));
    file.section(".BTF", SectionKind::Metadata, draft.types.to_bytes());
    file.section(".BTF.ext", SectionKind::Metadata, ext);
    let symbols = Symbols { maps, data, text };
    for (code, section) in codes.iter().zip(sections) {
        functions(&mut file, &draft, (code, section), &symbols)?;
    }
    file.into_bytes()
}

/// What instructions can refer to.
struct Symbols {
    maps: Vec<SymbolId>,
    /// The section of variables.
    data: Option<SymbolId>,
    /// The section of functions that are no programs.
    text: Option<SymbolId>,
}

impl Symbols {
    fn of(&self, target: Target) -> Option<SymbolId> {
        match target {
            Target::Map(map) => self.maps.get(map).copied(),
            Target::Data => self.data,
            Target::Function(_) => self.text,
        }
    }
}

/// The definitions of maps are in their types; what is in the section does not matter.
fn maps(file: &mut File, maps: &[Variable]) -> Vec<SymbolId> {
    let Some(end) = maps.iter().map(|map| map.offset + map.size).max() else { return Vec::new() };
    let section = file.section(MAPS, SectionKind::Data, vec![0; end as usize]);
    maps.iter().map(|map| file.variable(section, map)).collect()
}

/// The section of variables.
fn variables(file: &mut File, draft: &mut Draft) -> SymbolId {
    let section = file.section(DATA, SectionKind::Data, std::mem::take(&mut draft.data));
    for variable in &draft.variables {
        file.variable(section, variable);
    }
    file.start(section)
}

fn codes(functions: &[Function]) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        let name = function.section.as_deref().unwrap_or(TEXT);
        let at = codes.iter().position(|code| code.name == name).unwrap_or_else(|| {
            codes.push(Code { name: name.to_owned(), functions: Vec::new() });
            codes.len() - 1
        });
        let start = codes[at].functions.last().map_or(0, |(last, start)| start + functions[*last].insns.len() as u32);
        codes[at].functions.push((index, start));
    }
    codes
}

/// Where a function starts in its section.
fn start(codes: &[Code], function: usize) -> u32 {
    let all = codes.iter().flat_map(|code| &code.functions);
    all.clone().find(|(index, _)| *index == function).map_or(0, |(_, start)| *start)
}

/// The instructions of a section; those that refer to functions count from the start of their section.
fn bytes(draft: &Draft, code: &Code, codes: &[Code]) -> Vec<u8> {
    let functions = code.functions.iter().map(|(index, _)| &draft.functions[*index]);
    functions.flat_map(|function| linked(function, codes)).flat_map(|insn| insn.to_bytes()).collect()
}

/// A function's instructions as the linker wants them.
fn linked(function: &Function, codes: &[Code]) -> Vec<Insn> {
    let mut insns = function.insns.clone();
    for (at, target) in &function.references {
        let Some(insn) = insns.get_mut(*at as usize) else { continue };
        match target {
            Target::Function(callee) if insn.is_call() => insn.imm = start(codes, *callee) as i32 - 1,
            Target::Function(callee) => insn.imm = start(codes, *callee) as i32 * INSN as i32,
            Target::Map(_) => (insn.regs, insn.imm) = (insn.regs & 0xf, 0),
            // The linker's view: the offset is the first immediate.
            Target::Data => {
                (insn.regs, insn.imm) = (insn.regs & 0xf, 0);
                let offset = insns.get_mut(*at as usize + 1).map_or(0, |second| std::mem::take(&mut second.imm));
                insns[*at as usize].imm = offset;
            }
        }
    }
    insns
}

/// Bytes of an instruction.
const INSN: u32 = 8;

/// The symbols of a section's functions, and what their instructions refer to.
fn functions(file: &mut File, draft: &Draft, (code, section): (&Code, SectionId), symbols: &Symbols) -> Result<()> {
    for (index, start) in &code.functions {
        let function = &draft.functions[*index];
        file.function(section, function, start * INSN);
        for (at, target) in &function.references {
            let is_call = function.insns.get(*at as usize).is_some_and(|insn| insn.is_call());
            let kind = if is_call { CALL } else { WIDE };
            if let Some(symbol) = symbols.of(*target) {
                file.refer(section, (start + at) * INSN, symbol, kind)?;
            }
        }
    }
    Ok(())
}
