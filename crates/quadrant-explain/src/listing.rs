//! eBPF instructions, before and after the verifier, with the script's lines between them.

use std::fmt::Write;

use quadrant_bpf::disasm;
use quadrant_bpf::insn::{self, Insn};
use quadrant_bpf::object::ProgramCode;
use quadrant_codegen::ssa::Code;
use quadrant_codegen::ssa::RelocKind;
use quadrant_program::span::Span;

/// The generated instructions. `place` says what a span is, in a line; `maps` has the names of the maps.
pub fn generated(code: &Code, place: &dyn Fn(Span) -> String, maps: &[String]) -> String {
    let mut text = String::new();
    let mut relocs = code.relocs.iter().peekable();
    let mut spans = code.spans.iter().peekable();
    let mut funcs = code.funcs.iter().peekable();
    for at in starts(&code.insns) {
        if let Some(func) = funcs.next_if(|func| func.at as usize == at) {
            let _ = writeln!(text, "{}: ({} bytes of stack)", func.name, func.stack);
        }
        let mut here = None;
        while let Some((_, span)) = spans.next_if(|(start, _)| *start as usize <= at) {
            here = Some(*span);
        }
        here.into_iter().for_each(|span| line_of_source(&mut text, &place(span)));
        let note = relocs.next_if(|reloc| reloc.at as usize == at).map(|reloc| note(reloc.kind, maps));
        one(&mut text, &code.insns, at, &disasm::line(&code.insns, at), note.as_deref());
    }
    text
}

fn note(kind: RelocKind, maps: &[String]) -> String {
    let map = |index: u32| maps.get(index as usize).map_or("a map", String::as_str);
    match kind {
        RelocKind::Map(at) => map(at.0).to_owned(),
        RelocKind::MapValue(at) => format!("in {}", map(at.0)),
        RelocKind::Core(_) => "depends on the kernel's types".to_owned(),
        RelocKind::Kfunc(kfunc) => format!("kernel function with type {}", kfunc.0),
        RelocKind::Import(_) => "a function in C".to_owned(),
    }
}

/// What numbers in the kernel's instructions stand for.
pub struct Kernel<'a> {
    /// The address that calls of helper functions count from (`__bpf_call_base`), if it is known.
    pub call_base: Option<u64>,
    /// The name of the function at an address.
    pub symbol: &'a dyn Fn(u64) -> Option<String>,
}

/// The instructions as the verifier has left them, in the form of `bpftool prog dump xlated`. `line` says what an entry of
/// [`ProgramCode::lines`] is.
pub fn translated(code: &ProgramCode, kernel: &Kernel, line: &dyn Fn(usize) -> String) -> String {
    let mut text = String::new();
    let mut lines = code.lines.iter().enumerate().peekable();
    for at in starts(&code.xlated) {
        let mut here = None;
        while let Some((index, _)) = lines.next_if(|(_, line)| line.insn as usize <= at) {
            here = Some(index);
        }
        here.into_iter().for_each(|index| line_of_source(&mut text, &line(index)));
        one(&mut text, &code.xlated, at, &kernel.instruction(&code.xlated, at), None);
    }
    text
}

impl Kernel<'_> {
    fn instruction(&self, insns: &[Insn], at: usize) -> String {
        let insn = insns[at];
        match insn.src() {
            insn::CALL_HELPER | insn::CALL_KFUNC if insn.is_call() => {
                format!("call {}#{}", self.called(insn), insn.imm)
            }
            1 | 2 if insn.is_wide() => disasm::line(insns, at).replacen("map[fd:", "map[id:", 1),
            _ => disasm::line(insns, at),
        }
    }

    fn called(&self, insn: Insn) -> String {
        let address = self.call_base.map(|base| base.wrapping_add_signed(insn.imm.into()));
        address.and_then(|address| (self.symbol)(address)).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// The places of all instructions; a 64-bit immediate takes two.
fn starts(insns: &[Insn]) -> impl Iterator<Item = usize> + '_ {
    let next = |at: &usize| Some(at + if insns.get(*at)?.is_wide() { 2 } else { 1 });
    std::iter::successors(Some(0), next).take_while(|at| *at < insns.len())
}

fn line_of_source(text: &mut String, line: &str) {
    if !line.is_empty() {
        let _ = writeln!(text, "; {line}");
    }
}

fn one(text: &mut String, insns: &[Insn], at: usize, instruction: &str, note: Option<&str>) {
    let _ = write!(text, "{at:4}: ({:02x}) {instruction}", insns[at].code);
    let _ = match note {
        Some(note) => writeln!(text, "  ; {note}"),
        None => writeln!(text),
    };
}

#[cfg(test)]
mod tests {
    use quadrant_bpf::insn::{Cond, Reg};
    use quadrant_bpf::object::CodeLine;
    use quadrant_codegen::ssa::{FuncInfo, MapRef, Reloc};

    use super::*;

    fn insns() -> Vec<Insn> {
        let mut insns = Insn::ld_map_fd(Reg::R1, 7).to_vec();
        insns.extend([Insn::call_helper(1), Insn::jmp_imm(Cond::Eq, Reg::R0, 0, 0), Insn::exit()]);
        insns
    }

    #[test]
    fn generated_code_has_the_script_beside_it() {
        let span = |start, end| Span { start, end };
        let code = Code {
            insns: insns(),
            relocs: vec![Reloc { at: 0, kind: RelocKind::Map(MapRef(0)) }],
            funcs: vec![FuncInfo { at: 0, name: "main".into(), params: 1, is_static: false, stack: 8 }],
            spans: vec![(0, span(0, 2)), (3, span(3, 4))],
            ..Code::default()
        };
        let text = generated(&code, &|span| format!("{}-{}", span.start, span.end), &["@m".to_owned()]);
        let expected = "main: (8 bytes of stack)\n; 0-2\n   0: (18) r1 = map[fd:7]  ; @m\n   2: (85) call bpf_map_lookup_elem#1\n\
                        ; 3-4\n   3: (15) if r0 == 0x0 goto pc+0\n   4: (95) exit\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn translated_code_names_what_it_calls() {
        let line = |insn| CodeLine { insn, address: 0, file: 0, text: 0, line: 1, column: 1 };
        let code = ProgramCode { xlated: insns(), lines: vec![line(0), line(4)], ..ProgramCode::default() };
        let symbol = |address: u64| (address == 0x1001).then(|| "htab_lookup".to_owned());
        let kernel = Kernel { call_base: Some(0x1000), symbol: &symbol };
        let expected = "; 0\n   0: (18) r1 = map[id:7]\n   2: (85) call htab_lookup#1\n\
                        \u{20}  3: (15) if r0 == 0x0 goto pc+0\n; 1\n   4: (95) exit\n";
        assert_eq!(translated(&code, &kernel, &|index| index.to_string()), expected);
        let hidden = Kernel { call_base: None, symbol: &symbol };
        assert!(translated(&code, &hidden, &|_| String::new()).contains("call unknown#1"));
    }
}
