//! Types from the debug information of programs.

use super::{
    CType, DebugTypes, Entry, EnumValue, Form, FuncProto, Home, MAX_CHAIN, Member, Param, Qualifier, TypeId, Types, X87,
};
use crate::DebugInfo;
use crate::dwarf::{self, Die, DieRef, Passing};
use gimli::DwTag;
use std::rc::Rc;

/// More dimensions of an array are left out.
const MAX_DIMENSIONS: usize = 16;

/// Bytes of the longest number.
const MAX_NUMBER: u64 = 1024;

/// Deepest chain of pointers, qualifiers and typedefs that is compared.
const MAX_ALIKE: u8 = 16;

/// What two records or enumerations of one program have in common that are alike: what they are, and the name, the place or value,
/// and the width of each part.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape(DebugTypes, CType, Vec<(Rc<str>, i64, Option<u8>)>);

/// What kind of type a name is looked for as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DebugTag {
    /// `struct NAME`, or a class.
    Struct,
    /// `union NAME`
    Union,
    /// `enum NAME`
    Enum,
    /// A name that needs no word before it: a typedef, and in C++ and Rust all of these.
    Plain,
}

impl DebugTag {
    fn tags(self) -> &'static [DwTag] {
        match self {
            Self::Struct => &[gimli::DW_TAG_structure_type, gimli::DW_TAG_class_type],
            Self::Union => &[gimli::DW_TAG_union_type],
            Self::Enum => &[gimli::DW_TAG_enumeration_type],
            Self::Plain => &[
                gimli::DW_TAG_typedef,
                gimli::DW_TAG_structure_type,
                gimli::DW_TAG_class_type,
                gimli::DW_TAG_union_type,
                gimli::DW_TAG_enumeration_type,
                gimli::DW_TAG_base_type,
            ],
        }
    }
}

impl Types {
    /// Adds the debug information of a program or library.
    pub fn add_debug_info(&self, info: Rc<DebugInfo>) -> DebugTypes {
        let mut all = self.debug.borrow_mut();
        all.push(info);
        DebugTypes(u32::try_from(all.len() - 1).unwrap_or(u32::MAX))
    }

    /// The debug information that a handle stands for.
    pub fn debug_info(&self, of: DebugTypes) -> Option<Rc<DebugInfo>> {
        self.debug.borrow().get(of.0 as usize).cloned()
    }

    /// The type at a place of a program's debug information; without a place it is `void`.
    pub fn debug_type(&self, of: DebugTypes, die: Option<DieRef>) -> TypeId {
        die.map_or(TypeId::VOID, |die| self.handle_at(Home::Debug(of, die)))
    }

    /// A type of a program by its name, as `Thing` or `ns::Thing`.
    pub fn lookup_debug_type(&self, of: DebugTypes, tag: DebugTag, name: &str) -> Option<TypeId> {
        let die = self.debug_info(of)?.find_type(name, tag.tags())?;
        Some(self.debug_type(of, Some(die)))
    }

    /// A constant of one of a program's enumerations, and its type.
    pub fn lookup_debug_constant(&self, of: DebugTypes, name: &str) -> Option<(i64, TypeId)> {
        let die = self.debug_info(of)?.find_constant(name)?;
        let id = self.debug_type(of, Some(die));
        let last = name.rsplit("::").next();
        let value = self.enum_values(id).iter().find(|constant| Some(&*constant.name) == last)?.value;
        Some((value, id))
    }

