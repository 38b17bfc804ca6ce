//! The kernel's types as far as a program depends on them: of each struct the members that are used, where they are here. The loader
//! looks for members of the same names in the types of its kernel.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use quadrant_bpf::btf::Field;
use quadrant_program::core::Aspect;
use quadrant_program::core::Relocation;
use quadrant_types::CType;
use quadrant_types::Member;
use quadrant_types::TypeId;
use quadrant_types::Types;

use crate::map_types::MapTypes;

/// What a relocation's record says besides its place: type, way, kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) ty: u32,
    pub(super) access: u32,
    pub(super) kind: u32,
}

/// Types in use.
pub(super) struct KernelTypes<'a> {
    types: &'a Types,
    /// Structs and unions with their members, by their places.
    structs: BTreeMap<TypeId, Vec<Member>>,
    /// Enumerations with their constants.
    enums: BTreeMap<TypeId, Vec<(String, i64)>>,
    made: HashMap<TypeId, u32>,
}

impl<'a> KernelTypes<'a> {
    /// All that relocations mention.
    pub(super) fn of(types: &'a Types, relocations: &[Arc<Relocation>]) -> KernelTypes<'a> {
        let mut used = KernelTypes { types, structs: BTreeMap::new(), enums: BTreeMap::new(), made: HashMap::new() };
        relocations.iter().for_each(|relocation| used.note(relocation));
        used
    }

    fn note(&mut self, relocation: &Relocation) {
        if relocation.aspect == Aspect::Enumerator {
            let constants = self.enums.entry(relocation.of).or_default();
            let constant = (relocation.path.concat(), relocation.value);
            if !constants.contains(&constant) {
                constants.push(constant);
            }
            return;
        }
        let mut at = relocation.of;
        self.structs.entry(at).or_default();
        for name in &relocation.path {
            let Some(member) = self.types.find_member(at, name) else { return };
            let members = self.structs.entry(at).or_default();
            if !members.contains(&member) {
                // The kernel wants them in the order of their places.
                let before = members.partition_point(|other| other.bit_offset <= member.bit_offset);
                members.insert(before, member.clone());
            }
            at = self.types.resolve(member.ty);
        }
    }

    /// Adds the types, and gives the record of each relocation.
    pub(super) fn describe(mut self, out: &mut MapTypes, relocations: &[Arc<Relocation>]) -> Vec<Record> {
        relocations.iter().map(|relocation| self.record(out, relocation)).collect()
    }

    fn record(&mut self, out: &mut MapTypes, relocation: &Relocation) -> Record {
        let ty = self.ty(out, relocation.of);
        let way = match relocation.aspect {
            Aspect::Enumerator => {
                let constants = &self.enums[&relocation.of];
                constants.iter().position(|(name, _)| *name == relocation.path.concat()).unwrap_or(0).to_string()
            }
            _ => self.way(relocation),
        };
        Record { ty, access: out.btf.text(&way), kind: kind(relocation.aspect) }
    }

    /// `0:1:2`: the type itself, then the index of each member.
    fn way(&self, relocation: &Relocation) -> String {
        let (mut way, mut at) = ("0".to_owned(), relocation.of);
        for name in &relocation.path {
            let members = self.structs.get(&at).map_or(&[][..], Vec::as_slice);
            let index = members.iter().position(|member| *member.name == **name).unwrap_or(0);
            way.push_str(&format!(":{index}"));
            at = members.get(index).map_or(at, |member| self.types.resolve(member.ty));
        }
        way
    }

    /// The id of a type as a member has it; structs that are only passed through have no members.
    fn ty(&mut self, out: &mut MapTypes, ty: TypeId) -> u32 {
        let ty = self.types.resolve(ty);
        if let Some(known) = self.made.get(&ty) {
            return *known;
        }
        let id = match self.types.kind(ty) {
            CType::Struct { name, size, is_union, .. } => self.composite(out, ty, (&name, is_union, size)),
            CType::Enum { name, size, signed } => self.enumeration(out, ty, (&name, size, signed)),
            CType::Array { elem, len } => {
                let elem = self.ty(out, elem);
                out.array(elem, len as u32)
            }
            CType::Int { size, signed, .. } => {
                let name = format!("{}{}", if signed { "s" } else { "u" }, size * 8);
                out.btf.int(&name, size, signed)
            }
            CType::Ptr { .. } => out.btf.pointer(0),
            CType::Float { size } => out.btf.int("number", size, false),
            CType::Void | CType::Func(_) => 0,
        };
        self.made.insert(ty, id);
        id
    }

    fn composite(&mut self, out: &mut MapTypes, ty: TypeId, (name, is_union, size): (&str, bool, u32)) -> u32 {
        let members = self.structs.get(&ty).cloned().unwrap_or_default();
        let types: Vec<u32> = members.iter().map(|member| self.ty(out, member.ty)).collect();
        let fields: Vec<Field> = members
            .iter()
            .zip(types)
            .map(|(member, ty)| Field {
                name: &member.name,
                ty,
                bit_offset: member.bit_offset as u32,
                bits: member.bitfield_size.unwrap_or(0),
            })
            .collect();
        out.btf.composite(name, is_union, size, &fields)
    }

    fn enumeration(&mut self, out: &mut MapTypes, ty: TypeId, (name, size, signed): (&str, u32, bool)) -> u32 {
        let constants = self.enums.get(&ty).cloned().unwrap_or_default();
        let values: Vec<(&str, i32)> = constants.iter().map(|(name, value)| (name.as_str(), *value as i32)).collect();
        out.btf.enumeration(name, size, signed, &values)
    }
}

/// `enum bpf_core_relo_kind`
fn kind(aspect: Aspect) -> u32 {
    match aspect {
        Aspect::Offset => 0,
        Aspect::LeftShift => 4,
        Aspect::RightShift => 5,
        Aspect::Size => 9,
        Aspect::Enumerator => 11,
    }
}
