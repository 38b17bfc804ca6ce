//! Functions in C that a script calls, put behind the programs that call them, with their maps and variables.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use quadrant_bpf::insn::Imm64;
use quadrant_bpf::insn::Insn;
use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::flags;
use quadrant_codegen::MapRole;
use quadrant_codegen::object::MapDef;
use quadrant_codegen::ssa::Code;
use quadrant_codegen::ssa::FuncInfo;
use quadrant_codegen::ssa::KfuncRef;
use quadrant_codegen::ssa::MapRef;
use quadrant_codegen::ssa::Reloc;
use quadrant_codegen::ssa::RelocKind;
use quadrant_object::DataKind;
use quadrant_object::Linked;
use quadrant_object::Object;
use quadrant_object::Reference;
use quadrant_program::Program;
use quadrant_program::import::Import;

use super::externs;
use super::externs::Value;
use super::machine::Machine;
use super::programs::wide;
use super::refusal::MISSING_FUNCTION;
use crate::error::Error;

/// What is in a map before the programs run.
#[derive(Debug)]
pub(crate) struct Content {
    /// Index of the map.
    pub(crate) map: usize,
    /// Its only value.
    pub(crate) bytes: Vec<u8>,
    /// It stays so.
    pub(crate) constant: bool,
}

/// Put what the programs call behind them. What the new maps hold at first.
///
/// # Errors
/// What C asks of the kernel in vain, or cannot have here.
pub(crate) fn link(program: &Program, object: &mut quadrant_codegen::Object) -> Result<Vec<Content>, Error> {
    let (mut contents, machine) = (Vec::new(), Machine::default());
    for (index, import) in program.imports.iter().enumerate() {
        let called: Vec<Calls> = object.programs.iter().map(|code| calls(program, code, index)).collect();
        if called.iter().all(Calls::is_empty) {
            continue;
        }
        let (mut file, linked) = File::open(import, &called, &machine)?;
        contents.extend(file.add_maps(index as u32, &mut object.maps)?);
        for ((code, calls), linked) in object.programs.iter_mut().zip(&called).zip(&linked) {
            linked.iter().for_each(|(linked, starts)| file.add(calls, linked, starts, code));
        }
    }
    Ok(contents)
}

/// Where a program calls functions, by their names.
type Calls = BTreeMap<String, Vec<usize>>;

/// The calls of a file's functions: where they are, by the function's name.
fn calls(program: &Program, code: &Code, file: usize) -> Calls {
    let mut found = Calls::new();
    for reloc in &code.relocs {
        if let RelocKind::Import(number) = reloc.kind
            && let Some((of, signature)) = program.imported(number.0)
            && of == file
        {
            found.entry(signature.name.clone()).or_default().push(reloc.at as usize);
        }
    }
    found
}

/// The functions that one program calls, and what they call, and where each starts; nothing if it calls none.
type Behind = Option<(Linked, Vec<usize>)>;

/// A file in C that is used.
struct File<'a> {
    import: &'a Import,
    object: Object,
    externs: Vec<Value>,
    /// What the called functions refer to: nothing else of the file need be possible here.
    used: BTreeSet<Reference>,
    /// The maps, and behind them the sections of variables, by what they are among the script's.
    maps: Vec<Option<usize>>,
}

impl<'a> File<'a> {
    fn open(import: &'a Import, called: &[Calls], machine: &Machine) -> Result<(File<'a>, Vec<Behind>), Error> {
        let object = Object::parse(&import.object);
        let mut object = object.map_err(|error| refused(import, &error.to_string()))?;
        let linked = called.iter().map(|calls| behind(import, &object, calls, machine));
        let linked = linked.collect::<Result<Vec<Behind>, Error>>()?;
        let used: BTreeSet<Reference> =
            linked.iter().flatten().flat_map(|(linked, _)| linked.references.iter().map(|(_, to)| *to)).collect();
        let is_used = |index: usize| used.contains(&Reference::Extern(index)) || used.contains(&Reference::Call(index));
        let externs = externs::find(&mut object, machine, &is_used, &mut Vec::new())?;
        if externs.iter().any(|value| value.owner() != 0) {
            return Err(refused(
                import,
                "it uses functions or variables of a kernel module, which only `quadrant load` can",
            ));
        }
        Ok((File { import, object, externs, used, maps: Vec::new() }, linked))
    }

    fn add_maps(&mut self, file: u32, maps: &mut Vec<MapDef>) -> Result<Vec<Content>, Error> {
        for (number, def) in self.object.maps.iter().enumerate() {
            if !self.used.contains(&Reference::Map(number)) {
                self.maps.push(None);
                continue;
            }
            check_map(self.import, def)?;
            let role = MapRole::Import(file, number as u32);
            let quadrant_object::MapDef { kind, key_size, value_size, max_entries, flags, .. } = *def;
            self.maps.push(Some(maps.len()));
            maps.push(MapDef { role, kind, key_size, value_size, max_entries, flags });
        }
        let mut contents = Vec::new();
        for (data, number) in self.object.data.iter().zip(self.object.maps.len() as u32..) {
            let constant = matches!(data.kind, DataKind::Rodata | DataKind::Kconfig);
            contents.push(Content { map: maps.len(), bytes: data.bytes.clone(), constant });
            self.maps.push(Some(maps.len()));
            maps.push(MapDef {
                role: MapRole::Import(file, number),
                kind: MapKind::Array as u32,
                key_size: 4,
                value_size: data.bytes.len() as u32,
                max_entries: 1,
                flags: if constant { flags::RDONLY_PROG } else { 0 },
            });
        }
        Ok(contents)
    }

