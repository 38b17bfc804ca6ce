//! How a probe's argument is passed: the C type that a macro casts it to, and the size in its note.

use super::definition::Resolved;
use crate::ast::{Tag, TypeSpecKind};

/// An argument that a macro passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed {
    /// What it is cast to.
    pub cast: &'static str,
    /// Its bytes, negative for signed values.
    pub size: i8,
    /// It is an address, or may be one: the tracer may read what is there.
    pub may_point: bool,
}

const ADDRESS: Passed = Passed { cast: "const volatile void *", size: 8, may_point: true };

/// What is wrong with `void` among others.
pub(super) const VOID: &str = "void must be sole parameter";

/// How a value of the type is passed.
///
/// # Errors
/// It does not fit into a register; the text says what to do.
pub(super) fn passed(ty: &Resolved) -> Result<Passed, String> {
    if !ty.wraps.is_empty() {
        return Ok(ADDRESS);
    }
    match &ty.base.kind {
        TypeSpecKind::Words(words) => of_words(words),
        TypeSpecKind::Named(name) => Ok(of_name(&name.name)),
        TypeSpecKind::Tagged { tag: Tag::Enum, .. } => Ok(Passed { cast: "int", size: -4, may_point: false }),
        TypeSpecKind::Tagged { tag, .. } => {
            Err(format!("a probe cannot pass a {} by value: pass its address", tag.word()))
        }
        TypeSpecKind::Error => Err("a probe's argument needs a type".to_owned()),
    }
}

/// Whether it is an address; nothing of what the file does not say.
pub(super) fn is_address(ty: &Resolved) -> Option<bool> {
    match &ty.base.kind {
        _ if !ty.wraps.is_empty() => Some(true),
        TypeSpecKind::Words(words) => Some(words.split(' ').any(|word| word == "string")),
        TypeSpecKind::Tagged { tag: Tag::Enum, .. } => Some(false),
        _ => None,
    }
}

/// C's words, in any order.
fn of_words(words: &str) -> Result<Passed, String> {
    let count = |wanted: &str| words.split(' ').filter(|word| *word == wanted).count();
    let unsigned = count("unsigned") > 0;
    let (cast, size) = if count("string") > 0 {
        return Ok(ADDRESS);
    } else if count("void") > 0 {
        return Err(VOID.to_owned());
    } else if count("double") > 0 && count("long") > 0 {
        return Err("a probe cannot pass a long double: pass its address".to_owned());
    } else if count("double") > 0 {
        ("double", 8)
    } else if count("float") > 0 {
        ("float", 4)
    } else if count("char") > 0 {
        integer(1, unsigned, ["signed char", "unsigned char"])
    } else if count("short") > 0 {
        integer(2, unsigned, ["short", "unsigned short"])
    } else if count("long") > 0 {
        integer(8, unsigned, ["long", "unsigned long"])
    } else {
        integer(4, unsigned, ["int", "unsigned int"])
    };
    Ok(Passed { cast, size, may_point: false })
}

fn integer(bytes: i8, unsigned: bool, casts: [&'static str; 2]) -> (&'static str, i8) {
    (casts[usize::from(unsigned)], if unsigned { bytes } else { -bytes })
}

/// Types that the file does not define: those that C and POSIX give a size on 64-bit Linux; anything else fits a register.
fn of_name(name: &str) -> Passed {
    let (cast, size) = match name {
        "int8_t" => ("signed char", -1),
        "uint8_t" | "uchar_t" | "u_char" | "bool" | "_Bool" => ("unsigned char", 1),
        "int16_t" => ("short", -2),
        "uint16_t" | "ushort_t" | "u_short" | "in_port_t" => ("unsigned short", 2),
        "int32_t" | "pid_t" | "id_t" | "clockid_t" | "wchar_t" => ("int", -4),
        "uint32_t" | "uint_t" | "u_int" | "uid_t" | "gid_t" | "mode_t" | "in_addr_t" => ("unsigned int", 4),
        "uint64_t" | "size_t" | "uintptr_t" | "ulong_t" | "u_long" | "ino_t" | "dev_t" | "u_longlong_t" => {
            ("unsigned long", 8)
        }
        _ => return Passed { cast: "long", size: -8, may_point: true },
    };
    Passed { cast, size, may_point: false }
}
