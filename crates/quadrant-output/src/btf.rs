//! Values by their BTF types, for people and as JSON: what objects and programs of others keep in maps and send.
//!
//! The bytes are of a kernel or program that nobody here has compiled: whatever they hold, something is shown. Arrays of characters are
//! text up to their end, escaped; pointers are addresses; a member behind the end of the bytes is `<malformed>` (`null`).

use quadrant_types::{Btf, BtfKind, BtfMember};

use crate::hist::Row;
use crate::json::value::number;
use crate::value::MALFORMED;
use crate::{escape, json, number as digits, text};

/// Deepest nesting that is shown.
const MAX_DEPTH: usize = 16;
/// Most elements of an array that are shown as text; as JSON, all are.
const MAX_ELEMENTS: u32 = 64;
/// Values in one output, whatever types say.
const MAX_VALUES: usize = 100_000;

/// Append a value of the type `id` as text: `{ .pid = 12, .comm = "sh" }`.
pub fn value(out: &mut Vec<u8>, btf: &Btf, id: u32, bytes: &[u8]) {
    Writer { btf, json: false, left: MAX_VALUES }.value(out, id, bytes, 0);
}

/// Append a value of the type `id` as JSON: `{"pid": 12, "comm": "sh"}`.
pub fn json_value(out: &mut Vec<u8>, btf: &Btf, id: u32, bytes: &[u8]) {
    Writer { btf, json: true, left: MAX_VALUES }.value(out, id, bytes, 0);
}

/// Append the rows of a histogram whose slot `n` counts values from 2 to the power n (slot 0: from 0) on, as text.
pub fn histogram(out: &mut Vec<u8>, slots: &[u64]) {
    let first = slots.iter().position(|count| *count != 0).unwrap_or(slots.len());
    let end = slots.iter().rposition(|count| *count != 0).map_or(first, |last| last + 1);
    let row = |slot: usize| {
        let low = if slot == 0 { 0 } else { 1_i128 << slot.min(100) };
        Row { low: Some(low), end: Some(1_i128 << (slot + 1).min(101)), count: slots[slot] }
    };
    let rows: Vec<Row> = (first..end).map(row).collect();
    text::hist::draw(out, &quadrant_program::map::Aggregation::Hist { bits: 0 }, &rows);
}

/// The counts of a struct's member `slots`, by which histograms are kept by convention; `None` if it has none.
pub fn slots(btf: &Btf, id: u32, bytes: &[u8]) -> Option<Vec<u64>> {
    let member = btf.members(btf.resolve(id)).find(|member| member.name == "slots" && member.bits == 0)?;
    let (element, len) = btf.array(btf.resolve(member.ty))?;
    let int = btf.int(btf.resolve(element))?;
    let size = btf.size_of(element).filter(|size| (1..=8).contains(size) && !int.is_char)? as usize;
    let start = (member.bit_offset / 8) as usize;
    let bytes = bytes.get(start..start.checked_add(size.checked_mul(len as usize)?)?)?;
    Some(bytes.chunks_exact(size).map(word).collect())
}

/// The number in up to eight bytes.
fn word(bytes: &[u8]) -> u64 {
    let mut whole = [0; 8];
    let len = bytes.len().min(8);
    whole[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(whole)
}

struct Writer<'a> {
    btf: &'a Btf,
    json: bool,
    left: usize,
}

