//! Types that a script defines itself, laid out as the x86-64 C ABI does.

use super::members::MAX_VISITS;
use super::{CType, Entry, EnumValue, Member, Slot, TypeId, Types};
use crate::TypeError;
use std::rc::Rc;

/// Bytes of the longest vector register.
const MAX_VECTOR: u64 = 64;

/// Deepest nesting of structs and arrays whose alignment is worked out.
const MAX_NESTING: usize = 16;

/// A struct or union to define.
#[derive(Debug, Clone)]
pub struct StructDef {
    /// Tag; empty for an anonymous one.
    pub name: String,
    /// All members at offset 0.
    pub is_union: bool,
    /// What its attributes ask for.
    pub attributes: Attributes,
    /// Members in order.
    pub fields: Vec<FieldDef>,
}

/// A member to define.
#[derive(Debug, Clone)]
pub struct FieldDef {
    /// Name; empty for an anonymous struct or union, or for unnamed bitfield padding.
    pub name: String,
    /// Type.
    pub ty: TypeId,
    /// Bits of a bitfield; 0 closes the storage unit, as in C.
    pub bits: Option<u8>,
    /// What its attributes ask for.
    pub attributes: Attributes,
}

/// What a definition's attributes say of its place in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// `packed`: no more space than is needed, at any address.
    pub packed: bool,
    /// `aligned(n)`: at least so many bytes, a power of two; 0 if nothing is asked for.
    pub align: u64,
    /// `#pragma pack(n)`: no member of a struct is aligned to more bytes; 0 if nothing is said.
    pub most: u64,
}

impl Attributes {
    /// The alignment of `aligned` without a number: the largest of any type of x86-64 and arm64, in bytes.
    pub const MAX_ALIGN: u64 = 16;

    /// The most that can be asked for, in bytes, as with GCC.
    pub const MAX_ASKED: u64 = 1 << 28;

    /// The attributes that lay out memory in ways of their own, which are not known here.
    pub const OTHERS: [&str; 4] = ["mode", "vector_size", "ms_struct", "scalar_storage_order"];

    /// Whether so many bytes can be asked for.
    pub fn is_alignment(bytes: u64) -> bool {
        bytes.is_power_of_two() && bytes <= Self::MAX_ASKED
    }

    /// What either asks for.
    #[must_use]
    pub fn and(self, other: Attributes) -> Attributes {
        Attributes {
            packed: self.packed || other.packed,
            align: self.align.max(other.align),
            most: self.most.max(other.most),
        }
    }

    /// The alignment in bytes of what would have another without attributes.
    fn align(self, natural: u64) -> u64 {
        let align = if self.packed { 1 } else { natural }.max(self.align);
        if self.most == 0 { align } else { align.min(self.most) }
    }
}

impl Types {
    /// Announces a struct or union, so that pointers to it can be made before its definition.
    pub fn declare_struct(&self, name: &str, is_union: bool) -> TypeId {
        if let Some(known) = self.user_struct(name, is_union) {
            return known;
        }
        let ctype = CType::Struct { name: name.into(), size: 0, is_union, complete: false };
        let id = self.push(Slot::Ready(Rc::new(Entry::new(super::Form::Plain, ctype, None))));
        if !name.is_empty() {
            self.remember_struct(name, is_union, id);
        }
        id
    }

    /// Defines a struct or union that shadows the kernel's of the same tag.
    pub fn define_struct(&self, def: &StructDef) -> Result<TypeId, TypeError> {
        let (members, size, align) = Layout::of(self, def)?;
        let id = self.declare_struct(&def.name, def.is_union);
        if self.size_of(id).is_some() {
            return Err(bad(&def.name, "it is defined twice"));
        }
        let name = def.name.as_str().into();
        let ctype = CType::Struct { name, size, is_union: def.is_union, complete: true };
        let entry = Entry { align, ..Entry::new(super::Form::Plain, ctype, None) };
        let _ = entry.members.set(members);
        self.replace(id, entry);
        Ok(id)
    }

