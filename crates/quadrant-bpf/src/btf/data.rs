//! Types of data: what maps hold, and what the kernel's structures look like to a program.

use super::{Btf, identifier};

const KIND_PTR: u32 = 2;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_TYPEDEF: u32 = 8;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;

/// Offsets of members have the width of bit-fields in their upper bits; values of an enumeration are signed.
const FLAG: u32 = 1 << 31;
/// `BTF_VAR_GLOBAL_ALLOCATED`
const GLOBAL: u32 = 1;

/// A member of a structure or union.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// Its name; empty when anonymous.
    pub name: &'a str,
    /// Its type's id.
    pub ty: u32,
    /// Bits from the start; below 2^24 where there are bit-fields.
    pub bit_offset: u32,
    /// Width of a bit-field; 0 for others.
    pub bits: u8,
}

impl Btf {
    /// Adds a pointer and returns its id.
    pub fn pointer(&mut self, to: u32) -> u32 {
        self.record("", KIND_PTR, 0, to)
    }

    /// Adds an array, whose index has the type `index`, and returns its id.
    pub fn array(&mut self, element: u32, index: u32, len: u32) -> u32 {
        let id = self.record("", KIND_ARRAY, 0, 0);
        [element, index, len].into_iter().for_each(|word| self.word(word));
        id
    }

    /// Adds a structure or union of that many bytes, and returns its id. One without a name is anonymous.
    pub fn composite(&mut self, name: &str, is_union: bool, bytes: u32, fields: &[Field<'_>]) -> u32 {
        let kind = if is_union { KIND_UNION } else { KIND_STRUCT };
        let flag = if fields.iter().any(|field| field.bits != 0) { FLAG } else { 0 };
        let id = self.named(name, kind, flag | fields.len() as u32, bytes);
        for field in fields {
            let name = self.name(field.name);
            let offset = u32::from(field.bits) << 24 | field.bit_offset;
            [name, field.ty, offset].into_iter().for_each(|word| self.word(word));
        }
        id
    }

    /// Adds an enumeration of 1, 2, 4 or 8 bytes, and returns its id.
    pub fn enumeration(&mut self, name: &str, bytes: u32, signed: bool, values: &[(&str, i32)]) -> u32 {
        let flag = if signed { FLAG } else { 0 };
        let id = self.named(name, KIND_ENUM, flag | values.len() as u32, bytes);
        for (name, value) in values {
            let name = self.name(name);
            [name, *value as u32].into_iter().for_each(|word| self.word(word));
        }
        id
    }

    /// Adds another name for a type, and returns its id.
    pub fn typedef(&mut self, name: &str, of: u32) -> u32 {
        self.named(name, KIND_TYPEDEF, 0, of)
    }

    /// Adds a global variable, and returns its id.
    pub fn variable(&mut self, name: &str, ty: u32) -> u32 {
        let id = self.named(name, KIND_VAR, 0, ty);
        self.word(GLOBAL);
        id
    }

    /// Adds a section of that many bytes with its variables: their ids, offsets and sizes. Returns its id.
    pub fn section(&mut self, name: &str, bytes: u32, variables: &[(u32, u32, u32)]) -> u32 {
        let id = self.record(name, KIND_DATASEC, variables.len() as u32, bytes);
        for (variable, offset, size) in variables {
            [*variable, *offset, *size].into_iter().for_each(|word| self.word(word));
        }
        id
    }

    fn named(&mut self, name: &str, kind: u32, info: u32, extra: u32) -> u32 {
        let name = if name.is_empty() { String::new() } else { identifier(name) };
        self.record(&name, kind, info, extra)
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() { 0 } else { self.string(&identifier(name)) }
    }
}