impl Writer<'_> {
    fn value(&mut self, out: &mut Vec<u8>, id: u32, bytes: &[u8], depth: usize) {
        let id = self.btf.resolve(id);
        let size = self.btf.size_of(id).map_or(0, |size| size as usize);
        // What programs send may end within its last array.
        let whole = bytes.get(..size);
        let part = if self.has_parts(id) && !bytes.is_empty() { Some(bytes) } else { None };
        let is_allowed = depth < MAX_DEPTH && self.left > 0;
        self.left = self.left.saturating_sub(1);
        let Some(bytes) = whole.or(part).filter(|_| is_allowed) else {
            return self.malformed(out);
        };
        match self.btf.kind(id) {
            Some(BtfKind::Int) if bytes.len() <= 8 => self.integer(out, id, word(bytes), bytes.len() as u32 * 8),
            Some(BtfKind::Enum | BtfKind::Enum64) => self.enumeration(out, id, word(bytes), bytes.len() as u32 * 8),
            Some(BtfKind::Ptr) => self.address(out, word(bytes)),
            Some(BtfKind::Float) => self.float(out, bytes),
            Some(BtfKind::Array) => self.array(out, id, bytes, depth),
            Some(BtfKind::Struct | BtfKind::Union) => self.members(out, id, bytes, depth),
            Some(BtfKind::Datasec) => self.section(out, id, bytes, depth),
            _ => self.hex(out, bytes),
        }
    }

    fn has_parts(&self, id: u32) -> bool {
        matches!(self.btf.kind(id), Some(BtfKind::Array | BtfKind::Struct | BtfKind::Union | BtfKind::Datasec))
    }

    fn integer(&self, out: &mut Vec<u8>, id: u32, value: u64, bits: u32) {
        let Some(int) = self.btf.int(id) else { return self.malformed(out) };
        if int.is_bool {
            out.extend_from_slice(if value == 0 { b"false" } else { b"true" });
        } else {
            self.number(out, value, bits, int.signed);
        }
    }

    fn number(&self, out: &mut Vec<u8>, value: u64, bits: u32, signed: bool) {
        let unused = 64_u32.saturating_sub(bits.max(1));
        let number_of = |signed: bool| match signed {
            true => i128::from((value << unused) as i64 >> unused),
            false => i128::from(value << unused >> unused),
        };
        match self.json {
            true => number(out, number_of(signed)),
            false if signed => digits::signed(out, number_of(true) as i64),
            false => digits::unsigned(out, number_of(false) as u64),
        }
    }

    /// By its name; a number that has none stays one.
    fn enumeration(&self, out: &mut Vec<u8>, id: u32, value: u64, bits: u32) {
        let unused = 64_u32.saturating_sub(bits.max(1));
        let same = |constant: i64| (constant as u64) << unused == value << unused;
        match self.btf.enumerators(id).find(|(_, constant)| same(*constant)) {
            Some((name, _)) if self.json => escape::json(out, name.as_bytes()),
            Some((name, _)) => escape::text(out, name.as_bytes()),
            None => self.number(out, value, bits, self.btf.kind_flag(id)),
        }
    }

    fn address(&self, out: &mut Vec<u8>, value: u64) {
        let quote = |out: &mut Vec<u8>| {
            if self.json {
                out.push(b'"')
            }
        };
        quote(out);
        digits::address(out, value);
        quote(out);
    }

    fn float(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        let value = match bytes {
            [a, b, c, d] => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
            _ if bytes.len() == 8 => f64::from_bits(word(bytes)),
            _ => return self.hex(out, bytes),
        };
        match value.is_finite() || !self.json {
            true => out.extend_from_slice(value.to_string().as_bytes()),
            false => out.extend_from_slice(b"null"),
        }
    }

    fn array(&mut self, out: &mut Vec<u8>, id: u32, bytes: &[u8], depth: usize) {
        let Some((element, len)) = self.btf.array(id) else { return self.malformed(out) };
        if self.is_text(element) {
            return self.text(out, bytes);
        }
        let size = self.btf.size_of(element).unwrap_or(0).max(1) as usize;
        let shown = if self.json { len } else { self.worth(bytes, size, len) };
        out.push(b'[');
        for (index, part) in bytes.chunks_exact(size).take(shown as usize).enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            self.value(out, element, part, depth + 1);
        }
        if shown < len {
            out.extend_from_slice(if shown == 0 { b"..." } else { b", ..." });
        }
        out.push(b']');
    }

    /// Elements of a long array up to the last that is not zero, but not too many.
    fn worth(&self, bytes: &[u8], size: usize, len: u32) -> u32 {
        const SHORT: u32 = 8;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last / size + 1) as u32;
        if len <= SHORT { len } else { used.min(MAX_ELEMENTS) }
    }

    /// Compilers call characters `char`, and some tell that they are.
    fn is_text(&self, element: u32) -> bool {
        let id = self.btf.resolve(element);
        let is_char = |int: quadrant_types::BtfInt| int.is_char || self.btf.name(id) == "char";
        self.btf.size_of(id) == Some(1) && self.btf.int(id).is_some_and(is_char)
    }

    fn text(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        if self.json {
            return escape::json(out, &bytes[..end]);
        }
        out.push(b'"');
        escape::text(out, &bytes[..end]);
        out.push(b'"');
    }

    fn members(&mut self, out: &mut Vec<u8>, id: u32, bytes: &[u8], depth: usize) {
        out.extend_from_slice(if self.json { b"{" } else { b"{ " });
        let mut first = true;
        self.visit(out, id, bytes, depth, &mut first);
        out.extend_from_slice(if self.json { b"}" } else { b" }" });
    }

    /// Those of anonymous members are shown in their place.
    fn visit(&mut self, out: &mut Vec<u8>, id: u32, bytes: &[u8], depth: usize, first: &mut bool) {
        let btf = self.btf;
        for member in btf.members(id) {
            let start = (member.bit_offset / 8) as usize;
            let inner = btf.resolve(member.ty);
            let is_record = matches!(btf.kind(inner), Some(BtfKind::Struct | BtfKind::Union));
            if member.name.is_empty() && is_record && depth + 1 < MAX_DEPTH && self.left > 0 {
                self.left -= 1;
                self.visit(out, inner, bytes.get(start..).unwrap_or_default(), depth + 1, first);
                continue;
            }
            if !std::mem::take(first) {
                out.extend_from_slice(b", ");
            }
            self.name(out, member.name);
            self.member(out, &member, bytes, depth);
        }
    }

    /// The variables of a section, as members.
    fn section(&mut self, out: &mut Vec<u8>, id: u32, bytes: &[u8], depth: usize) {
        let btf = self.btf;
        out.extend_from_slice(if self.json { b"{" } else { b"{ " });
        for (index, variable) in btf.variables(id).enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            self.name(out, btf.name(variable.id));
            let rest = bytes.get(variable.offset as usize..).unwrap_or_default();
            self.value(out, btf.size_or_type(variable.id), rest, depth + 1);
        }
        out.extend_from_slice(if self.json { b"}" } else { b" }" });
    }

    fn name(&self, out: &mut Vec<u8>, name: &str) {
        if self.json {
            return json::name(out, name.as_bytes());
        }
        out.push(b'.');
        escape::text(out, name.as_bytes());
        out.extend_from_slice(b" = ");
    }

    fn member(&mut self, out: &mut Vec<u8>, member: &BtfMember<'_>, bytes: &[u8], depth: usize) {
        let start = (member.bit_offset / 8) as usize;
        let rest = bytes.get(start..).unwrap_or_default();
        if member.bits == 0 {
            return self.value(out, member.ty, rest, depth + 1);
        }
        let (shift, bits) = (member.bit_offset % 8, u32::from(member.bits));
        if bits > 64 || (shift + bits).div_ceil(8) as usize > rest.len() {
            return self.malformed(out);
        }
        let wide = u128::from(word(rest)) | u128::from(rest.get(8).copied().unwrap_or(0)) << 64;
        let value = (wide >> shift) as u64 & (u64::MAX >> (64 - bits));
        let id = self.btf.resolve(member.ty);
        match self.btf.kind(id) {
            Some(BtfKind::Enum | BtfKind::Enum64) => self.enumeration(out, id, value, bits),
            _ => self.integer(out, id, value, bits),
        }
    }

    fn hex(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        let quote = |out: &mut Vec<u8>| {
            if self.json {
                out.push(b'"')
            }
        };
        quote(out);
        hex(out, bytes);
        quote(out);
    }

    fn malformed(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.json { b"null" } else { MALFORMED });
    }
}