    /// Puts the functions that a program calls behind it.
    fn add(&self, calls: &Calls, linked: &Linked, starts: &[usize], code: &mut Code) {
        let base = code.insns.len();
        for (at, start) in
            calls.values().zip(starts).flat_map(|(places, start)| places.iter().map(move |at| (*at, start)))
        {
            code.insns[at].imm = (base + start) as i32 - at as i32 - 1;
        }
        code.insns.extend_from_slice(&linked.insns);
        self.describe(code, linked, base);
        linked.references.iter().for_each(|(at, reference)| self.connect(code, base + at, *reference));
    }

    /// Says where functions and lines start.
    fn describe(&self, code: &mut Code, linked: &Linked, base: usize) {
        let Some(btf) = self.object.btf() else { return };
        for function in &linked.functions {
            let params = btf.params(btf.size_or_type(function.ty)).count() as u8;
            let (at, name) = ((base + function.at) as u32, btf.name(function.ty).to_owned());
            code.funcs.push(FuncInfo { at, name, params, is_static: true, stack: 0 });
            if !linked.lines.iter().any(|line| line.at == function.at) {
                code.spans.push((at, self.import.line(0)));
            }
        }
        let own = self.import.path.file_name().map(|name| name.to_string_lossy().into_owned());
        for line in &linked.lines {
            let is_own = own.as_deref().is_some_and(|own| btf.string(line.file).ends_with(own));
            let number = if is_own { line.line() as usize } else { 0 };
            code.spans.push(((base + line.at) as u32, self.import.line(number)));
        }
        code.spans.sort_by_key(|(at, _)| *at);
    }

    /// Leaves to the loader what only it knows.
    fn connect(&self, code: &mut Code, at: usize, reference: Reference) {
        let map = |number: usize| MapRef(self.maps.get(number).copied().flatten().unwrap_or(0) as u32);
        let maps = self.object.maps.len();
        let value = |insns: &mut [Insn], section: usize, offset: u32| {
            wide(insns, at, Imm64::MapValue, 0, offset as i32);
            Some(RelocKind::MapValue(map(maps + section)))
        };
        let kind = match reference {
            Reference::Map(number) => {
                wide(&mut code.insns, at, Imm64::MapFd, 0, 0);
                Some(RelocKind::Map(map(number)))
            }
            Reference::Data { section, offset } => value(&mut code.insns, section, offset),
            Reference::Extern(index) => match &self.externs[index] {
                Value::Kconfig(offset) => {
                    let section = self.object.data.iter().position(|data| data.kind == DataKind::Kconfig);
                    value(&mut code.insns, section.unwrap_or(0), *offset)
                }
                Value::Address(address) => {
                    wide(&mut code.insns, at, Imm64::Value, *address as i32, (*address >> 32) as i32);
                    None
                }
                Value::Typed { id, .. } => {
                    wide(&mut code.insns, at, Imm64::BtfId, *id as i32, 0);
                    None
                }
            },
            Reference::Call(index) => match &self.externs[index] {
                Value::Typed { id, .. } => Some(RelocKind::Kfunc(KfuncRef(*id))),
                _ => {
                    let insn = &mut code.insns[at];
                    (insn.regs, insn.off, insn.imm) = (insn.dst(), 0, MISSING_FUNCTION + index as i32);
                    None
                }
            },
        };
        code.relocs.extend(kind.map(|kind| Reloc { at: at as u32, kind }));
    }
}

/// Links the functions that a program calls.
fn behind(import: &Import, object: &Object, calls: &Calls, machine: &Machine) -> Result<Behind, Error> {
    let names: Vec<&str> = calls.keys().map(String::as_str).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let linked = object.link_functions(&names, machine).map_err(|error| refused(import, &error.to_string()))?;
    match linked.0.broken.first() {
        // The verifier's words for it would be about a helper function that no kernel has.
        Some(broken) => Err(refused(import, &format!("it uses `{}`, which this kernel does not have", broken.what))),
        None => Ok(Some(linked)),
    }
}

/// Whether a map is one that programs alone fill and read.
fn check_map(import: &Import, def: &quadrant_object::MapDef) -> Result<(), Error> {
    use MapKind::*;
    let kind = MapKind::from_number(def.kind);
    if let Some(RingBuffer | PerfEventArray) = kind {
        let why = format!(
            "it sends events by its map `{}`, which nobody reads here: return what the script shall know, or keep it in a map",
            def.name
        );
        return Err(refused(import, &why));
    }
    let is_plain = matches!(
        kind,
        Some(Hash | Array | PercpuHash | PercpuArray | LruHash | LruPercpuHash | LpmTrie | Queue | Stack | BloomFilter)
    );
    if !is_plain || def.inner.is_some() || def.pinned || !def.values.is_empty() || def.max_entries == 0 {
        let why =
            format!("its map `{}` is of a kind, or has a size or content, that only `quadrant load` makes", def.name);
        return Err(refused(import, &why));
    }
    Ok(())
}

fn refused(import: &Import, why: &str) -> Error {
    Error::Script { span: import.span, message: format!("cannot use `{}`: {why}", import.name), help: Vec::new() }
}

#[cfg(test)]
mod tests {
    use quadrant_program::span::Span;

    use super::*;

    #[test]
    fn lines_of_a_file() {
        let lines = vec![Span::new(1, 2), Span::new(3, 4)];
        let import = Import { lines, span: Span::new(7, 8), ..Import::default() };
        assert_eq!([1, 2, 0, 3].map(|line| import.line(line).start), [1, 3, 7, 7]);
    }
}
