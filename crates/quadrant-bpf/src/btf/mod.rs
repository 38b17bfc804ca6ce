//! Type information: of a program's functions, the least that the kernel wants for callbacks and global functions, and of data.
//!
//! The format is BTF (Documentation/bpf/btf.rst): a header, type records, and a string section.

mod data;

use std::collections::HashMap;
use std::os::fd::OwnedFd;

pub use data::Field;

use crate::attr;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys::{self, Command};

/// Whether the verifier checks a function once for all callers.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Linkage {
    /// Checked anew for each call, with what the caller passes. Callbacks must be static.
    Static,
    /// Checked once, by its type.
    Global,
}

/// A function of a program: the program's entry, a subprogram, or a callback.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Where it starts, in instructions from the program's start.
    pub start: u32,
    /// Its name, as in C; other characters become `_`.
    pub name: String,
    /// Who checks it. The kernel does not care for the entry.
    pub linkage: Linkage,
    /// How many arguments it takes, each a 64-bit number as far as its type says; at most 5.
    pub arguments: usize,
}

/// Where instructions come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceLine<'a> {
    /// The first of the instructions.
    pub start: u32,
    /// The source's name.
    pub file: &'a str,
    /// The line itself.
    pub text: &'a str,
    /// Its number, from 1; up to 4,194,303.
    pub line: u32,
    /// Column, from 1; up to 1,023.
    pub column: u32,
}

/// Built type information.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Btf {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

/// Kinds of type record.
const KIND_INT: u32 = 1;
const KIND_STRUCT: u32 = 4;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;

/// The integer is signed.
const INT_SIGNED: u32 = 1 << 24;

/// Building.
impl Btf {
    /// No types yet.
    pub fn new() -> Btf {
        Btf { types: Vec::new(), strings: vec![0], count: 0 }
    }

    /// Adds an integer type and returns its id.
    pub fn int(&mut self, name: &str, bytes: u32, signed: bool) -> u32 {
        let id = self.record(name, KIND_INT, 0, bytes);
        self.word((bytes * 8) | if signed { INT_SIGNED } else { 0 });
        id
    }

    /// Adds a structure of that many bytes, without members, and returns its id.
    pub fn structure(&mut self, name: &str, bytes: u32) -> u32 {
        self.record(&identifier(name), KIND_STRUCT, 0, bytes)
    }

    /// Adds a function's prototype and returns its id. Names of arguments matter to nobody; global functions want them.
    pub fn prototype(&mut self, returns: u32, arguments: &[u32]) -> u32 {
        let id = self.record("", KIND_FUNC_PROTO, arguments.len() as u32, returns);
        for (place, argument) in arguments.iter().enumerate() {
            let name = self.string(&format!("a{place}"));
            self.word(name);
            self.word(*argument);
        }
        id
    }

    /// Adds a function and returns its id.
    pub fn function(&mut self, name: &str, linkage: Linkage, prototype: u32) -> u32 {
        let vlen = match linkage {
            Linkage::Static => 0,
            Linkage::Global => 1,
        };
        self.record(&identifier(name), KIND_FUNC, vlen, prototype)
    }

    /// Adds a text that is no type's name, and gives its place in the string section.
    pub fn text(&mut self, text: &str) -> u32 {
        self.string(text)
    }

    /// Adds the text of lines, and gives the records that tie them to instructions: `struct bpf_line_info`.
    pub fn lines(&mut self, lines: &[SourceLine<'_>]) -> Vec<[u32; 4]> {
        const COLUMN: u32 = 0x3ff;
        let mut texts: HashMap<&str, u32> = HashMap::new();
        let mut offset = |text| *texts.entry(text).or_insert_with(|| self.string(text));
        let place = |line: &SourceLine<'_>| line.line << 10 | line.column.min(COLUMN);
        lines.iter().map(|line| [line.start, offset(line.file), offset(line.text), place(line)]).collect()
    }

    /// The bytes that the kernel reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        const MAGIC: u16 = 0xeb9f;
        const VERSION: u8 = 1;
        const HEADER: u32 = 24;
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend([VERSION, 0]);
        for word in [HEADER, 0, types, types, strings] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        bytes
    }

    /// Gives the types to the kernel.
    pub fn load(&self) -> Result<OwnedFd> {
        load(&self.to_bytes())
    }

    /// `extra` is the kind's own word: a size or a type.
    fn record(&mut self, name: &str, kind: u32, vlen: u32, extra: u32) -> u32 {
        let name = if name.is_empty() { 0 } else { self.string(name) };
        self.word(name);
        // The flag of the kind comes with the number of its parts.
        self.word((kind << 24) | vlen);
        self.word(extra);
        self.count += 1;
        self.count
    }

    fn word(&mut self, word: u32) {
        self.types.extend(word.to_ne_bytes());
    }

    fn string(&mut self, text: &str) -> u32 {
        let offset = self.strings.len() as u32;
        self.strings.extend(text.bytes().filter(|byte| *byte != 0));
        self.strings.push(0);
        offset
    }
}

/// Gives type information in the kernel's format to the kernel.
pub fn load(bytes: &[u8]) -> Result<OwnedFd> {
    let mut request = attr::BtfLoad { btf: sys::address(bytes), btf_size: bytes.len() as u32, ..Default::default() };
    sys::bpf_fd(Command::BtfLoad, &mut request)
        .map_err(|errno| Error::os("cannot load type information", Operation::Load, errno))
}

impl Default for Btf {
    fn default() -> Btf {
        Btf::new()
    }
}

/// Types of a program's functions, and the records that tie them to instructions. Functions are `int name(long, ...)`:
/// the kernel asks for int of an entry and of a global function.
pub(crate) fn describe(functions: &[Function]) -> (Btf, Vec<attr::FuncInfo>) {
    const MOST_ARGUMENTS: usize = 5;
    let mut btf = Btf::new();
    let int = btf.int("int", 4, true);
    let long = btf.int("long", 8, true);
    let prototypes: Vec<u32> = (0..=MOST_ARGUMENTS).map(|count| btf.prototype(int, &vec![long; count])).collect();
    let mut infos = Vec::new();
    for function in functions {
        let prototype = prototypes[function.arguments.min(MOST_ARGUMENTS)];
        let type_id = btf.function(&function.name, function.linkage, prototype);
        infos.push(attr::FuncInfo { insn_off: function.start, type_id });
    }
    (btf, infos)
}

/// The kernel accepts C identifiers only.
fn identifier(text: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let name: String = text.chars().take(127).map(clean).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lays_out_the_format() {
        let mut btf = Btf::new();
        let int = btf.int("int", 4, true);
        let prototype = btf.prototype(int, &[int]);
        let function = btf.function("f", Linkage::Static, prototype);
        assert_eq!((int, prototype, function), (1, 2, 3));
        let bytes = btf.to_bytes();
        assert_eq!(&bytes[..2], &0xeb9fu16.to_ne_bytes());
        assert_eq!(bytes.len(), 24 + 16 + (12 + 8) + 12 + "\0int\0a0\0f\0".len());
        assert!(bytes.ends_with(b"\0int\0a0\0f\0"));
    }

    #[test]
    fn makes_identifiers() {
        assert_eq!(identifier("for@1.cb"), "for_1_cb");
        assert_eq!(identifier("1x"), "_1x");
        assert_eq!(identifier(""), "_");
    }
}
