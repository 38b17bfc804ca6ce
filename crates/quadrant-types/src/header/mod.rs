//! BTF as C that clang accepts: a header with which programs are compiled, as `vmlinux.h`.
//!
//! Everything is laid out as BTF says: gaps are filled, structs are packed where they must be. Names that are taken get a flavour
//! (`name___2`), which CO-RE ignores. Enumerations come first, then declarations of all structs, then definitions, each behind what it
//! needs.

mod layout;
mod names;
mod spell;

use crate::{Btf, BtfKind, TypeError, suggest};
use layout::Packing;
use names::Names;
use std::collections::{HashMap, HashSet};

pub use spell::c_type;

/// Deepest chain of definitions that need each other; real kernels have a few dozens.
const MAX_DEPTH: usize = 400;

/// Types that are spelled at least, however few there are. Real kernels spell one for each dozen bytes of BTF.
const LEAST: usize = 1 << 16;

/// The header for these types and all that they need; for none named, for all of this BTF.
pub fn c_header(btf: &Btf, wanted: &[String], name: &str) -> Result<String, TypeError> {
    let mut header = Header {
        btf,
        names: Names::new(btf),
        out: String::new(),
        state: HashMap::new(),
        declared: HashSet::new(),
        packing: Packing::new(btf),
        left: btf.type_bytes().len().max(LEAST),
    };
    let roots = match wanted {
        [] => btf.iter().filter(|(_, kind, name)| is_defined(*kind) && !name.is_empty()).map(|(id, ..)| id).collect(),
        _ => wanted.iter().map(|name| root(btf, name)).collect::<Result<Vec<u32>, TypeError>>()?,
    };
    let body = header.write(&roots, wanted.is_empty());
    Ok(framed(&body, name))
}

fn is_defined(kind: BtfKind) -> bool {
    use BtfKind::*;
    matches!(kind, Struct | Union | Enum | Enum64 | Typedef)
}

/// `task_struct`, `struct task_struct`, `pid_t`.
fn root(btf: &Btf, name: &str) -> Result<u32, TypeError> {
    use BtfKind::*;
    let (kinds, plain) = match name.split_once(' ') {
        Some(("struct", plain)) => (&[Struct][..], plain),
        Some(("union", plain)) => (&[Union][..], plain),
        Some(("enum", plain)) => (&[Enum, Enum64][..], plain),
        _ => (&[Struct, Union, Enum, Enum64, Typedef][..], name),
    };
    btf.find(plain, kinds).ok_or_else(|| {
        let names = btf.iter().filter(|(_, kind, _)| kinds.contains(kind)).map(|(.., name)| name);
        TypeError::UnknownType { name: name.to_owned(), suggestion: suggest(plain, names).map(str::to_owned) }
    })
}

fn framed(body: &str, name: &str) -> String {
    let guard: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!(
        "#ifndef __{guard}_H__\n#define __{guard}_H__\n\n\
         #ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n\
         #pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n#endif\n\n\
         {body}\n\
         #ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n#endif\n"
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begun,
    Done,
}

struct Header<'a> {
    btf: &'a Btf,
    names: Names<'a>,
    out: String,
    /// Of typedefs, and of definitions of structs.
    state: HashMap<u32, State>,
    /// Structs that have been named.
    declared: HashSet<u32>,
    packing: Packing<'a>,
    /// How many more types may be spelled.
    left: usize,
}