    /// The nearest name among a program's types. Reads all names: for error messages only.
    pub fn suggest_debug_type(&self, of: DebugTypes, tag: DebugTag, name: &str) -> Option<String> {
        let names = self.debug_info(of)?.type_names(tag.tags());
        crate::suggest::suggest(name, names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// Whether the calling convention hands over such a value or its address.
    pub fn passing(&self, id: TypeId) -> Passing {
        let Some(Home::Debug(of, die)) = self.entry(id).home else { return Passing::ByValue };
        let passing = |info: &DebugInfo| info.die(die).map(|class| dwarf::passing(&class));
        self.debug_info(of).and_then(|info| passing(&info)).unwrap_or(Passing::ByValue)
    }

    /// One handle for types that every unit of a program describes again: code that reads them can be shared.
    pub fn shared(&self, id: TypeId) -> TypeId {
        self.shared_within(id, MAX_ALIKE)
    }

    fn shared_within(&self, id: TypeId, depth: u8) -> TypeId {
        let entry = self.entry(id);
        let (Some(Home::Debug(of, _)), Some(depth)) = (entry.home, depth.checked_sub(1)) else { return id };
        match (&entry.form, &entry.ctype) {
            (Form::Base(_), CType::Struct { .. }) => self.first_alike(of, id),
            (Form::Base(_), ctype) => self.intern(entry.form.clone(), ctype.clone()),
            (Form::Qualified(qualifier, inner), _) => {
                let inner = self.shared_within(*inner, depth);
                self.intern(Form::Qualified(qualifier.clone(), inner), self.kind(inner))
            }
            (Form::Typedef(name, inner), _) => {
                let inner = self.shared_within(*inner, depth);
                self.intern(Form::Typedef(name.clone(), inner), self.kind(inner))
            }
            (Form::Plain, CType::Ptr { to, size }) => self.pointer_of(self.shared_within(*to, depth), *size),
            (Form::Plain, CType::Array { elem, len }) => self.array_of(self.shared_within(*elem, depth), *len),
            (Form::Plain, CType::Struct { .. } | CType::Enum { .. }) => self.first_alike(of, id),
            (Form::Plain, _) => id,
        }
    }

    fn first_alike(&self, of: DebugTypes, id: TypeId) -> TypeId {
        let ctype = self.kind(id);
        let parts = match ctype {
            CType::Enum { .. } => {
                self.enum_values(id).iter().map(|constant| (constant.name.clone(), constant.value, None)).collect()
            }
            _ => {
                let part =
                    |member: &Member| (member.name.clone(), member.bit_offset.cast_signed(), member.bitfield_size);
                let variants = self.variants(id).map_or_else(Vec::new, |variants| variants.cases);
                let variants = variants.iter().map(|case| &case.member);
                self.members(id).iter().chain(variants).map(part).collect()
            }
        };
        *self.alike.borrow_mut().entry(Shape(of, ctype, parts)).or_insert(id)
    }

    pub(super) fn decode_debug(&self, of: DebugTypes, at: DieRef) -> Entry {
        let info = self.debug_info(of);
        let Some(die) = info.as_ref().and_then(|info| info.die(at)) else {
            return Entry::new(Form::Base("<malformed>".into()), CType::Void, None);
        };
        let reader = Reader { types: self, of };
        let form = reader.form(&die);
        let (end, ctype) = reader.ctype(die.clone());
        Entry::new(form, ctype, Some(Home::Debug(of, end)))
    }

    pub(super) fn debug_members(&self, of: DebugTypes, at: DieRef) -> Rc<[Member]> {
        let Some(info) = self.debug_info(of) else { return Rc::default() };
        let Some(die) = info.die(at) else { return Rc::default() };
        let reader = Reader { types: self, of };
        match die.tag() {
            gimli::DW_TAG_base_type => reader.parts_of_complex(&die),
            gimli::DW_TAG_ptr_to_member_type => reader.parts_of_member_pointer(&die),
            _ => die.children().iter().filter_map(|die| reader.member(die)).collect(),
        }
    }

    /// Whether a program's type is a number that is not taken apart here, such as `__float128` and `_Decimal64`: a record without members.
    pub fn is_opaque_number(&self, id: TypeId) -> bool {
        self.is_record_of_base(id) && self.members(id).is_empty()
    }

    /// Whether a program's type is a vector, as of the compilers' `vector_size` and `__m128`.
    pub fn is_vector(&self, id: TypeId) -> bool {
        let Some(Home::Debug(of, at)) = self.entry(self.resolve(id)).home else { return false };
        let is_vector = |info: Rc<DebugInfo>| info.die(at).is_some_and(|die| die.flag(gimli::DW_AT_GNU_vector));
        matches!(self.kind(id), CType::Array { .. }) && self.debug_info(of).is_some_and(is_vector)
    }

    /// Whether a program's type is a complex number: a record of two numbers.
    pub fn is_complex(&self, id: TypeId) -> bool {
        self.is_record_of_base(id) && !self.members(id).is_empty()
    }

    fn is_record_of_base(&self, id: TypeId) -> bool {
        let entry = self.entry(self.resolve(id));
        matches!((&entry.form, &entry.ctype), (Form::Base(_), CType::Struct { .. }))
    }

    pub(super) fn debug_constants(&self, of: DebugTypes, at: DieRef) -> Rc<[EnumValue]> {
        let Some(info) = self.debug_info(of) else { return Rc::default() };
        let children = info.die(at).map(|die| die.children()).unwrap_or_default();
        children.iter().filter_map(constant).collect()
    }
}

fn constant(die: &Die<'_>) -> Option<EnumValue> {
    let is_constant = die.tag() == gimli::DW_TAG_enumerator;
    let value = die.integer(gimli::DW_AT_const_value).filter(|_| is_constant)?;
    Some(EnumValue { name: (*die.name()?).into(), value })
}

/// Makes types of entries.
pub(super) struct Reader<'a> {
    pub(super) types: &'a Types,
    pub(super) of: DebugTypes,
}

impl Reader<'_> {
    fn handle(&self, die: &Die<'_>) -> TypeId {
        let of = die.reference(gimli::DW_AT_type);
        of.map_or(TypeId::VOID, |at| self.types.debug_type(self.of, Some(at)))
    }

