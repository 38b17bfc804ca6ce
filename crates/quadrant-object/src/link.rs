//! One program made ready: its own code, then the functions that it calls, each once; every reference resolved or listed.

use std::collections::HashMap;

use quadrant_bpf::insn::{CALL_KFUNC, CALL_PSEUDO, Imm64, Insn};

use crate::core::{CORE_POISON, Resolver, patch};
use crate::elf::SymbolKind;
use crate::error::{Error, Result};
use crate::ext::LineInfo;
use crate::externs::ExternKind;
use crate::function::{Function, INSN};
use crate::object::{Object, Symbol};

/// A program to load.
#[derive(Debug, Clone, Default)]
pub struct Linked {
    /// The code; what only a loader knows is still missing.
    pub insns: Vec<Insn>,
    /// What is missing, by instruction (of wide ones, the first half).
    pub references: Vec<(usize, Reference)>,
    /// Where each function starts; empty for objects without types.
    pub functions: Vec<FunctionInfo>,
    /// Where each line starts.
    pub lines: Vec<LineInfo>,
    /// Instructions that ask for what this kernel does not have. The verifier refuses the program if they can be reached.
    pub broken: Vec<Broken>,
}

/// What an instruction refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// A map of the object, by its index.
    Map(usize),
    /// A place in a data section of the object, by its index.
    Data {
        /// Which section.
        section: usize,
        /// Bytes from its start.
        offset: u32,
    },
    /// The value or address of an external symbol, by its index.
    Extern(usize),
    /// A call of an external function, by its index.
    Call(usize),
}

/// A function of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionInfo {
    /// Its first instruction.
    pub at: usize,
    /// Id of its FUNC.
    pub ty: u32,
}

/// An instruction that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The number of the helper that it calls instead: what the verifier names when it meets it.
    pub helper: i32,
    /// What the kernel lacks.
    pub what: String,
    /// It has it in another size than the object, in bytes: the object's, the kernel's. Only pointers and numbers without sign are
    /// read alike then.
    pub sizes: Option<(u32, u32)>,
}

/// Instructions that the kernel takes for one program.
const MAX_INSNS: usize = 1_000_000;
/// Nested calls; the kernel allows eight.
const MAX_CALLS: usize = 64;

pub(crate) struct Linker<'a> {
    object: &'a Object,
    resolver: Option<Resolver<'a>>,
    out: Linked,
    /// Where functions have been placed.
    placed: HashMap<usize, usize>,
    relocated: usize,
}

