//! An object file, read.

use std::collections::HashMap;

use quadrant_bpf::prog::ProgramKind;
use quadrant_types::{Btf, BtfKind};

use crate::btf::{Rewritten, Sanitizing};
use crate::contexts::{self, Contexts};
use crate::core::{KernelTypes, Resolver};
use crate::data::{self, DataSection};
use crate::elf::{Elf, SymbolKind};
use crate::error::{Error, Result};
use crate::ext::Ext;
use crate::externs::{self, Extern};
use crate::function::{self, Function, INSN};
use crate::hook::{Hook, SectionName};
use crate::link::{FunctionInfo, Linked, Linker};
use crate::map::{self, MapDef};

/// Largest file that is read, in bytes.
const MAX_LEN: usize = 256 << 20;

/// An object file.
#[derive(Debug)]
pub struct Object {
    /// Its programs, in the order of the file.
    pub programs: Vec<Program>,
    /// Functions of sections that are not known: they are not loaded.
    pub skipped: Vec<Skipped>,
    /// Its maps. Sections of variables are not among them.
    pub maps: Vec<MapDef>,
    /// Sections of variables; `.kconfig` is one.
    pub data: Vec<DataSection>,
    /// What it expects from the kernel.
    pub externs: Vec<Extern>,
    /// Options of the kernel's configuration that are told, whatever the kernel has.
    pub options: HashMap<String, String>,
    /// Its license; empty if it names none.
    pub license: String,
    /// What the reader did not take notice of, in words.
    pub notes: Vec<String>,
    btf: Option<Btf>,
    rewritten: Option<Rewritten>,
    contexts: Contexts,
    pub(crate) ext: Ext,
    pub(crate) functions: Vec<Function>,
    pub(crate) section_names: Vec<String>,
    pub(crate) is_code: Vec<bool>,
    pub(crate) maps_section: Option<usize>,
    /// Where each map's variable is in its section.
    pub(crate) map_offsets: Vec<u32>,
    /// The same for maps that were left out, with why.
    pub(crate) left_out: Vec<(u32, String)>,
    /// What instructions refer to, by section and instruction.
    relocations: HashMap<(usize, usize), Symbol>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The name of its function.
    pub name: String,
    /// Its section.
    pub section: String,
    /// What it is for.
    pub hook: Hook,
    /// Where, as its section says: what follows the first slash.
    pub target: Option<String>,
    /// It may sleep.
    pub sleepable: bool,
    /// It is loaded unless the user says otherwise.
    pub autoload: bool,
    /// Instructions, before linking.
    pub len: usize,
    pub(crate) function: usize,
}

/// A function that is no program that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Its section.
    pub section: String,
}

/// A symbol that an instruction refers to.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    pub index: usize,
    pub name: String,
    pub section: Option<usize>,
    pub value: u64,
    pub kind: SymbolKind,
}

/// The section of functions that are called by programs.
const TEXT: &str = ".text";

impl Object {
    /// Reads an object from a file's bytes.
    ///
    /// # Errors
    /// It is none, or it uses what is not supported.
    pub fn parse(bytes: &[u8]) -> Result<Object> {
        if bytes.len() > MAX_LEN {
            return Err(Error::malformed(format!("it has more than {} MiB", MAX_LEN >> 20)));
        }
        let elf = Elf::parse(bytes)?;
        let btf = types(&elf)?;
        let ext = match (elf.section(".BTF.ext"), &btf) {
            (Some((_, section)), Some(btf)) => Ext::parse(section.data, btf)?,
            _ => Ext::default(),
        };
        let functions = function::functions(&elf)?;
        let maps = map::maps(&elf, btf.as_ref())?;
        let (externs, kconfig) = externs::externs(&elf, btf.as_ref())?;
        let mut data = data::sections(&elf, btf.as_ref())?;
        data.extend(kconfig);
        let hidden = |name: &str| functions.iter().any(|function| function.is_hidden && function.name == name);
        let mut rewritten = btf.as_ref().map(|btf| Rewritten::new(&elf, btf, hidden)).transpose()?;
        let contexts = rewritten.as_mut().zip(btf.as_ref()).map(|(types, btf)| contexts::add(types, btf));
        let (programs, skipped) = programs(&elf, &functions);
        Ok(Object {
            programs,
            skipped,
            map_offsets: maps.iter().map(|map| map.offset).collect(),
            left_out: Vec::new(),
            maps: maps.into_iter().map(|map| map.def).collect(),
            data,
            externs,
            options: HashMap::new(),
            license: license(&elf),
            notes: notes(&elf),
            btf,
            rewritten,
            contexts: contexts.unwrap_or_default(),
            ext,
            functions,
            section_names: elf.sections.iter().map(|section| section.name.to_owned()).collect(),
            is_code: elf.sections.iter().map(|section| section.is_code).collect(),
            maps_section: elf.section(".maps").map(|(index, _)| index),
            relocations: relocations(&elf),
        })
    }