    fn form(&self, die: &Die<'_>) -> Form {
        let name = || Rc::from(&*die.name().unwrap_or_default());
        match die.tag() {
            gimli::DW_TAG_base_type | gimli::DW_TAG_unspecified_type => Form::Base(name()),
            gimli::DW_TAG_typedef => Form::Typedef(name(), self.handle(die)),
            gimli::DW_TAG_const_type => Form::Qualified(Qualifier::Const, self.handle(die)),
            gimli::DW_TAG_volatile_type => Form::Qualified(Qualifier::Volatile, self.handle(die)),
            gimli::DW_TAG_restrict_type => Form::Qualified(Qualifier::Restrict, self.handle(die)),
            gimli::DW_TAG_atomic_type => Form::Qualified(Qualifier::Tag("atomic".into()), self.handle(die)),
            _ => Form::Plain,
        }
    }

    /// The type at the end of a chain of typedefs and qualifiers, and its entry.
    fn ctype(&self, die: Die<'_>) -> (DieRef, CType) {
        let start = die.at;
        let mut die = die;
        for _ in 0..MAX_CHAIN {
            if is_transparent(die.tag()) {
                match die.reference(gimli::DW_AT_type).and_then(|at| die.other(at)) {
                    Some(next) => die = next,
                    None => break,
                }
                continue;
            }
            if let Some(definition) = self.definition(&die) {
                die = definition;
            }
            return (die.at, self.plain(&die));
        }
        (start, CType::Void)
    }