impl<'a> Linker<'a> {
    pub fn new(object: &'a Object, resolver: Option<Resolver<'a>>) -> Linker<'a> {
        Linker { object, resolver, out: Linked::default(), placed: HashMap::new(), relocated: 0 }
    }

    /// The program that starts with that function.
    pub fn link(self, entry: usize) -> Result<Linked> {
        self.link_all(&[entry]).map(|(linked, _)| linked)
    }

    /// These functions, and what they call; where each of them starts.
    pub fn link_all(mut self, entries: &[usize]) -> Result<(Linked, Vec<usize>)> {
        let mut waiting = Vec::new();
        for entry in entries {
            self.place(*entry)?;
            waiting.push((*entry, 0));
        }
        while let Some((function, depth)) = waiting.pop() {
            for called in self.calls(function)?.into_iter().rev() {
                if depth == MAX_CALLS {
                    return Err(Error::malformed("calls are nested too deep"));
                }
                if !self.placed.contains_key(&called) {
                    self.place(called)?;
                    waiting.push((called, depth + 1));
                }
            }
        }
        for entry in entries {
            let callback = self.object.exception_callback(*entry).filter(|id| !self.placed.contains_key(id));
            callback.map_or(Ok(()), |callback| self.place(callback))?;
        }
        let placed: Vec<(usize, usize)> = self.placed.iter().map(|(function, at)| (*function, *at)).collect();
        placed.into_iter().try_for_each(|(function, at)| self.connect(function, at))?;
        self.out.references.sort_by_key(|(at, _)| *at);
        self.out.functions.sort_by_key(|function| function.at);
        self.out.lines.sort_by_key(|line| line.at);
        let starts = entries.iter().map(|entry| self.placed[entry]).collect();
        Ok((self.out, starts))
    }

    /// Appends a function, adapted to the kernel, with what is known of its lines.
    fn place(&mut self, index: usize) -> Result<()> {
        let function = &self.object.functions[index];
        let at = self.out.insns.len();
        if at + function.insns.len() > MAX_INSNS {
            return Err(Error::malformed(format!("`{}` has more than {MAX_INSNS} instructions", function.name)));
        }
        let mut insns = function.insns.clone();
        self.adapt(function, &mut insns)?;
        self.out.insns.append(&mut insns);
        self.placed.insert(index, at);
        self.describe(function, at);
        Ok(())
    }

    /// CO-RE.
    fn adapt(&mut self, function: &Function, insns: &mut [Insn]) -> Result<()> {
        let Some(resolver) = &self.resolver else { return Ok(()) };
        let section = &self.object.section_names[function.section];
        let Some(records) = self.object.ext.relocations.get(section) else { return Ok(()) };
        for record in records.iter().filter(|record| (function.start..function.end()).contains(&record.at)) {
            let outcome = resolver.resolve(record)?;
            let number = self.relocated;
            self.relocated += 1;
            if !patch(insns, record.at - function.start, number, &outcome)? {
                let helper = CORE_POISON.wrapping_add(number as i32);
                let sizes = outcome.number.and(outcome.resize).map(|(ours, kernels, _)| (ours, kernels));
                self.out.broken.push(Broken { helper, what: outcome.what, sizes });
            }
        }
        Ok(())
    }

    fn describe(&mut self, function: &Function, at: usize) {
        let (ext, section) = (&self.object.ext, &self.object.section_names[function.section]);
        let range = function.start..function.end();
        if let Some(records) = ext.functions.get(section) {
            let own = records.iter().filter(|record| record.at == function.start);
            self.out.functions.extend(own.map(|record| FunctionInfo { at, ty: record.ty }));
        }
        if let Some(records) = ext.lines.get(section) {
            let own = records.iter().filter(|record| range.contains(&record.at));
            self.out.lines.extend(own.map(|record| LineInfo { at: at + record.at - function.start, ..*record }));
        }
    }

    /// The functions that a function calls or takes the address of.
    fn calls(&self, index: usize) -> Result<Vec<usize>> {
        let function = &self.object.functions[index];
        let mut called = Vec::new();
        for at in 0..function.insns.len() {
            called.extend(self.called(function, at)?);
        }
        Ok(called)
    }

    /// The function that an instruction is about, if it is about one of the object's.
    fn called(&self, function: &Function, at: usize) -> Result<Option<usize>> {
        let insn = function.insns[at];
        let place = function.start + at;
        let symbol = self.object.relocation(function.section, place);
        let is_call = is_local_call(insn);
        let (section, target) = match symbol {
            None if is_call => (function.section, place as i64 + 1 + i64::from(insn.imm)),
            None => return Ok(None),
            Some(symbol) => {
                let Some(section) = symbol.section.filter(|section| self.object.is_code.get(*section) == Some(&true))
                else {
                    return Ok(None);
                };
                let start = (symbol.value / INSN) as i64;
                match symbol.kind {
                    _ if is_call => (section, start + i64::from(insn.imm) + 1),
                    SymbolKind::Section => (section, start + i64::from(insn.imm) / INSN as i64),
                    _ => (section, start),
                }
            }
        };
        let found = usize::try_from(target).ok().and_then(|start| self.object.function_at(section, start));
        let missing = || Error::malformed(format!("`{}` calls something that is no function", function.name));
        found.map(Some).ok_or_else(missing)
    }

    /// Resolves what the instructions of a placed function refer to.
    fn connect(&mut self, index: usize, at: usize) -> Result<()> {
        let object = self.object;
        let function = &object.functions[index];
        for inside in 0..function.insns.len() {
            let here = at + inside;
            if let Some(called) = self.called(function, inside)? {
                let distance = self.placed[&called] as i64 - here as i64 - 1;
                let insn = &mut self.out.insns[here];
                insn.imm = distance as i32;
                if insn.is_wide() {
                    insn.regs = insn.dst() | (Imm64::Func as u8) << 4;
                }
            } else if let Some(symbol) = object.relocation(function.section, function.start + inside) {
                let reference = self.reference(function, symbol, here)?;
                self.out.references.push((here, reference));
            }
        }
        Ok(())
    }

    /// What a symbol that is no function is.
    fn reference(&mut self, function: &Function, symbol: &Symbol, at: usize) -> Result<Reference> {
        let bad = |why: &str| Error::new(format!("cannot use `{}` in `{}`", symbol.name, function.name), why);
        let object = self.object;
        let insn = &mut self.out.insns[at];
        let Some(section) = symbol.section else {
            let index = object.externs.iter().position(|known| known.symbol == symbol.index);
            let index = index.ok_or_else(|| bad("it is not defined"))?;
            if is_local_call(*insn) {
                insn.regs = insn.dst() | CALL_KFUNC << 4;
                let is_function = matches!(object.externs[index].kind, ExternKind::Function { .. });
                return is_function.then_some(Reference::Call(index)).ok_or_else(|| bad("it is no function"));
            }
            return insn.is_wide().then_some(Reference::Extern(index)).ok_or_else(|| bad(NO_PLACE));
        };
        if !insn.is_wide() {
            return Err(bad(NO_PLACE));
        }
        if Some(section) == object.maps_section {
            let is_there = |offset: &u32| u64::from(*offset) == symbol.value;
            let left_out = object.left_out.iter().find(|(offset, _)| is_there(offset)).map(|(_, why)| why.as_str());
            let map = object.map_offsets.iter().position(is_there);
            return map.map(Reference::Map).ok_or_else(|| bad(left_out.unwrap_or("it is no map")));
        }
        let data = object.data.iter().position(|data| data.section == Some(section));
        let data = data.ok_or_else(|| bad("its section holds neither maps, nor variables, nor code"))?;
        let offset = symbol.value.wrapping_add(insn.imm as i64 as u64);
        let offset = u32::try_from(offset).map_err(|_| bad("it is outside its section"))?;
        Ok(Reference::Data { section: data, offset })
    }
}

const NO_PLACE: &str = "the instruction has no place for an address";

/// A call of a function by distance, as the compiler writes it.
fn is_local_call(insn: Insn) -> bool {
    const CALL: u8 = 0x85;
    insn.code == CALL && insn.src() == CALL_PSEUDO
}