impl Header<'_> {
    fn write(&mut self, roots: &[u32], everything: bool) -> String {
        if everything {
            let ids: Vec<(u32, BtfKind)> = self.btf.iter().map(|(id, kind, _)| (id, kind)).collect();
            ids.iter().for_each(|(id, kind)| self.enumeration(*id, *kind));
            ids.iter().filter(|(_, kind)| is_record(*kind)).for_each(|(id, _)| self.declare_record(*id));
            self.out.push('\n');
        }
        roots.iter().for_each(|id| self.complete(*id, 0));
        std::mem::take(&mut self.out)
    }

    fn begin(&mut self, id: u32) -> bool {
        self.state.insert(id, State::Begun).is_none()
    }

    /// Makes all names known that the spelling of a type uses.
    fn declare(&mut self, id: u32, depth: usize) {
        if depth == MAX_DEPTH {
            return;
        }
        let target = self.btf.size_or_type(id);
        match self.btf.kind(id) {
            Some(BtfKind::Ptr | BtfKind::Const | BtfKind::Volatile | BtfKind::Restrict | BtfKind::TypeTag) => {
                self.declare(target, depth + 1);
            }
            Some(BtfKind::Array) => self.complete(id, depth + 1),
            Some(BtfKind::FuncProto) if self.begin(id) => {
                self.declare(target, depth + 1);
                let params: Vec<u32> = self.btf.params(id).map(|(_, ty)| ty).collect();
                params.into_iter().for_each(|ty| self.declare(ty, depth + 1));
            }
            Some(BtfKind::Typedef) => self.typedef(id, depth),
            Some(kind @ (BtfKind::Enum | BtfKind::Enum64)) => self.enumeration(id, kind),
            Some(BtfKind::Struct | BtfKind::Union) if self.btf.name(id).is_empty() => self.complete(id, depth + 1),
            Some(BtfKind::Struct | BtfKind::Union | BtfKind::Fwd) => self.declare_record(id),
            Some(BtfKind::Int | BtfKind::Float) => self.integer(id),
            _ => {}
        }
    }

    /// Makes a type known so that a struct may have a member of it.
    fn complete(&mut self, id: u32, depth: usize) {
        if depth == MAX_DEPTH {
            return;
        }
        let target = self.btf.size_or_type(id);
        match self.btf.kind(id) {
            Some(BtfKind::Const | BtfKind::Volatile | BtfKind::Restrict | BtfKind::TypeTag) => {
                self.complete(target, depth + 1);
            }
            Some(BtfKind::Typedef) => {
                self.typedef(id, depth);
                self.complete(target, depth + 1);
            }
            Some(BtfKind::Array) => {
                if let Some((element, _)) = self.btf.array(id) {
                    self.complete(element, depth + 1);
                }
            }
            Some(BtfKind::Struct | BtfKind::Union) => self.record(id, depth),
            _ => self.declare(id, depth),
        }
    }

    fn typedef(&mut self, id: u32, depth: usize) {
        if !self.begin(id) {
            return;
        }
        let target = self.btf.size_or_type(id);
        self.declare(target, depth + 1);
        let name = self.names.of(id);
        let text = self.spell(target, &name);
        self.out.push_str(&format!("typedef {text};\n\n"));
        self.state.insert(id, State::Done);
    }

    fn record(&mut self, id: u32, depth: usize) {
        // Also those without a name once: hostile types can have themselves as members, twice.
        if !self.begin(id) {
            return;
        }
        let named = !self.btf.name(id).is_empty();
        let members: Vec<u32> = self.btf.members(id).map(|member| member.ty).collect();
        members.into_iter().for_each(|ty| self.complete(ty, depth + 1));
        if named {
            let (name, body) = (self.record_name(id), self.body(id, 0));
            self.out.push_str(&format!("{name} {body};\n\n"));
            self.state.insert(id, State::Done);
        }
    }

    fn declare_record(&mut self, id: u32) {
        if !self.btf.name(id).is_empty() && self.declared.insert(id) {
            let name = self.record_name(id);
            self.out.push_str(&format!("{name};\n"));
        }
    }

    fn record_name(&mut self, id: u32) -> String {
        let is_union = match self.btf.kind(id) {
            Some(BtfKind::Fwd) => self.btf.kind_flag(id),
            kind => kind == Some(BtfKind::Union),
        };
        format!("{} {}", if is_union { "union" } else { "struct" }, self.names.of(id))
    }

    fn enumeration(&mut self, id: u32, kind: BtfKind) {
        if !matches!(kind, BtfKind::Enum | BtfKind::Enum64) || !self.begin(id) {
            return;
        }
        let constants: Vec<(String, i64)> =
            self.btf.enumerators(id).map(|(name, value)| (name.to_owned(), value)).collect();
        let name = self.names.of(id);
        if constants.is_empty() {
            return;
        }
        self.out.push_str(&format!("enum {name} {{\n"));
        let signed = self.btf.kind_flag(id);
        for (constant, value) in constants {
            let constant = self.names.constant(&constant);
            let value = if signed || value >= 0 { constant_text(value) } else { format!("{}ULL", value as u64) };
            self.out.push_str(&format!("\t{constant} = {value},\n"));
        }
        let mode = match self.btf.size_or_type(id) {
            1 => " __attribute__((mode(byte)))",
            2 => " __attribute__((mode(HI)))",
            8 => " __attribute__((mode(DI)))",
            _ => "",
        };
        self.out.push_str(&format!("}}{mode};\n\n"));
    }

    /// An integer that C has no word for.
    fn integer(&mut self, id: u32) {
        if names::is_c_number(self.btf.name(id)) || !self.begin(id) {
            return;
        }
        let signed = self.btf.int(id).is_some_and(|int| int.signed);
        let sign = if signed { "signed" } else { "unsigned" };
        let like = match self.btf.size_or_type(id) {
            1 => "char",
            2 => "short",
            4 => "int",
            16 => "__int128",
            _ => "long",
        };
        let name = self.names.of(id);
        self.out.push_str(&format!("typedef {sign} {like} {name};\n\n"));
    }

    fn spell(&mut self, id: u32, declarator: &str) -> String {
        spell::spell(self, id, declarator, 0)
    }
}

impl spell::Speller for Header<'_> {
    fn btf(&self) -> &Btf {
        self.btf
    }

    fn name(&mut self, id: u32) -> String {
        self.names.of(id)
    }

    fn anonymous(&mut self, id: u32, depth: usize) -> String {
        let word = if self.btf.kind(id) == Some(BtfKind::Union) { "union" } else { "struct" };
        format!("{word} {}", self.body(id, depth))
    }

    fn left(&mut self) -> &mut usize {
        &mut self.left
    }
}

fn is_record(kind: BtfKind) -> bool {
    matches!(kind, BtfKind::Struct | BtfKind::Union | BtfKind::Fwd)
}

fn constant_text(value: i64) -> String {
    match i32::try_from(value) {
        Ok(value) => value.to_string(),
        Err(_) if value == i64::MIN => "(-9223372036854775807LL - 1)".to_owned(),
        Err(_) => format!("{value}LL"),
    }
}