    /// Does without a map, for a reason: programs that use it cannot be linked any more.
    pub fn leave_out_map(&mut self, index: usize, why: String) {
        self.maps.remove(index);
        self.left_out.push((self.map_offsets.remove(index), why));
    }

    /// Its types, if it was compiled with them.
    pub fn btf(&self) -> Option<&Btf> {
        self.btf.as_ref()
    }

    /// Its types as the kernel takes them; `None` if it has none.
    pub fn btf_for_kernel(&self, level: Sanitizing) -> Option<Vec<u8>> {
        Some(self.rewritten.as_ref()?.bytes(self.btf.as_ref()?, level))
    }

    /// The functions of a linked program as kernels before 6.8 want those with marked contexts (`__arg_ctx`): by the types that
    /// [`Object::btf_for_kernel`] has for that. `None` if none is marked, or programs of that kind have no context with a name.
    pub fn with_named_contexts(&self, functions: &[FunctionInfo], kind: ProgramKind) -> Option<Vec<FunctionInfo>> {
        let other = |function: &FunctionInfo| contexts::find(&self.contexts, function.ty, kind);
        let is_any = functions.iter().any(|function| other(function).is_some());
        let named = functions.iter().map(|one| FunctionInfo { ty: other(one).unwrap_or(one.ty), ..*one });
        is_any.then(|| named.collect())
    }

    /// Makes one of its programs ready for a kernel.
    ///
    /// # Errors
    /// It is malformed, or the kernel's types are needed and cannot be had, or contradict each other.
    pub fn link(&self, program: &Program, kernel: &dyn KernelTypes) -> Result<Linked> {
        let resolver = self.btf.as_ref().map(|btf| Resolver::new(btf, kernel));
        Linker::new(self, resolver).link(program.function)
    }

    /// Makes some of its functions, and what they call, ready for a kernel; where each of them starts.
    ///
    /// # Errors
    /// As for [`Object::link`], or there is no such function.
    pub fn link_functions(&self, names: &[&str], kernel: &dyn KernelTypes) -> Result<(Linked, Vec<usize>)> {
        let place =
            |name: &&str| self.functions.iter().position(|function| function.name == **name && !function.is_local);
        let missing = |name: &&str| Error::new(format!("cannot use `{name}`"), "the object has no such function");
        let entries = names.iter().map(|name| place(name).ok_or_else(|| missing(name)));
        let entries = entries.collect::<Result<Vec<usize>>>()?;
        let resolver = self.btf.as_ref().map(|btf| Resolver::new(btf, kernel));
        Linker::new(self, resolver).link_all(&entries)
    }

    /// The functions that others may call, and what types say of them: a FUNC_PROTO's id.
    pub fn callable(&self) -> impl Iterator<Item = (&str, u32)> {
        let global = self.functions.iter().filter(|one| !one.is_local && self.section_names[one.section] == TEXT);
        global.filter_map(|function| {
            let btf = self.btf.as_ref()?;
            Some((function.name.as_str(), btf.size_or_type(btf.find(&function.name, &[BtfKind::Func])?)))
        })
    }