    /// The definition that a declaration speaks of, in any unit.
    fn definition<'d>(&self, die: &Die<'d>) -> Option<Die<'d>> {
        if let Some(at) = die.reference(gimli::DW_AT_signature) {
            return die.other(at);
        }
        if !die.flag(gimli::DW_AT_declaration) {
            return None;
        }
        let tags = match die.tag() {
            gimli::DW_TAG_union_type => DebugTag::Union,
            gimli::DW_TAG_enumeration_type => DebugTag::Enum,
            _ => DebugTag::Struct,
        };
        let at = die.find_type(tags.tags())?;
        die.other(at)
    }

    fn plain(&self, die: &Die<'_>) -> CType {
        let size = die.number(gimli::DW_AT_byte_size);
        match die.tag() {
            gimli::DW_TAG_base_type => base(die, size),
            gimli::DW_TAG_unspecified_type if is_nullptr(die) => CType::Ptr { to: TypeId::VOID, size: die.word() },
            gimli::DW_TAG_pointer_type => CType::Ptr { to: self.handle(die), size: die.word() },
            gimli::DW_TAG_reference_type | gimli::DW_TAG_rvalue_reference_type => {
                CType::Ptr { to: self.referred(die), size: die.word() }
            }
            gimli::DW_TAG_ptr_to_member_type if is_of_function(die) => {
                let size = 2 * die.word();
                CType::Struct { name: "(member function)".into(), size, is_union: false, complete: true }
            }
            // The offset of a member.
            gimli::DW_TAG_ptr_to_member_type => integer(die.word(), true),
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => self.record(die, size, false),
            gimli::DW_TAG_union_type => self.record(die, size, true),
            gimli::DW_TAG_enumeration_type => self.enumeration(die, size),
            gimli::DW_TAG_array_type => self.array(die),
            gimli::DW_TAG_subroutine_type => CType::Func(self.prototype(die)),
            _ => CType::Void,
        }
    }

    /// What the pointer is to that a reference is. As in C++, `[1]` of a reference to an array is its second element.
    fn referred(&self, die: &Die<'_>) -> TypeId {
        let id = self.handle(die);
        match self.types.kind(id) {
            CType::Array { elem, .. } => elem,
            _ => id,
        }
    }

    fn record(&self, die: &Die<'_>, size: Option<u64>, is_union: bool) -> CType {
        let size = size.and_then(|size| u32::try_from(size).ok());
        let complete = size.is_some() && !die.flag(gimli::DW_AT_declaration);
        let name = die.qualified_name().unwrap_or_default();
        CType::Struct { name: name.into(), size: size.unwrap_or(0), is_union, complete }
    }

    fn enumeration(&self, die: &Die<'_>, size: Option<u64>) -> CType {
        let underlying = self.types.kind(self.handle(die));
        let size = match (size, &underlying) {
            (Some(size @ (1 | 2 | 4 | 8)), _) => size as u32,
            (_, CType::Int { size, .. }) => (*size).min(8),
            _ => return CType::Void,
        };
        let signed = match underlying {
            CType::Int { signed, .. } => signed,
            _ => die.children().iter().filter_map(constant).any(|constant| constant.value < 0),
        };
        CType::Enum { name: die.qualified_name().unwrap_or_default().into(), size, signed }
    }

    fn array(&self, die: &Die<'_>) -> CType {
        let is_dimension = |die: &&Die<'_>| die.tag() == gimli::DW_TAG_subrange_type;
        let children = die.children();
        let dimensions = children.iter().filter(is_dimension).take(MAX_DIMENSIONS).map(length);
        let mut dimensions: Vec<u64> = dimensions.collect();
        let outer = if dimensions.is_empty() { 0 } else { dimensions.remove(0) };
        let elem = dimensions.into_iter().rev().fold(self.handle(die), |elem, len| self.types.array_of(elem, len));
        CType::Array { elem, len: outer }
    }

    fn prototype(&self, die: &Die<'_>) -> FuncProto {
        let children = die.children();
        let variadic = children.iter().any(|die| die.tag() == gimli::DW_TAG_unspecified_parameters);
        let parameters = children.iter().filter(|die| die.tag() == gimli::DW_TAG_formal_parameter);
        let params = parameters.map(|die| Param { name: Rc::default(), ty: self.handle(die) }).collect();
        FuncProto { ret: self.handle(die), params, variadic }
    }

    /// Nothing for what is no complex number of known parts.
    fn parts_of_complex(&self, die: &Die<'_>) -> Rc<[Member]> {
        let is_complex = die.number(gimli::DW_AT_encoding) == Some(gimli::DW_ATE_complex_float.0.into());
        let size = die.number(gimli::DW_AT_byte_size).map(|size| size / 2);
        let Some(size) = size.filter(|size| is_complex && is_known_float(die, *size)) else { return Rc::default() };
        self.parts([("re", 0), ("im", size)], self.types.float_of(size as u32))
    }

    /// The address of the function, or 1 and more for a virtual one, and what is added to `this` (the Itanium C++ ABI, 2.3).
    fn parts_of_member_pointer(&self, die: &Die<'_>) -> Rc<[Member]> {
        let word = die.word();
        self.parts([("ptr", 0), ("adj", word.into())], self.types.int(word, true))
    }

    fn parts(&self, parts: [(&str, u64); 2], ty: TypeId) -> Rc<[Member]> {
        let part = |(name, at): (&str, u64)| Member { name: name.into(), ty, bit_offset: at * 8, bitfield_size: None };
        parts.map(part).into()
    }

    /// A member with a fixed place; bases of a class are members without a name. Static members have none.
    pub(super) fn member(&self, die: &Die<'_>) -> Option<Member> {
        let name: Rc<str> = match die.tag() {
            gimli::DW_TAG_member => (*die.name().unwrap_or_default()).into(),
            gimli::DW_TAG_inheritance => Rc::default(),
            _ => return None,
        };
        if die.flag(gimli::DW_AT_external) || die.flag(gimli::DW_AT_declaration) {
            return None;
        }
        let ty = self.handle(die);
        let bits = die.number(gimli::DW_AT_bit_size).and_then(|bits| u8::try_from(bits).ok());
        let bit_offset = self.bit_offset(die, ty, bits)?;
        Some(Member { name, ty, bit_offset, bitfield_size: bits })
    }

    fn bit_offset(&self, die: &Die<'_>, ty: TypeId, bits: Option<u8>) -> Option<u64> {
        if let Some(offset) = die.number(gimli::DW_AT_data_bit_offset) {
            return Some(offset);
        }
        let start = match die.has(gimli::DW_AT_data_member_location) {
            true => die.offset_of_member()?.checked_mul(8)?,
            false => 0,
        };
        // DWARF 2 and 3 count from the most significant bit of the storage unit, which of packed members need not hold all bits.
        match (die.integer(gimli::DW_AT_bit_offset), bits) {
            (Some(from_top), Some(bits)) => {
                let size = die.number(gimli::DW_AT_byte_size).or_else(|| self.types.size_of(ty))?;
                let inside =
                    i64::try_from(size.checked_mul(8)?).ok()?.checked_sub(from_top)?.checked_sub(bits.into())?;
                start.checked_add_signed(inside)
            }
            _ => Some(start),
        }
    }
}

