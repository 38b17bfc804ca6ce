//! What is inside structs, unions and enumerations.

use super::{CType, Entry, EnumValue, Home, Member, Origin, TypeId, Types};
use crate::Btf;
use crate::btf::RawMember;
use std::rc::Rc;

/// Deepest nesting of anonymous members that is searched.
const MAX_DEPTH: usize = 16;
/// Members looked at in one search, so that hostile BTF cannot make it exponential.
pub(super) const MAX_VISITS: usize = 100_000;

impl Types {
    /// The members of a struct or union in order, anonymous ones as one member
    /// without a name, whatever typedefs and qualifiers it wears; empty for other types.
    pub fn members(&self, id: TypeId) -> Rc<[Member]> {
        let entry = self.entry(self.resolve(id));
        entry.members.get_or_init(|| self.decode_members(&entry)).clone()
    }

    /// The member called `name`, also inside anonymous structs and unions;
    /// its offset counts from the start of `id`.
    pub fn find_member(&self, id: TypeId, name: &str) -> Option<Member> {
        let mut visits = MAX_VISITS;
        self.search_member(id, name, MAX_DEPTH, &mut visits)
    }

    /// The names that [`find_member`](Self::find_member) would find, for suggestions.
    pub fn member_names(&self, id: TypeId) -> Vec<Rc<str>> {
        let mut names = Vec::new();
        let mut visits = MAX_VISITS;
        self.collect_names(id, MAX_DEPTH, &mut visits, &mut names);
        names
    }

    /// The constants of an enumeration, whatever typedefs and qualifiers it wears; empty for other types.
    pub fn enum_values(&self, id: TypeId) -> Rc<[EnumValue]> {
        let entry = self.entry(self.resolve(id));
        entry.values.get_or_init(|| self.decode_values(&entry)).clone()
    }

    /// The name of a value of an enumeration.
    pub fn enum_name(&self, id: TypeId, value: i64) -> Option<Rc<str>> {
        let values = self.enum_values(id);
        values.iter().find(|constant| constant.value == value).map(|constant| constant.name.clone())
    }

    fn search_member(&self, id: TypeId, name: &str, depth: usize, visits: &mut usize) -> Option<Member> {
        let members = self.members(id);
        *visits = visits.checked_sub(members.len())?;
        if let Some(found) = members.iter().find(|m| !name.is_empty() && *m.name == *name) {
            return Some(found.clone());
        }
        let depth = depth.checked_sub(1)?;
        members.iter().filter(|member| member.name.is_empty()).find_map(|outer| {
            let inner = self.search_member(outer.ty, name, depth, visits)?;
            let bit_offset = outer.bit_offset.saturating_add(inner.bit_offset);
            Some(Member { bit_offset, ..inner })
        })
    }

    fn collect_names(&self, id: TypeId, depth: usize, visits: &mut usize, names: &mut Vec<Rc<str>>) {
        for member in self.members(id).iter() {
            let Some(left) = visits.checked_sub(1) else { return };
            *visits = left;
            if !member.name.is_empty() {
                names.push(member.name.clone());
            } else if depth > 0 {
                self.collect_names(member.ty, depth - 1, visits, names);
            }
        }
    }

    fn decode_members(&self, entry: &Entry) -> Rc<[Member]> {
        let CType::Struct { complete: true, .. } = entry.ctype else { return Rc::default() };
        let origin = match entry.home {
            Some(Home::Btf(origin)) => origin,
            Some(Home::Debug(of, die)) => return self.debug_members(of, die),
            None => return Rc::default(),
        };
        let Some(btf) = self.btf_at(origin.btf) else { return Rc::default() };
        let Some(record) = btf.record(origin.id) else { return Rc::default() };
        record.members().map(|raw| self.decode_member(&btf, origin, &raw)).collect()
    }

    fn decode_member(&self, btf: &Btf, origin: Origin, raw: &RawMember) -> Member {
        let ty = self.handle(Origin { id: raw.ty, ..origin });
        let (shift, old_style) = old_bitfield(btf, raw.ty);
        Member {
            name: btf.string(raw.name_off).into(),
            ty,
            bit_offset: u64::from(raw.bit_offset) + u64::from(shift),
            bitfield_size: if raw.bits != 0 { Some(raw.bits) } else { old_style },
        }
    }

    fn decode_values(&self, entry: &Entry) -> Rc<[EnumValue]> {
        let CType::Enum { .. } = entry.ctype else { return Rc::default() };
        let origin = match entry.home {
            Some(Home::Btf(origin)) => origin,
            Some(Home::Debug(of, die)) => return self.debug_constants(of, die),
            None => return Rc::default(),
        };
        let Some(btf) = self.btf_at(origin.btf) else { return Rc::default() };
        let Some(record) = btf.record(origin.id) else { return Rc::default() };
        let constants = record.enumerators();
        constants.map(|(at, value)| EnumValue { name: btf.string(at).into(), value }).collect()
    }
}

/// Early BTF writes a bitfield as an INT narrower than its bytes: the shift and the width.
fn old_bitfield(btf: &Btf, ty: u32) -> (u8, Option<u8>) {
    let Some(record) = btf.record(ty).filter(|record| record.kind == crate::BtfKind::Int) else {
        return (0, None);
    };
    let encoding = record.int_encoding();
    let narrow = u32::from(encoding.bits) < record.value.saturating_mul(8) && encoding.bits != 0;
    if narrow { (encoding.bit_offset, Some(encoding.bits)) } else { (0, None) }
}
