//! Names in C: each is one thing within its scope.

use crate::{Btf, BtfKind};
use std::collections::HashMap;

/// Numbers that C has words for.
const NUMBERS: [&str; 24] = [
    "char",
    "signed char",
    "unsigned char",
    "short",
    "short int",
    "short unsigned int",
    "unsigned short",
    "int",
    "unsigned int",
    "long",
    "long int",
    "long unsigned int",
    "unsigned long",
    "long long",
    "long long int",
    "long long unsigned int",
    "unsigned long long",
    "_Bool",
    "__int128",
    "__int128 unsigned",
    "unsigned __int128",
    "float",
    "double",
    "long double",
];

/// Words that cannot be names.
const KEYWORDS: [&str; 16] = [
    "auto", "break", "case", "const", "default", "do", "else", "enum", "extern", "goto", "inline", "register",
    "return", "static", "struct", "union",
];

pub(super) fn is_c_number(name: &str) -> bool {
    NUMBERS.contains(&name)
}

/// Words and types that the compiler knows already; its `__builtin_va_list` for BPF is another than the kernel's.
fn is_known(name: &str) -> bool {
    KEYWORDS.contains(&name) || name.starts_with("__builtin_")
}

/// Gives out names.
pub(super) struct Names<'a> {
    btf: &'a Btf,
    given: HashMap<u32, String>,
    /// How often a tag (true) or another name (false) has been given out.
    taken: HashMap<(bool, String), u32>,
    /// The definition of a struct that is also declared, by its name.
    defined: HashMap<(&'a str, bool), u32>,
}

impl<'a> Names<'a> {
    pub fn new(btf: &'a Btf) -> Self {
        let mut defined = HashMap::new();
        for (id, kind, name) in btf.iter() {
            if matches!(kind, BtfKind::Struct | BtfKind::Union) {
                defined.entry((name, kind == BtfKind::Union)).or_insert(id);
            }
        }
        Self { btf, given: HashMap::new(), taken: HashMap::new(), defined }
    }

    /// The name of a type, with a flavour if another type has it already.
    pub fn of(&mut self, id: u32) -> String {
        let id = self.definition(id);
        if let Some(name) = self.given.get(&id) {
            return name.clone();
        }
        let kind = self.btf.kind(id);
        let name = match (kind, self.btf.name(id)) {
            (Some(BtfKind::Int | BtfKind::Float), name) if is_c_number(name) => name.to_owned(),
            (_, "") => format!("anonymous_{id}"),
            (Some(BtfKind::Typedef | BtfKind::Int | BtfKind::Float), name) => self.unique(false, name),
            (_, name) => self.unique(true, name),
        };
        self.given.insert(id, name.clone());
        name
    }

    /// The name of an enumeration's constant.
    pub fn constant(&mut self, name: &str) -> String {
        self.unique(false, name)
    }

    /// A declaration is of the definition that has its name.
    fn definition(&self, id: u32) -> u32 {
        if self.btf.kind(id) != Some(BtfKind::Fwd) {
            return id;
        }
        self.defined.get(&(self.btf.name(id), self.btf.kind_flag(id))).copied().unwrap_or(id)
    }

    fn unique(&mut self, is_tag: bool, name: &str) -> String {
        let name = identifier(name);
        let count = self.taken.entry((is_tag, name.clone())).or_default();
        *count += 1;
        match *count {
            1 if !is_known(&name) => name,
            count => format!("{name}___{}", count.max(2)),
        }
    }
}

/// Names of other languages made into C's.
fn identifier(name: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let name: String = name.chars().map(clean).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}