    /// An enumeration of which only the tag is known: it has no size, and pointers to it have a use.
    pub fn declare_enum(&self, name: &str) -> TypeId {
        let ctype = CType::Enum { name: name.into(), size: 0, signed: false };
        let id = self.push(Slot::Ready(Rc::new(Entry::new(super::Form::Plain, ctype, None))));
        self.remember_enum(name, id);
        id
    }

    /// Defines an enumeration that shadows the kernel's of the same tag; its constants shadow too.
    /// One that is packed is as small as its constants allow.
    pub fn define_enum(&self, name: &str, values: &[(&str, i64)], packed: bool) -> TypeId {
        let signed = values.iter().any(|&(_, value)| value < 0);
        let fits = |size: u8| values.iter().all(|&(_, value)| holds(size, signed, value));
        let sizes: &[u8] = if packed { &[1, 2, 4] } else { &[4] };
        let size = sizes.iter().copied().find(|&size| fits(size)).unwrap_or(8);
        let ctype = CType::Enum { name: name.into(), size: size.into(), signed };
        let entry = Entry::new(super::Form::Plain, ctype, None);
        let values: Vec<_> = values.iter().map(|&(name, value)| EnumValue { name: name.into(), value }).collect();
        let _ = entry.values.set(values.into());
        let id = self.push(Slot::Ready(Rc::new(entry)));
        self.remember_enum(name, id);
        id
    }

    /// Defines a typedef that shadows the kernel's of the same name.
    pub fn define_typedef(&self, name: &str, target: TypeId) -> TypeId {
        let id = self.typedef(name, target);
        self.remember_typedef(name, id);
        id
    }

    /// The alignment in bytes that C gives a type; 1 for what has none.
    /// BTF does not tell it: it is worked out from size and members.
    pub fn align_of(&self, id: TypeId) -> u64 {
        let mut visits = MAX_VISITS;
        self.align_within(id, MAX_NESTING, &mut visits)
    }

    pub(super) fn typedef(&self, name: &str, target: TypeId) -> TypeId {
        self.intern(super::Form::Typedef(name.into(), target), self.kind(target))
    }

    fn align_within(&self, id: TypeId, depth: usize, visits: &mut usize) -> u64 {
        let (Some(depth), Some(left)) = (depth.checked_sub(1), visits.checked_sub(1)) else { return 1 };
        *visits = left;
        match self.kind(id) {
            CType::Int { size, .. } | CType::Float { size } | CType::Enum { size, .. } | CType::Ptr { size, .. } => {
                u64::from(size).clamp(1, 16)
            }
            CType::Array { .. } if self.is_vector(id) => self.size_of(id).unwrap_or(1).clamp(1, MAX_VECTOR),
            CType::Array { elem, .. } => self.align_within(elem, depth, visits),
            CType::Struct { size, .. } => match self.entry(id).align {
                0 => self.struct_align(id, size.into(), depth, visits),
                known => known,
            },
            CType::Void | CType::Func(_) => 1,
        }
    }

    fn struct_align(&self, id: TypeId, size: u64, depth: usize, visits: &mut usize) -> u64 {
        let mut align = 1;
        for member in self.members(id).iter() {
            let own = self.align_within(member.ty, depth, visits);
            // A misplaced member, or a size that is no multiple, means a packed struct.
            let plain = member.bitfield_size.is_none();
            let misplaced = plain && !member.byte_offset().is_multiple_of(own);
            if misplaced || !size.is_multiple_of(own) {
                return 1;
            }
            align = align.max(own);
        }
        align
    }

    fn replace(&self, id: TypeId, entry: Entry) {
        if let Some(slot) = self.entries.borrow_mut().get_mut(id.0 as usize) {
            *slot = Slot::Ready(Rc::new(entry));
        }
    }
}

/// Places members one after another.
struct Layout<'a> {
    types: &'a Types,
    def: &'a StructDef,
    /// Where the next member may start, in bits.
    end: u64,
    /// Largest end so far: the size of a union.
    extent: u64,
    align: u64,
}

