//! Bodies of structs whose members are where BTF says.

use super::{Header, spell};
use crate::{Btf, BtfKind, BtfMember};
use std::cell::RefCell;
use std::collections::HashMap;

/// Deepest nesting of types without names, and of arrays in alignments.
const MAX_DEPTH: usize = 24;

/// Alignments, in bytes.
pub(super) struct Packing<'a> {
    btf: &'a Btf,
    known: RefCell<HashMap<u32, u32>>,
}

impl<'a> Packing<'a> {
    pub fn new(btf: &'a Btf) -> Self {
        Self { btf, known: RefCell::default() }
    }

    /// What the compiler will align a type to, given the header.
    pub fn align(&self, id: u32, depth: usize) -> u32 {
        let id = self.btf.resolve(id);
        if depth == MAX_DEPTH {
            return 1;
        }
        match self.btf.kind(id) {
            Some(BtfKind::Ptr) => 8,
            Some(BtfKind::Int | BtfKind::Float | BtfKind::Enum | BtfKind::Enum64) => {
                self.btf.size_or_type(id).clamp(1, 16).next_power_of_two()
            }
            Some(BtfKind::Array) => self.btf.array(id).map_or(1, |(element, _)| self.align(element, depth + 1)),
            Some(BtfKind::Struct | BtfKind::Union) => self.record_align(id, depth),
            _ => 1,
        }
    }

    fn record_align(&self, id: u32, depth: usize) -> u32 {
        if let Some(align) = self.known.borrow().get(&id) {
            return *align;
        }
        // Of what contains itself, which only hostile types do, nothing is known while this is found out.
        self.known.borrow_mut().insert(id, 1);
        let mut align = 1;
        for member in self.btf.members(id) {
            let own = self.align(member.ty, depth + 1);
            // A member out of its place, or a size that does not fit, means a packed struct.
            if member.bits == 0 && !member.bit_offset.is_multiple_of(own * 8) {
                align = 1;
                break;
            }
            align = align.max(own);
        }
        if !self.btf.size_or_type(id).is_multiple_of(align) {
            align = 1;
        }
        self.known.borrow_mut().insert(id, align);
        align
    }

    /// Whether a struct must be packed for its members to be where they are.
    fn is_packed(&self, id: u32, depth: usize) -> bool {
        let natural = self.btf.members(id).map(|member| self.align(member.ty, depth)).max().unwrap_or(1);
        natural > self.align(id, depth)
    }
}

impl Header<'_> {
    /// `{ members }`, with an attribute if need be.
    pub(super) fn body(&mut self, id: u32, depth: usize) -> String {
        let packed = self.packing.is_packed(id, 0);
        let indent = "\t".repeat(depth.min(MAX_DEPTH) + 1);
        let mut body = Body { id, text: String::new(), indent, end: 0, pads: 0, packed };
        if depth < MAX_DEPTH {
            let members: Vec<BtfMember<'_>> = self.btf.members(id).collect();
            let is_union = self.btf.kind(id) == Some(BtfKind::Union);
            members.iter().for_each(|member| self.member(&mut body, member, is_union, depth));
        }
        let size = u64::from(self.btf.size_or_type(id)) * 8;
        let align = if packed { 8 } else { u64::from(self.packing.align(id, 0)) * 8 };
        if body.end.next_multiple_of(align) < size {
            if self.btf.kind(id) == Some(BtfKind::Union) {
                body.end = 0;
            }
            body.pad(size);
        }
        let attribute = if packed { " __attribute__((packed))" } else { "" };
        format!("{{\n{}{}}}{attribute}", body.text, &body.indent[1..])
    }

    fn member(&mut self, body: &mut Body, member: &BtfMember<'_>, is_union: bool, depth: usize) {
        let at = u64::from(member.bit_offset);
        let bits = match member.bits {
            0 => u64::from(self.btf.size_of(member.ty).unwrap_or(0)) * 8,
            bits => bits.into(),
        };
        if is_union {
            body.end = body.end.max(bits);
        } else {
            let align =
                if member.bits > 0 || body.packed { 1 } else { u64::from(self.packing.align(member.ty, 0)) * 8 };
            let start = body.end.next_multiple_of(align);
            if start < at {
                body.pad(at);
            } else if member.bits == 0 && body.end > at {
                // Overlapping members cannot be written; what others wrote may have them.
                return;
            }
            body.end = at + bits;
        }
        let name = spell_name(member.name);
        let text = spell::spell(self, member.ty, &name, depth);
        let width = if member.bits > 0 { format!(": {}", member.bits) } else { String::new() };
        body.text.push_str(&format!("{}{text}{width};\n", body.indent));
    }
}

/// Members may be called like keywords in other languages, but not in C.
fn spell_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

struct Body {
    /// Of the struct: members of structs without a name share the scope of what they are in.
    id: u32,
    text: String,
    indent: String,
    /// Where the next member would start, in bits.
    end: u64,
    pads: u32,
    packed: bool,
}

impl Body {
    /// Fills up to a bit.
    fn pad(&mut self, to: u64) {
        while self.end < to {
            let (rest, inside) = (to - self.end, self.end % 8);
            if inside == 0 && rest >= 8 {
                self.pads += 1;
                self.text.push_str(&format!(
                    "{}unsigned char __pad{}_{}[{}];\n",
                    self.indent,
                    self.id,
                    self.pads,
                    rest / 8
                ));
                self.end += rest / 8 * 8;
            } else {
                let bits = rest.min(8 - inside);
                self.text.push_str(&format!("{}unsigned char : {bits};\n", self.indent));
                self.end += bits;
            }
        }
    }
}