fn is_transparent(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_typedef
            | gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_restrict_type
            | gimli::DW_TAG_atomic_type
    )
}

fn integer(size: u32, signed: bool) -> CType {
    CType::Int { size, signed, is_char: false, is_bool: false }
}

fn base(die: &Die<'_>, size: Option<u64>) -> CType {
    let encoding = die.number(gimli::DW_AT_encoding).and_then(|encoding| u8::try_from(encoding).ok());
    let (encoding, size) = (encoding.map(gimli::DwAte), size.unwrap_or(0));
    let is_float =
        matches!(encoding, Some(gimli::DW_ATE_float | gimli::DW_ATE_complex_float | gimli::DW_ATE_decimal_float));
    match (encoding, size) {
        (Some(gimli::DW_ATE_float), _) if is_known_float(die, size) => CType::Float { size: size as u32 },
        (Some(encoding), 1 | 2 | 4 | 8 | 16) if !is_float => CType::Int {
            size: size as u32,
            signed: matches!(encoding, gimli::DW_ATE_signed | gimli::DW_ATE_signed_char),
            is_char: size == 1 && die.name().as_deref() == Some("char"),
            is_bool: encoding == gimli::DW_ATE_boolean && size == 1,
        },
        (Some(_), 1..=MAX_NUMBER) => {
            let name = die.name().unwrap_or_default();
            CType::Struct { name: (*name).into(), size: size as u32, is_union: false, complete: true }
        }
        _ => CType::Void,
    }
}

/// Of numbers that are longer than `double`, those of the x87 are understood, which C calls `long double` on x86; IEEE's of 128 bits,
/// which C calls so elsewhere, are not.
fn is_known_float(die: &Die<'_>, size: u64) -> bool {
    match size {
        4 | 8 => true,
        12 | 16 => X87 && die.name().is_some_and(|name| name.contains("long double")),
        _ => false,
    }
}

fn is_nullptr(die: &Die<'_>) -> bool {
    die.name().is_some_and(|name| name.contains("nullptr"))
}

fn is_of_function(die: &Die<'_>) -> bool {
    let of = die.reference(gimli::DW_AT_type).and_then(|at| die.other(at));
    of.is_some_and(|of| of.tag() == gimli::DW_TAG_subroutine_type)
}

/// Elements of one dimension; 0 where that is not fixed.
fn length(die: &Die<'_>) -> u64 {
    let upper = || die.integer(gimli::DW_AT_upper_bound).and_then(|last| u64::try_from(last.checked_add(1)?).ok());
    die.number(gimli::DW_AT_count).or_else(upper).unwrap_or(0)
}
