//! C's spelling of a type around a name, inside out: `int (*name)[4]`.

use crate::{Btf, BtfKind};

/// Deepest spelling.
const MAX_DEPTH: usize = 32;

/// Knows the names of types, and how those without a name are written.
pub(super) trait Speller {
    fn btf(&self) -> &Btf;
    fn name(&mut self, id: u32) -> String;
    fn anonymous(&mut self, id: u32, depth: usize) -> String;
    /// How many more types may be spelled: hostile ones contain themselves, several times at each level.
    fn left(&mut self) -> &mut usize;
}

/// Types within one type that are spelled.
const MOST: usize = 10_000;

/// A type as C writes it, around a name (which may be empty); structs without a name are cut short.
pub fn c_type(btf: &Btf, id: u32, name: &str) -> String {
    struct Short<'a>(&'a Btf, usize);
    impl Speller for Short<'_> {
        fn btf(&self) -> &Btf {
            self.0
        }

        fn name(&mut self, id: u32) -> String {
            match self.0.name(id) {
                "" => "{...}".to_owned(),
                name => name.to_owned(),
            }
        }

        fn anonymous(&mut self, id: u32, _: usize) -> String {
            let word = if self.0.kind(id) == Some(BtfKind::Union) { "union" } else { "struct" };
            format!("{word} {{...}}")
        }

        fn left(&mut self) -> &mut usize {
            &mut self.1
        }
    }
    spell(&mut Short(btf, MOST), id, name, 0)
}

pub(super) fn spell(speller: &mut dyn Speller, id: u32, inner: &str, depth: usize) -> String {
    let (kind, target) = (speller.btf().kind(id), speller.btf().size_or_type(id));
    if depth == MAX_DEPTH || *speller.left() == 0 {
        return joined("void", inner);
    }
    *speller.left() -= 1;
    match kind {
        Some(BtfKind::Ptr) => {
            let behind = speller.btf().kind(without_qualifiers(speller.btf(), target));
            let inner = match behind {
                Some(BtfKind::Array | BtfKind::FuncProto) => format!("(*{inner})"),
                _ => format!("*{inner}"),
            };
            spell(speller, target, &inner, depth + 1)
        }
        Some(BtfKind::Array) => {
            let (element, len) = speller.btf().array(id).unwrap_or((0, 0));
            spell(speller, element, &format!("{inner}[{len}]"), depth + 1)
        }
        Some(BtfKind::FuncProto) => {
            let params = params(speller, id, depth);
            spell(speller, target, &format!("{inner}({params})"), depth + 1)
        }
        Some(BtfKind::TypeTag) => spell(speller, target, inner, depth + 1),
        Some(BtfKind::Const) => qualified(speller, "const", target, inner, depth),
        Some(BtfKind::Volatile) => qualified(speller, "volatile", target, inner, depth),
        Some(BtfKind::Restrict) => qualified(speller, "restrict", target, inner, depth),
        Some(BtfKind::Struct | BtfKind::Union) if speller.btf().name(id).is_empty() => {
            let text = speller.anonymous(id, depth + 1);
            joined(&text, inner)
        }
        Some(kind) => {
            let word = match kind {
                BtfKind::Struct => "struct ",
                BtfKind::Union => "union ",
                BtfKind::Fwd if speller.btf().kind_flag(id) => "union ",
                BtfKind::Fwd => "struct ",
                BtfKind::Enum | BtfKind::Enum64 => "enum ",
                _ => "",
            };
            let name = speller.name(id);
            joined(&format!("{word}{name}"), inner)
        }
        None => joined("void", inner),
    }
}

/// A qualifier of a pointer stands behind its star, others stand first. What only C++ would call so is left out.
fn qualified(speller: &mut dyn Speller, word: &str, target: u32, inner: &str, depth: usize) -> String {
    match speller.btf().kind(without_qualifiers(speller.btf(), target)) {
        Some(BtfKind::Ptr) => {
            let separator = if inner.starts_with('*') || inner.is_empty() { "" } else { " " };
            spell(speller, target, &format!("{word}{separator}{inner}"), depth + 1)
        }
        Some(BtfKind::FuncProto) => spell(speller, target, inner, depth + 1),
        _ if word == "restrict" => spell(speller, target, inner, depth + 1),
        _ => {
            let text = spell(speller, target, inner, depth + 1);
            // An array that is constant may have elements that are.
            if text.starts_with(&format!("{word} ")) { text } else { format!("{word} {text}") }
        }
    }
}

fn params(speller: &mut dyn Speller, id: u32, depth: usize) -> String {
    let params: Vec<u32> = speller.btf().params(id).map(|(_, ty)| ty).collect();
    let last = params.len().saturating_sub(1);
    let words: Vec<String> = params
        .iter()
        .enumerate()
        .map(
            |(index, ty)| if *ty == 0 && index == last { "...".to_owned() } else { spell(speller, *ty, "", depth + 1) },
        )
        .collect();
    if words.is_empty() { "void".to_owned() } else { words.join(", ") }
}

fn without_qualifiers(btf: &Btf, id: u32) -> u32 {
    let mut id = id;
    for _ in 0..MAX_DEPTH {
        match btf.kind(id) {
            Some(BtfKind::Const | BtfKind::Volatile | BtfKind::Restrict | BtfKind::TypeTag) => {
                id = btf.size_or_type(id)
            }
            _ => break,
        }
    }
    id
}

fn joined(text: &str, inner: &str) -> String {
    if inner.is_empty() { text.to_owned() } else { format!("{text} {inner}") }
}