/// Append bytes of no known type: pairs of hexadecimal digits.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    crate::value::hex_pairs(out, bytes, b' ');
}

/// Append the first bytes of no known type, and how many there are if they are many.
pub fn hex_start(out: &mut Vec<u8>, bytes: &[u8]) {
    const MOST: usize = 128;
    hex(out, &bytes[..bytes.len().min(MOST)]);
    if bytes.len() > MOST {
        out.extend_from_slice(format!(" ... ({} bytes)", bytes.len()).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_by_powers_of_two() {
        let mut out = Vec::new();
        histogram(&mut out, &[3, 0, 6, 0]);
        let text = String::from_utf8(out).unwrap();
        let labels: Vec<&str> = text.lines().map(|line| line[..24].trim_end()).collect();
        assert_eq!(labels, ["[0, 2)                 3", "[2, 4)                 0", "[4, 8)                 6"]);
        histogram(&mut Vec::new(), &[1; 200]);
        histogram(&mut Vec::new(), &[]);
    }

    /// A struct that has itself as a member, eight times, and a typedef of it; found by fuzzing.
    fn endless() -> Btf {
        let mut types = vec![0, (BtfKind::Struct as u32) << 24 | 8, 8];
        types.extend([0, 1, 0].repeat(8));
        types.extend([1, (BtfKind::Typedef as u32) << 24, 1]);
        let len = types.len() as u32 * 4;
        let header = [0x0001_eb9f, 24, 0, len, len, 3];
        let bytes = header.iter().chain(&types).flat_map(|word: &u32| word.to_le_bytes()).chain(*b"\0a\0");
        Btf::new(bytes.collect::<Vec<u8>>()).unwrap()
    }

    #[test]
    fn types_without_end_come_to_one() {
        let (btf, mut out) = (endless(), Vec::new());
        value(&mut out, &btf, 1, &[0; 8]);
        json_value(&mut out, &btf, 1, &[0; 8]);
        assert!(out.len() < 100 * MAX_VALUES);
        assert!(quadrant_types::c_header(&btf, &[], "endless").unwrap().len() < 100 << 20);
        assert!(quadrant_types::c_type(&btf, 2, "name").len() < 100);
    }
}
