//! What is said of any program: its code in the kernel, its helper functions, its costs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::AsFd;

use quadrant_bpf::helper;
use quadrant_bpf::insn::Insn;
use quadrant_bpf::object;
use quadrant_bpf::object::BtfObject;
use quadrant_bpf::object::CodeLine;
use quadrant_bpf::object::ObjectKind;
use quadrant_bpf::object::ProgramCode;
use quadrant_bpf::prog::ProgramInfo;
use quadrant_explain::cost::Way;
use quadrant_explain::helpers;
use quadrant_explain::listing;
use quadrant_explain::machine;
use quadrant_symbols::Symbolizer;
use quadrant_types::Btf;

use super::Answer;
use super::Part;
use super::kernel_symbol;
use crate::commands;
use crate::commands::table;
use crate::commands::table::Column;
use crate::failure::Failure;

/// What the figures of [`way`] mean.
pub const COST_NOTE: &str = "\
LEAST and MOST are the cheapest and the dearest way through the program, from its instructions and the calls whose time is
known; `+N calls` have a time that depends on what they find. What the probe itself costs comes on top.
";

/// The columns of a table of maps.
pub const MAPS: [Column; 6] = [
    Column { name: "MAP", right: false, least: None },
    Column { name: "KIND", right: false, least: None },
    Column { name: "KEY", right: true, least: None },
    Column { name: "VALUE", right: true, least: None },
    Column { name: "ENTRIES", right: true, least: None },
    Column { name: "MEMORY NOW", right: true, least: None },
];

/// A row of it. The sizes are those of a key and a value in bytes, and the greatest number of entries.
pub fn map_row(name: String, kind: u32, [key, value, entries]: [u32; 3], memory: Option<u64>) -> Vec<String> {
    vec![
        name,
        object::map_kind_name(kind).unwrap_or("unknown").to_owned(),
        format!("{key} B"),
        format!("{value} B"),
        entries.to_string(),
        memory.map_or("unknown".to_owned(), table::bytes),
    ]
}

/// The columns of a table of programs' costs.
pub const COST: [Column; 5] = [
    Column { name: "PROGRAM", right: false, least: None },
    Column { name: "INSNS", right: true, least: None },
    Column { name: "VERIFIED", right: true, least: None },
    Column { name: "XLATED", right: true, least: None },
    Column { name: "JITED", right: true, least: None },
];

/// A row of it; `insns` is the number of instructions that the kernel was given.
pub fn cost_row(name: String, insns: usize, code: &ProgramCode, info: &ProgramInfo) -> Vec<String> {
    vec![
        name,
        insns.to_string(),
        code.verified.to_string(),
        table::bytes(info.xlated_len.into()),
        table::bytes(info.jited_len.into()),
    ]
}

/// Longest line of the source that is shown, in characters.
const LONGEST: usize = 110;

/// What is needed for several programs.
pub struct Facts {
    symbols: RefCell<Symbolizer>,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts { symbols: RefCell::new(Symbolizer::new(quadrant_symbols::Options::default())) }
    }
}

impl Facts {
    /// Adds a loaded program's instructions and machine code.
    ///
    /// # Errors
    /// Those of asking the kernel for the program's types.
    pub fn add(&mut self, answer: &mut Answer, title: &str, code: &ProgramCode) -> Result<(), Failure> {
        let lines = line_texts(code)?;
        let line = |index: usize| lines.get(index).cloned().unwrap_or_default();
        let symbol = |address: u64| kernel_symbol(&mut self.symbols.borrow_mut(), address);
        if answer.wants(Part::Xlated) {
            let call_base = self.symbols.borrow().kaddr("__bpf_call_base").ok();
            let kernel = listing::Kernel { call_base, symbol: &symbol };
            let text = or_hidden(listing::translated(code, &kernel, &line));
            answer.add(Part::Xlated, &format!("Translated: {title}"), &text);
        }
        if answer.wants(Part::Jited) {
            let text = or_hidden(machine::machine_code(code, &line, &symbol));
            answer.add(Part::Jited, &format!("Machine code: {title}"), &text);
        }
        Ok(())
    }
}

fn or_hidden(text: String) -> String {
    let why = "the kernel does not show it (net.core.bpf_jit_enable, net.core.bpf_jit_harden, kernel.kptr_restrict)";
    if text.is_empty() { why.to_owned() } else { text }
}

/// `file:line:column: text` of each of a program's lines.
fn line_texts(code: &ProgramCode) -> Result<Vec<String>, Failure> {
    let opened = if code.lines.is_empty() { None } else { object::open(ObjectKind::Btf, code.btf_id)? };
    let Some(opened) = opened else { return Ok(Vec::new()) };
    let content = BtfObject::of(opened.as_fd())?.content(opened.as_fd())?;
    let Ok(btf) = Btf::new(content) else { return Ok(Vec::new()) };
    let text = |line: &CodeLine| {
        let text = format!("{}:{}:{}: {}", btf.string(line.file), line.line, line.column, btf.string(line.text).trim());
        commands::escaped(table::cut(&text, LONGEST).as_bytes())
    };
    Ok(code.lines.iter().map(text).collect())
}

const HELPERS: [Column; 4] = [
    Column { name: "FUNCTION", right: false, least: None },
    Column { name: "CALLS", right: true, least: None },
    Column { name: "EACH", right: true, least: None },
    Column { name: "WHAT IT DOES", right: false, least: None },
];

/// The helper functions that instructions call; kernel functions are not among them.
pub fn helper_table<'a>(insns: impl Iterator<Item = &'a Insn>) -> String {
    let mut calls: BTreeMap<u32, u32> = BTreeMap::new();
    for insn in insns.filter(|insn| insn.is_helper_call()) {
        *calls.entry(insn.imm as u32).or_default() += 1;
    }
    let row = |(id, count): (u32, u32)| {
        let known = helpers::helper(id);
        vec![
            helper::name(id).unwrap_or_else(|| format!("helper {id}")),
            count.to_string(),
            known.and_then(|helper| helper.ns).map_or(String::new(), nanoseconds),
            known.map_or("", |helper| helper.does).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = calls.into_iter().map(row).collect();
    if rows.is_empty() { "none\n".to_owned() } else { table::render(&HELPERS, &rows, None) }
}

/// A way through a program.
pub fn way(way: Way) -> String {
    let calls = match way.open {
        0 => String::new(),
        1 => " +1 call".to_owned(),
        open => format!(" +{open} calls"),
    };
    format!("{} insns {}{calls}", way.insns, nanoseconds(way.ns))
}

fn nanoseconds(ns: f32) -> String {
    if ns < 10.0 { format!("{ns:.1} ns") } else { format!("{ns:.0} ns") }
}
