//! Types of the script in programs of 32 bits. They are laid out once, as in programs of 64 bits.

use quadrant_program::span::Span;
use quadrant_types::{CType, DebugTag, TypeId, Types};

use super::Lower;

/// How deep types are looked into: no script's own stand deeper in each other.
const MAX_DEPTH: u8 = 64;

/// What is between the members of `struct { int i; long long n; }` or behind them in programs of 64 bits only, where numbers of eight bytes
/// are at multiples of eight.
const GAP_BITS: u64 = 32;

impl Lower<'_> {
    /// A type that was found by its name, unless it is the script's own and would be another in the program.
    pub(super) fn of_this_width(&mut self, tag: DebugTag, name: &str, id: TypeId, span: Span) -> Option<TypeId> {
        let types = self.env.types;
        if !self.is_narrow() || types.lookup_own(tag, name) != Some(id) || is_same(types, id, MAX_DEPTH) {
            return Some(id);
        }
        let shown = types.display(id);
        self.error_help(
            span,
            format!("not supported: `{shown}` is laid out as in programs of 64 bits, and the probed program has 32"),
            "give its members a fixed width that leaves no gaps: int32 for `long`, uint32 for pointers, two of them for `long long`",
        )
    }
}

/// Whether a type is the same in programs of 32 and of 64 bits.
fn is_same(types: &Types, id: TypeId, depth: u8) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match types.kind(id) {
        CType::Ptr { .. } => types.is_short_pointer(id),
        CType::Int { .. } => word_of_c(&types.display(types.resolve(id))).is_none(),
        CType::Float { size } => size <= 8,
        CType::Array { elem, .. } => is_same(types, elem, depth),
        CType::Struct { size, is_union, .. } => is_same_record(types, id, (size, is_union), depth),
        CType::Enum { .. } | CType::Func(_) | CType::Void => true,
    }
}

fn is_same_record(types: &Types, id: TypeId, (size, is_union): (u32, bool), depth: u8) -> bool {
    let mut end = 0;
    for member in types.members(id).iter() {
        let bits = types.size_of(member.ty).unwrap_or(0) * 8;
        let is_long_bitfield = member.bitfield_size.is_some() && bits > 32;
        let has_gap = !is_union && member.bit_offset >= end + GAP_BITS;
        if is_long_bitfield || has_gap || !is_same(types, member.ty, depth) {
            return false;
        }
        end = end.max(member.bit_offset + member.bitfield_size.map_or(bits, u64::from));
    }
    u64::from(size) * 8 < end + GAP_BITS
}

/// Whether a type of C that is as wide as a pointer has a sign; none for other types.
pub(super) fn word_of_c(name: &str) -> Option<bool> {
    match name {
        "long" | "long int" | "ssize_t" | "intptr_t" | "ptrdiff_t" => Some(true),
        "unsigned long" | "long unsigned int" | "unsigned long int" | "size_t" | "uintptr_t" => Some(false),
        _ => None,
    }
}
