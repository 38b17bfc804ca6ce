//! Programs of an object, and the functions that they pass to helpers.

use quadrant_bpf::btf::Linkage;
use quadrant_bpf::insn::CALL_PSEUDO;
use quadrant_bpf::insn::Insn;
use quadrant_codegen::object::Unit;
use quadrant_codegen::ssa::Code;
use quadrant_codegen::ssa::FuncInfo;
use quadrant_codegen::ssa::RelocKind;
use quadrant_object::write::Adjusted;
use quadrant_object::write::Draft;
use quadrant_object::write::Function;
use quadrant_object::write::Target;
use quadrant_program::Program;
use quadrant_program::span::Span;

use super::kernel_types::Record;
use super::names::Names;
use super::sections;
use crate::error::Error;
use crate::map_types::MapTypes;
use crate::source::Source;

/// What all functions of an object share.
pub(super) struct Parts<'a> {
    pub(super) program: &'a Program,
    /// What stands for each map of the compiled script.
    pub(super) places: &'a [Target],
    /// The record of each relocation.
    pub(super) adjusted: &'a [Record],
    pub(super) source: Source<'a>,
}

impl Parts<'_> {
    /// Adds the program of a unit, and the functions of its code.
    ///
    /// # Errors
    /// There is no section for it.
    pub(super) fn add(
        &self,
        draft: &mut Draft,
        types: &mut MapTypes,
        names: &mut Names,
        (unit, code): (&Unit, &Code),
    ) -> Result<(), Error> {
        let point = &self.program.points[unit.points[0].0 as usize];
        let section = sections::section(point).map_err(|(message, help)| Error::Script {
            span: Span::default(),
            message,
            help: vec![help.to_owned()],
        })?;
        let lines = types.btf.lines(&self.source.lines(code));
        let first = draft.functions.len();
        for (index, info) in code.funcs.iter().enumerate() {
            let end = code.funcs.get(index + 1).map_or(code.insns.len(), |next| next.at as usize) as u32;
            let mut function = self.function(code, info, (first, end));
            let inside = lines.iter().filter(|line| (info.at..end).contains(&line[0]));
            function.lines = inside.map(|line| [line[0] - info.at, line[1], line[2], line[3]]).collect();
            let wanted = if index == 0 { program_name(&point.name) } else { info.name.clone() };
            function.section = (index == 0).then(|| section.clone());
            function.name = names.new_name(&wanted);
            function.ty = declared(types, &function.name, info);
            draft.functions.push(function);
        }
        Ok(())
    }

    /// The instructions of one function, up to `end`; `first` is the index of the code's first function.
    fn function(&self, code: &Code, info: &FuncInfo, (first, end): (usize, u32)) -> Function {
        let insns = code.insns[info.at as usize..end as usize].to_vec();
        let mut references: Vec<(u32, Target)> = Vec::new();
        for (at, insn) in (info.at..end).zip(&insns) {
            if let Some(callee) = callee(code, at, insn) {
                references.push((at - info.at, Target::Function(first + callee)));
            }
        }
        let mut adjusted = Vec::new();
        for reloc in code.relocs.iter().filter(|reloc| (info.at..end).contains(&reloc.at)) {
            let at = reloc.at - info.at;
            match reloc.kind {
                RelocKind::Map(map) | RelocKind::MapValue(map) => references.push((at, self.places[map.index()])),
                RelocKind::Core(core) => {
                    let Record { ty, access, kind } = self.adjusted[core.index()];
                    adjusted.push(Adjusted { at, ty, access, kind });
                }
                RelocKind::Kfunc(_) | RelocKind::Import(_) => {}
            }
        }
        Function { insns, references, adjusted, ..Function::default() }
    }
}

/// The index of the function that an instruction calls, or whose address it takes.
fn callee(code: &Code, at: u32, insn: &Insn) -> Option<usize> {
    /// `BPF_PSEUDO_FUNC`
    const TAKEN: u8 = 4;
    let refers = insn.is_call() && insn.src() == CALL_PSEUDO || insn.is_wide() && insn.src() == TAKEN;
    let target = i64::from(at) + 1 + i64::from(insn.imm);
    refers.then(|| code.funcs.iter().position(|func| i64::from(func.at) == target)).flatten()
}

/// `int NAME(long, ...)`, as the kernel wants an entry.
fn declared(types: &mut MapTypes, name: &str, info: &FuncInfo) -> u32 {
    let (int, long) = (types.int(), types.unsigned());
    let count = if info.is_static { usize::from(info.params) } else { 1 };
    let prototype = types.btf.prototype(int, &vec![long; count]);
    types.btf.function(name, if info.is_static { Linkage::Static } else { Linkage::Global }, prototype)
}

/// The kernel shows the first 15 characters.
fn program_name(point: &str) -> String {
    let last = point.rsplit([':', '/']).next().unwrap_or(point);
    let kind = point.split(':').next().unwrap_or_default();
    match last.starts_with(|c: char| c.is_ascii_digit()) {
        // `profile:hz:99` has no name besides its kind.
        true => point.to_owned(),
        false => format!("{last}_{kind}"),
    }
}

/// Programs first.
pub(super) fn sort(draft: &mut Draft) {
    let mut order: Vec<usize> = (0..draft.functions.len()).collect();
    order.sort_by_key(|index| draft.functions[*index].section.is_none());
    let mut new = vec![0; order.len()];
    order.iter().zip(0..).for_each(|(old, at)| new[*old] = at);
    let mut functions: Vec<Option<Function>> = std::mem::take(&mut draft.functions).into_iter().map(Some).collect();
    draft.functions = order.iter().filter_map(|index| functions[*index].take()).collect();
    let references = draft.functions.iter_mut().flat_map(|function| &mut function.references);
    for (_, target) in references {
        if let Target::Function(index) = target {
            *index = new[*index];
        }
    }
}