    /// Whether a program, or anything that it may call, prints lines for people (`bpf_printk`).
    pub fn prints(&self, program: &Program) -> bool {
        let own = self.functions.get(program.function);
        let called = self.functions.iter().filter(|function| self.section_names[function.section] == TEXT);
        own.into_iter().chain(called).any(Function::prints)
    }

    pub(crate) fn relocation(&self, section: usize, at: usize) -> Option<&Symbol> {
        self.relocations.get(&(section, at))
    }

    pub(crate) fn function_at(&self, section: usize, start: usize) -> Option<usize> {
        self.functions.binary_search_by_key(&(section, start), |function| (function.section, function.start)).ok()
    }

    /// The function that a tag of the program names for exceptions (`__exception_cb`).
    pub(crate) fn exception_callback(&self, entry: usize) -> Option<usize> {
        let (btf, entry) = (self.btf.as_ref()?, self.functions.get(entry)?);
        let mut tags = btf.iter().filter(|(_, kind, _)| *kind == BtfKind::DeclTag);
        let name = tags.find_map(|(id, _, text)| {
            let name = text.strip_prefix("exception_callback:")?;
            (btf.name(btf.size_or_type(id)) == entry.name).then_some(name)
        })?;
        self.functions.iter().position(|function| function.name == name)
    }
}

fn types(elf: &Elf<'_>) -> Result<Option<Btf>> {
    let Some((_, section)) = elf.section(".BTF") else { return Ok(None) };
    let data: Box<[u8]> = section.data.into();
    let btf = Btf::new(data).map_err(|error| Error::malformed(error.to_string()))?;
    Ok(Some(btf))
}

/// Global functions in sections of their own are programs; those in `.text` are called by them.
fn programs(elf: &Elf<'_>, functions: &[Function]) -> (Vec<Program>, Vec<Skipped>) {
    let (mut programs, mut skipped) = (Vec::new(), Vec::new());
    for (index, function) in functions.iter().enumerate() {
        let section = elf.sections[function.section].name;
        if section == TEXT || function.is_local {
            continue;
        }
        let (name, section_name) = (function.name.clone(), section.to_owned());
        let Some(parsed) = SectionName::parse(section) else {
            skipped.push(Skipped { name, section: section_name });
            continue;
        };
        programs.push(Program {
            name,
            section: section_name,
            hook: parsed.hook,
            target: parsed.target.map(str::to_owned),
            sleepable: parsed.sleepable,
            autoload: parsed.autoload,
            len: function.insns.len(),
            function: index,
        });
    }
    (programs, skipped)
}

fn relocations(elf: &Elf<'_>) -> HashMap<(usize, usize), Symbol> {
    let mut found = HashMap::new();
    for (index, section) in elf.sections.iter().enumerate().filter(|(_, section)| section.is_code) {
        for relocation in &section.relocations {
            let Some(symbol) = elf.symbols.get(relocation.symbol) else { continue };
            let named = Symbol {
                index: relocation.symbol,
                name: symbol.name.to_owned(),
                section: symbol.section,
                value: symbol.value,
                kind: symbol.kind,
            };
            found.insert((index, (relocation.offset / INSN) as usize), named);
        }
    }
    found
}

fn license(elf: &Elf<'_>) -> String {
    let text = elf.section("license").map_or(&[][..], |(_, section)| section.data);
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
}

/// Addresses in variables: nobody can fill them in, because programs have no addresses.
fn notes(elf: &Elf<'_>) -> Vec<String> {
    let is_data = |name: &str| name.starts_with(".data") || name.starts_with(".rodata");
    let with = elf.sections.iter().filter(|section| is_data(section.name) && !section.relocations.is_empty());
    let addresses = with.map(|section| format!("{} holds addresses, which stay 0", section.name));
    let operations = elf.sections.iter().filter(|section| section.name.starts_with(".struct_ops"));
    let operations = operations.map(|section| {
        format!("left out what {} holds: struct_ops replace functions of the kernel, and trace nothing", section.name)
    });
    addresses.chain(operations).collect()
}