impl<'a> Layout<'a> {
    /// Members, size and alignment in bytes.
    fn of(types: &'a Types, def: &'a StructDef) -> Result<(Rc<[Member]>, u32, u64), TypeError> {
        let mut layout = Self { types, def, end: 0, extent: 0, align: def.attributes.align.max(1) };
        let mut members = Vec::with_capacity(def.fields.len());
        for field in &def.fields {
            members.extend(layout.place(field)?);
        }
        let bytes = layout.extent.div_ceil(8).next_multiple_of(layout.align);
        let size = u32::try_from(bytes).map_err(|_| bad(&def.name, "it is larger than 4 GiB"))?;
        Ok((members.into(), size, layout.align))
    }

    fn place(&mut self, field: &FieldDef) -> Result<Option<Member>, TypeError> {
        let size = self.types.size_of(field.ty).ok_or_else(|| {
            let ty = self.types.display(field.ty);
            bad(&self.def.name, &format!("the size of `{}` (`{ty}`) is not known", field.name))
        })?;
        let align = self.attributes(field).align(self.types.align_of(field.ty));
        let start = if self.def.is_union { 0 } else { self.end };
        match field.bits {
            None => self.place_plain(field, size, align, start).map(Some),
            Some(bits) => self.place_bits(field, bits, size, align, start),
        }
    }

    /// A packed struct's members are all packed, and what holds for all members is said of the struct.
    fn attributes(&self, field: &FieldDef) -> Attributes {
        let all = self.def.attributes;
        Attributes { packed: field.attributes.packed || all.packed, align: field.attributes.align, most: all.most }
    }

    fn place_plain(&mut self, field: &FieldDef, size: u64, align: u64, start: u64) -> Result<Member, TypeError> {
        let at = start.next_multiple_of(align * 8);
        let end = size.checked_mul(8).and_then(|bits| at.checked_add(bits));
        self.advance(end.ok_or_else(|| bad(&self.def.name, "it is larger than 4 GiB"))?, align)?;
        Ok(Member { name: field.name.as_str().into(), ty: field.ty, bit_offset: at, bitfield_size: None })
    }

    fn place_bits(
        &mut self,
        field: &FieldDef,
        bits: u8,
        size: u64,
        align: u64,
        start: u64,
    ) -> Result<Option<Member>, TypeError> {
        if !matches!(self.types.kind(field.ty), CType::Int { .. } | CType::Enum { .. }) {
            return Err(bad(&self.def.name, &format!("bitfield `{}` is no integer", field.name)));
        }
        if u64::from(bits) > size * 8 {
            return Err(bad(&self.def.name, &format!("bitfield `{}` is wider than its type", field.name)));
        }
        let unit = size * 8;
        if bits == 0 {
            self.advance(start.next_multiple_of(unit), 1)?;
            return Ok(None);
        }
        // A bitfield may not cross a boundary of its type's size, unless packed.
        let crosses = start % unit + u64::from(bits) > unit;
        let Attributes { packed, most, .. } = self.attributes(field);
        let at = if crosses && !packed && most == 0 { start.next_multiple_of(unit) } else { start };
        // Of the two, compilers let the pragma say how the struct is aligned by its bitfields.
        let align = if most == 0 { align } else { align.max(self.types.align_of(field.ty).min(most)) };
        self.advance(at + u64::from(bits), if field.name.is_empty() { 1 } else { align })?;
        let name: Rc<str> = field.name.as_str().into();
        let member = Member { name, ty: field.ty, bit_offset: at, bitfield_size: Some(bits) };
        Ok(Some(member).filter(|member| !member.name.is_empty()))
    }

    fn advance(&mut self, end: u64, align: u64) -> Result<(), TypeError> {
        if end / 8 > u64::from(u32::MAX) {
            return Err(bad(&self.def.name, "it is larger than 4 GiB"));
        }
        self.end = end;
        self.extent = self.extent.max(end);
        self.align = self.align.max(align);
        Ok(())
    }
}

/// Whether an integer of so many bytes can have the value.
fn holds(size: u8, signed: bool, value: i64) -> bool {
    let spare = 64 - u32::from(size) * 8;
    let cut = value << spare;
    value == if signed { cut >> spare } else { (cut as u64 >> spare) as i64 }
}

fn bad(name: &str, what: &str) -> TypeError {
    let name = if name.is_empty() { "<anonymous>" } else { name };
    TypeError::BadDefinition { name: name.into(), what: what.into() }
}
